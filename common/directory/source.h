// Where a service's directory comes from: a signed file, read again on demand, whose version never goes back.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/directory/directory.h"
#include "common/directory/sign.h"

namespace relais::directory {

/// A version as it was signed.
struct ArchivedDirectory {
  std::string yaml;
  std::string signature;
};

/// Thread-safe. One process per `remembered_path` and `archive_dir`.
///
/// Every version accepted is first archived, then remembered, both synced, then served: after a crash at any
/// point the highest version ever served is remembered, and it can be retrieved.
class DirectorySource {
 public:
  struct Options {
    std::string path;             ///< The YAML file; its signature is `path`.sig.
    RootKeys root_keys;           ///< Any of these may sign a new version.
    RootKeys retired_keys;        ///< Root keys of the past: still believed for the archive.
    std::string remembered_path;  ///< Text file: highest version accepted and its SHA-256.
    std::string archive_dir;      ///< Made when absent; `<version>.yaml` and `<version>.yaml.sig`.
  };

  /// Loads the file, or says why not: see Reload.
  static absl::StatusOr<std::unique_ptr<DirectorySource>> Open(Options options);

  /// Reads both files again and serves them if the signature is right (else PERMISSION_DENIED), the text
  /// parses and lints without error (INVALID_ARGUMENT), and the version is higher than the one remembered, or
  /// the same with the same bytes (FAILED_PRECONDITION). On any error the version served before stays. A
  /// reload that finds the file half replaced fails on its signature; the next one succeeds. An expired
  /// directory loads (Expired).
  absl::Status Reload();

  /// Never null.
  [[nodiscard]] std::shared_ptr<const Directory> Current() const;
  /// The text being served, and its signature.
  [[nodiscard]] ArchivedDirectory CurrentSigned() const;
  /// True past `not_after` of the version served: disclosure stops.
  [[nodiscard]] bool Expired(absl::Time now) const { return Current()->Expired(now); }

  /// A version accepted in the past; its signature is verified again. NOT_FOUND if there never was one,
  /// PERMISSION_DENIED if the archive was touched.
  [[nodiscard]] absl::StatusOr<ArchivedDirectory> Archived(uint64_t version) const;

 private:
  explicit DirectorySource(Options options) : options_(std::move(options)) {}

  [[nodiscard]] std::string ArchivePath(uint64_t version) const;
  absl::Status Archive(uint64_t version, const ArchivedDirectory& text) const;

  const Options options_;
  std::mutex reload_mutex_;  // one reload at a time; guards the remembered file and the archive
  mutable std::mutex mutex_;
  std::shared_ptr<const Directory> current_;  // guarded by mutex_
  ArchivedDirectory current_text_;            // guarded by mutex_
};

}  // namespace relais::directory
