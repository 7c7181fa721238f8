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

/// Per caller, whom the calls were about, and minute: the first `kSingle` refusals are given out at once, the
/// rest are counted and given out as one when the minute is over. Thread-safe.
///
/// A caller is an institution, however many systems and certificates it has, or a service. A flood costs
/// whoever sends it and hides nothing of it: of one caller `kMostAbout` subjects are given out singly at
/// once; about each further one its refusals are only counted, without texts, and given out as one when the
/// minute is over. So are, once `kMostSubjects` are given out singly of all callers together (a hundred that
/// flood at once), those about further ones. Once `kMostCounted` are only counted of all callers together (by
/// a flood of that many calls within a minute), those about further ones are counted under the caller's name,
/// about nobody. Beyond `kMostCallers` callers, refusals are counted under the caller "".
///
/// Memory: at most kMostSubjects + kMostCallers + 1 counts, some 300 bytes each with short texts, so about
/// 35 MB, and kMostCounted without texts, some 250 bytes each, 25 MB; of one caller kMostAbout + 1 and those
/// 25 MB. Only Due gives back those of minutes that are over: it is called every few seconds while there are
/// any. What it gives out at once are at most as many leaves.
class RefusedCalls {
 public:
  static constexpr uint64_t kSingle = 5;
  static constexpr size_t kMostAbout = 1'000;
  static constexpr size_t kMostSubjects = 100'000;
  static constexpr size_t kMostCounted = kMostSubjects;
  static constexpr size_t kMostCallers = 10'000;

  struct Leaf {
    std::string caller;           // "" when there were too many callers to tell apart
    std::string about;            // as given; "" also when there were too many to tell apart
    audit::v1::RefusedCall call;  // method and reason: empty where the counted differ, or were not kept
    bool alone = false;           // a refusal by itself: the one that is noted now
  };

  /// What is to be written now: this refusal, as the last, or nothing of it when it is only counted; before
  /// it what an earlier minute had counted. `about`: whom the call was about, as the service names them; "":
  /// nobody in particular. What is about too many to give out singly is only counted.
  std::vector<Leaf> Note(const std::string& caller, const std::string& about, const std::string& method,
                         const std::string& reason, absl::Time now);
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
  using Windows = std::map<std::string, Window>;  // by whom the calls were about
  struct Table {
    std::map<std::string, Windows> callers;
    size_t subjects = 0;  // windows about somebody, of all callers
    Window& At(const std::string& caller, const std::string& about);
  };

  // Whether refusals of that caller about that subject are given out singly first, or may be.
  [[nodiscard]] bool Singly(const std::string& caller, const std::string& about) const;
  // Whether they have a count of their own among those that are only counted, or may have one.
  [[nodiscard]] bool CountedApart(const std::string& caller, const std::string& about) const;
  static void Flush(const std::string& caller, const std::string& about, const Window& window,
                    std::vector<Leaf>& out);
  static void Collect(absl::Time now, bool all, Table& table, std::vector<Leaf>& out);

  std::mutex mu_;
  Table singly_;   // and what is about nobody
  Table counted_;  // only
};

}  // namespace relais::rpc
