// Which refused calls get a leaf of their own, and which are counted into one: a flood of refusals must
// neither go unseen nor fill the log.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "relais/audit/v1/leaf.pb.h"

namespace relais::rpc {

/// Per caller and minute: the first `kSingle` refusals are given out at once, the rest are counted and given
/// out as one when the minute is over. Thread-safe; holds at most `kMostCallers`, beyond which refusals are
/// counted under the caller "".
class RefusedCalls {
 public:
  static constexpr uint64_t kSingle = 5;
  static constexpr size_t kMostCallers = 10'000;

  struct Leaf {
    std::string caller;           // "" when there were too many callers to tell apart
    audit::v1::RefusedCall call;  // method and reason are empty when the counted ones differ
  };

  /// What is to be written now: this refusal, or nothing when it is only counted.
  std::vector<Leaf> Note(const std::string& caller, const std::string& method, const std::string& reason,
                         absl::Time now);
  /// The counts of minutes that are over; `all`: of the current ones too.
  std::vector<Leaf> Due(absl::Time now, bool all);

 private:
  struct Window {
    absl::Time start;
    uint64_t seen = 0;
    uint64_t counted = 0;
    std::string method;
    std::string reason;
  };
  static void Flush(const std::string& caller, const Window& window, std::vector<Leaf>& out);

  std::mutex mu_;
  std::map<std::string, Window> windows_;
};

}  // namespace relais::rpc
