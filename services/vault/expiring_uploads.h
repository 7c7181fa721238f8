// Uploads that nobody finishes end by themselves.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <vector>

#include "services/vault/vault.h"

namespace relais::vault {

/// Looks every `expiry_scan` at the uploads under way, and ends those past their time (domain/upload_rules.h,
/// ExpiryOf); what is kept in memory of others goes too once it is old (UploadWriters::DropOld). Where the
/// list of them does not read, it looks at everybody's, at most once an hour, and lists them anew. Start
/// once; Stop resumes when nothing is in flight.
class ExpiringUploads {
 public:
  explicit ExpiringUploads(const Vault& vault) : vault_(vault) {}

  void Start();
  Task<bool> Stop();
  /// One look at all of them: how many ended. An error of one does not keep the others.
  Task<absl::StatusOr<uint64_t>> Look();

 private:
  Task<void> Run();
  struct Found {
    uint64_t ended = 0;
    absl::Status failed;            // the first error there was
    std::set<Id128> under_way;      // by everybody's own rows
    bool all = true;                // of these was read
    std::vector<Id128> unreadable;  // rows of the list
    bool gaps = false;              // in the list
  };
  Task<absl::Status> LookAtList(Found& found);
  Task<absl::Status> LookAtEverybody(Found& found);
  Task<absl::Status> LookAt(Id128 person, Found& found);
  Task<absl::Status> ListAnew(OpenUpload open);
  Task<bool> End(OpenUpload open, Found& found);
  Task<absl::StatusOr<bool>> EndIfPast(OpenUpload open);
  Task<absl::Status> TakeOffTheList(OpenUpload open);

  const Vault& vault_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> running_ = false;
  absl::Duration everybody_due_ = -absl::InfiniteDuration();  // monotonic; of whoever looks
};

}  // namespace relais::vault
