#include "common/rpc/refused_calls.h"

#include <iterator>
#include <utility>

namespace relais::rpc {
namespace {

constexpr absl::Duration kWindow = absl::Minutes(1);

bool IsOver(absl::Time start, absl::Time now) { return now - start >= kWindow || now < start; }

}  // namespace

void RefusedCalls::Flush(const std::string& caller, const std::string& about, const Window& window,
                         std::vector<Leaf>& out) {
  if (window.counted == 0) {
    return;
  }
  Leaf leaf;
  leaf.caller = caller;
  leaf.about = about;
  leaf.call.set_method(window.method);
  leaf.call.set_reason(window.reason);
  leaf.call.set_count(window.counted);
  out.push_back(std::move(leaf));
}

RefusedCalls::Window& RefusedCalls::Table::At(const std::string& caller, const std::string& about) {
  const auto [at, is_new] = callers[caller].try_emplace(about);
  if (is_new && !about.empty()) {
    ++subjects;
  }
  return at->second;
}

bool RefusedCalls::Singly(const std::string& caller, const std::string& about) const {
  const auto known = singly_.callers.find(caller);
  if (known == singly_.callers.end()) {
    return singly_.callers.size() < kMostCallers && (about.empty() || singly_.subjects < kMostSubjects);
  }
  const Windows& windows = known->second;
  if (about.empty() || windows.count(about) > 0) {
    return true;
  }
  const size_t others = windows.size() - windows.count("");
  return others < kMostAbout && singly_.subjects < kMostSubjects;
}

bool RefusedCalls::CountedApart(const std::string& caller, const std::string& about) const {
  if (caller.empty() || about.empty()) {
    return false;
  }
  const auto known = counted_.callers.find(caller);
  return counted_.subjects < kMostCounted ||
         (known != counted_.callers.end() && known->second.count(about) > 0);
}

std::vector<RefusedCalls::Leaf> RefusedCalls::Note(const std::string& caller, const std::string& about,
                                                   const std::string& method, const std::string& reason,
                                                   absl::Time now) {
  std::vector<Leaf> out;
  std::lock_guard lock(mu_);
  const bool singly = Singly(caller, about);
  const bool named = singly_.callers.count(caller) > 0 || singly_.callers.size() < kMostCallers;
  const std::string& by = named ? caller : std::string();
  const bool counted_apart = !singly && CountedApart(by, about);
  const std::string& on = singly || counted_apart ? about : std::string();
  Window& window = counted_apart ? counted_.At(by, on) : singly_.At(by, on);
  if (window.seen == 0 || IsOver(window.start, now)) {
    Flush(by, on, window, out);
    window = Window();
    window.start = now;
  }
  if (++window.seen <= kSingle && singly) {
    Leaf leaf;
    leaf.caller = by;
    leaf.about = on;
    leaf.call.set_method(method);
    leaf.call.set_reason(reason);
    leaf.call.set_count(1);
    leaf.alone = true;
    out.push_back(std::move(leaf));
    return out;
  }
  if (++window.counted == 1 && !counted_apart) {
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

void RefusedCalls::Collect(absl::Time now, bool all, Table& table, std::vector<Leaf>& out) {
  for (auto caller = table.callers.begin(); caller != table.callers.end();) {
    Windows& windows = caller->second;
    for (auto at = windows.begin(); at != windows.end();) {
      if (!all && !IsOver(at->second.start, now)) {
        ++at;
        continue;
      }
      Flush(caller->first, at->first, at->second, out);
      if (!at->first.empty()) {
        --table.subjects;
      }
      at = windows.erase(at);
    }
    caller = windows.empty() ? table.callers.erase(caller) : std::next(caller);
  }
}

std::vector<RefusedCalls::Leaf> RefusedCalls::Due(absl::Time now, bool all) {
  std::vector<Leaf> out;
  std::lock_guard lock(mu_);
  Collect(now, all, singly_, out);
  Collect(now, all, counted_, out);
  return out;
}

}  // namespace relais::rpc
