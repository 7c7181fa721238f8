// The desks' inboxes: pointers to messages, derived from the log and kept in segments so that a start reads
// only what waits. Holds nothing personal.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpc/service_context.h"
#include "relais/routing/v1/state.pb.h"

namespace relais::routing {

/// Thread-safe. Durable rows are written by the follower of routing's own log alone (Put, Remove); everyone
/// reads the copy in memory.
class Inbox {
 public:
  explicit Inbox(const rpc::ServiceContext& context) : context_(context) {}

  /// Reads the segments of every desk of the directory.
  absl::Status Load();

  /// Adds or replaces a pointer. Idempotent.
  Task<absl::Status> Put(std::string desk, v1::InboxPointer pointer);
  /// Removes a pointer if it is there.
  Task<absl::Status> Remove(std::string desk, Id128 message);

  /// Messages of the desk that may be sent now, oldest first, at most one per person: a later message waits
  /// until the one before is delivered.
  [[nodiscard]] std::vector<Id128> Due(std::string_view desk, absl::Time now, size_t limit) const;
  struct Listed {
    std::string key;  // sorts by time of submission; pass the last one as `after` for the next page
    v1::InboxPointer pointer;
  };
  /// What waits and nobody took, oldest first.
  [[nodiscard]] std::vector<Listed> List(std::string_view desk, std::string_view after, size_t limit) const;
  /// Untaken messages of all desks whose deadline is not after `now`, but for those to be passed over.
  [[nodiscard]] std::vector<Id128> Overdue(absl::Time now, size_t limit, const std::set<Id128>& passed) const;

  /// Counts changes of a desk's inbox; WaitForChange resumes when it is no longer `seen`, or after `wait`.
  [[nodiscard]] uint64_t Changes(std::string_view desk) const;
  Task<bool> WaitForChange(std::string desk, uint64_t seen, absl::Duration wait);

 private:
  struct Slot {
    uint64_t segment = 0;
    v1::InboxPointer pointer;
  };
  struct DeskInbox {
    std::map<std::string, Slot> slots;    // by key
    std::map<Id128, std::string> keys;    // message → key
    std::map<uint64_t, size_t> segments;  // segment → rows ever put since load
    uint64_t changes = 0;
    std::vector<OneShot<bool>> waiters;
  };

  absl::Status LoadDesk(const std::string& desk);
  Task<absl::Status> OpenSegment(std::string desk, uint64_t segment);
  [[nodiscard]] storage::Partition ListPartition(std::string_view desk) const;
  [[nodiscard]] storage::Partition SegmentPartition(std::string_view desk, uint64_t segment) const;
  void Changed(DeskInbox& inbox);

  const rpc::ServiceContext& context_;
  mutable std::mutex mu_;
  std::map<std::string, DeskInbox, std::less<>> desks_;
};

}  // namespace relais::routing
