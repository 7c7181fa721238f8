// Uploads that nobody finishes end by themselves.
#pragma once

#include <atomic>

#include "services/vault/vault.h"

namespace relais::vault {

/// Looks every `expiry_scan` at the uploads under way, and ends those past their time (domain/upload_rules.h,
/// ExpiryOf); what is kept in memory of others goes too once it is old (UploadWriters::DropOld). Start once;
/// Stop resumes when nothing is in flight.
class ExpiringUploads {
 public:
  explicit ExpiringUploads(const Vault& vault) : vault_(vault) {}

  void Start();
  Task<bool> Stop();
  /// One look at all of them: how many ended. An error of one does not keep the others.
  Task<absl::StatusOr<uint64_t>> Look();

 private:
  Task<void> Run();
  Task<absl::StatusOr<bool>> EndIfPast(OpenUpload open);

  const Vault& vault_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> running_ = false;
};

}  // namespace relais::vault
