// A key ring in one small file, every key sealed under a master key. Text, one key a line:
//
//   relais-keyring/1
//   master <base64 of SealRandom(master, "relais-keyring/1|master", "")>
//   <name> <version> <base64 of SealRandom(master, "relais-keyring/1|<name>|<version>", key)>
//   <name> <version> destroyed
//
// Lines are sorted by name, then version. The associated data keep a line from being passed off as another;
// the second line tells a wrong master from a damaged file. Nothing protects against putting back an older
// copy of the whole file: that is why the online ring stays out of backups.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "common/base/random.h"
#include "common/crypto/key_ring.h"

namespace relais::crypto {

/// A change rewrites the file: temporary file of mode 0600 in the same folder, fsync, rename, fsync of the
/// folder; then the old file's blocks are overwritten with zeros, as well as the file system lets us. After a
/// crash the ring is the old one or the new one, whole. A change first takes a lock on the folder and reads
/// the file again, so two processes that share a ring lose nothing; a process that only reads sees another's
/// changes after Reload. Keys stay opened in memory.
///
/// Errors beside those of KeyRing: FAILED_PRECONDITION for a wrong master, PERMISSION_DENIED for a file that
/// others may read, DATA_LOSS for one that does not parse or open, NOT_FOUND for no file, UNAVAILABLE when
/// the file system fails (the change may or may not be in the file: the next call reads it again).
class FileKeyRing final : public KeyRing {
 public:
  /// Opens an existing ring. `random` must outlive the ring. INVALID_ARGUMENT for a master under 32 bytes.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<FileKeyRing>> Open(std::string path,
                                                                         const Secret& master,
                                                                         Random& random);
  /// Makes an empty ring. ALREADY_EXISTS if there is a file.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<FileKeyRing>> Create(std::string path,
                                                                           const Secret& master,
                                                                           Random& random);

  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Latest(std::string_view name) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret) override;
  [[nodiscard]] absl::Status Put(std::string_view name, uint32_t version, const Secret& secret) override;
  [[nodiscard]] absl::Status Destroy(std::string_view name, uint32_t version) override;
  [[nodiscard]] std::vector<KeyVersion> List() const override;

  /// Reads the file again. On an error the ring stays as it was.
  [[nodiscard]] absl::Status Reload();

  /// Seals every key, and the file's second line, anew under `master`, which is the ring's from then on; no
  /// key changes. As any change, but the new file is opened with `master` before it takes the old one's
  /// place. A process that has the ring open under the old master goes on reading what it has; Reload and
  /// whatever changes are FAILED_PRECONDITION there. INVALID_ARGUMENT for a master under 32 bytes.
  [[nodiscard]] absl::Status Rewrap(const Secret& master);

 private:
  FileKeyRing(std::string path, const Secret& master, Random& random)
      : path_(std::move(path)), random_(random), master_(master) {}

  [[nodiscard]] absl::StatusOr<internal::KeyTable> Load() const;
  [[nodiscard]] absl::StatusOr<std::string> Format(const internal::KeyTable& table,
                                                   const Secret& master) const;
  template <typename Change>
  auto Mutate(Change change) -> decltype(change(std::declval<internal::KeyTable&>()));

  const std::string path_;
  Random& random_;
  mutable std::mutex mu_;
  Secret master_;
  internal::KeyTable table_;
};

}  // namespace relais::crypto
