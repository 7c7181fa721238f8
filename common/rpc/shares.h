// What each institution has of something that all share: no one of them may have it all.
#pragma once

#include <map>
#include <mutex>
#include <string>

namespace relais::rpc {

/// Thread-safe. Holds as many counters as institutions have something now.
class Shares {
 public:
  /// One more for the institution, unless it has `most` already.
  bool Take(const std::string& institution, int most) {
    std::lock_guard lock(mu_);
    int& taken = taken_[institution];
    if (taken >= most) {
      return false;
    }
    ++taken;
    return true;
  }

  /// Gives one of those back.
  void Give(const std::string& institution) {
    std::lock_guard lock(mu_);
    const auto at = taken_.find(institution);
    if (at != taken_.end() && --at->second <= 0) {
      taken_.erase(at);
    }
  }

 private:
  std::mutex mu_;
  std::map<std::string, int> taken_;
};

}  // namespace relais::rpc
