#include "common/rpc/refused_calls.h"

#include <utility>

namespace relais::rpc {
namespace {
constexpr absl::Duration kWindow = absl::Minutes(1);
}  // namespace

void RefusedCalls::Flush(const std::string& caller, const Window& window, std::vector<Leaf>& out) {
  if (window.counted == 0) {
    return;
  }
  Leaf leaf;
  leaf.caller = caller;
  leaf.call.set_method(window.method);
  leaf.call.set_reason(window.reason);
  leaf.call.set_count(window.counted);
  out.push_back(std::move(leaf));
}

std::vector<RefusedCalls::Leaf> RefusedCalls::Note(const std::string& caller, const std::string& method,
                                                   const std::string& reason, absl::Time now) {
  std::vector<Leaf> out;
  std::lock_guard lock(mu_);
  const bool known = windows_.count(caller) > 0 || windows_.size() < kMostCallers;
  const std::string& key = known ? caller : std::string();
  Window& window = windows_[key];
  if (window.seen == 0 || now - window.start >= kWindow || now < window.start) {
    Flush(key, window, out);
    window = Window();
    window.start = now;
  }
  if (++window.seen <= kSingle && known) {
    Leaf leaf;
    leaf.caller = caller;
    leaf.call.set_method(method);
    leaf.call.set_reason(reason);
    leaf.call.set_count(1);
    out.push_back(std::move(leaf));
    return out;
  }
  if (++window.counted == 1) {
    window.method = method;
    window.reason = reason;
    return out;
  }
  if (window.method != method) {
    window.method.clear();
  }
  if (window.reason != reason) {
    window.reason.clear();
  }
  return out;
}

std::vector<RefusedCalls::Leaf> RefusedCalls::Due(absl::Time now, bool all) {
  std::vector<Leaf> out;
  std::lock_guard lock(mu_);
  for (auto at = windows_.begin(); at != windows_.end();) {
    const Window& window = at->second;
    if (all || now - window.start >= kWindow || now < window.start) {
      Flush(at->first, window, out);
      at = windows_.erase(at);
    } else {
      ++at;
    }
  }
  return out;
}

}  // namespace relais::rpc
