// A key ring that another process may change while this one runs: the shared ring of handle and suppression
// keys.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/file_watch.h"
#include "common/crypto/file_key_ring.h"

namespace relais::crypto {

/// A FileKeyRing that reads its file again once it was replaced: when `Refresh` is called (regularly, so that
/// a new version becomes the latest), and before it answers that a name or version is not there. A process
/// that learns of a version from another one therefore finds it, whichever of the two looked first.
/// Thread-safe.
class SharedKeyRing final : public KeyRing {
 public:
  /// As FileKeyRing::Open.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<SharedKeyRing>> Open(const std::string& path,
                                                                           const Secret& master,
                                                                           Random& random);

  /// True: the file was replaced, and has been read. On an error, those of FileKeyRing, the ring stays as it
  /// was and the next call tries again.
  [[nodiscard]] absl::StatusOr<bool> Refresh();

  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Latest(std::string_view name) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret) override;
  [[nodiscard]] absl::Status Put(std::string_view name, uint32_t version, const Secret& secret) override;
  [[nodiscard]] absl::Status Destroy(std::string_view name, uint32_t version) override;
  [[nodiscard]] std::vector<KeyVersion> List() const override;

 private:
  explicit SharedKeyRing(FileWatch watch) : watch_(std::move(watch)) {}
  absl::StatusOr<bool> ReadAgain() const;

  mutable std::mutex mu_;  // held while the file is looked at and read
  mutable FileWatch watch_;
  mutable bool stale_ = false;  // replaced, and not read yet
  std::unique_ptr<FileKeyRing> ring_;
};

}  // namespace relais::crypto
