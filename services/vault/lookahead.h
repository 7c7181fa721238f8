// Memory for pieces of texts that streams hold ahead of need: an upload, so that one commit takes several; a
// reading, so that the next ones are ready when its client took those before. Exports have one of their own.
//
//   Lookahead::Held held = lookahead.Of("caf");
//   if (!held.Hold(2)) { … }    // goes piece by piece; an export, which cannot, comes back later
//   begin(commit, held.HandOver());    // counted until the commit has ended, wherever the stream is by then
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace relais::vault {

/// So many pieces for all streams together, half of them for those of one institution: streams that stand
/// still, however many, hold no more of it. Thread-safe; each Held is one owner's at a time.
class Lookahead {
 public:
  explicit Lookahead(size_t pieces) : pieces_(pieces) {}
  Lookahead(const Lookahead&) = delete;
  Lookahead& operator=(const Lookahead&) = delete;
  ~Lookahead() = default;

  /// What one stream, or one commit of it, holds: nothing at first, and given back at its end, which is
  /// before the Lookahead's. For one coroutine, or whoever it was handed over to: others may change theirs
  /// at the same time, nobody this one.
  class Held {
   public:
    Held(Lookahead& of, std::string institution) : of_(of), institution_(std::move(institution)) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { of_.Change(institution_, held_, 0); }

    /// So many from now on, instead of what it held; false, and it holds what it held, where there is no
    /// room for more. Less always goes.
    [[nodiscard]] bool Hold(size_t pieces) {
      const bool fits = of_.Change(institution_, held_, pieces);
      held_ = fits ? pieces : held_;
      return fits;
    }
    /// All that it holds, for whoever goes on with those pieces; this one holds nothing then. At no instant
    /// are they counted twice or not at all.
    [[nodiscard]] std::shared_ptr<Held> HandOver() {
      auto taken = std::make_shared<Held>(of_, institution_);
      taken->held_ = std::exchange(held_, 0);
      return taken;
    }

   private:
    Lookahead& of_;
    const std::string institution_;
    size_t held_ = 0;
  };
  [[nodiscard]] Held Of(std::string institution) { return {*this, std::move(institution)}; }

 private:
  bool Change(const std::string& institution, size_t before, size_t after) {
    std::lock_guard lock(mu_);
    const auto [its, made] = by_institution_.try_emplace(institution, 0);
    const size_t would = its->second - before + after;
    const size_t all = taken_ - before + after;
    const bool fits = after <= before || (would <= pieces_ / 2 && all <= pieces_);
    if (fits) {
      its->second = would;
      taken_ = all;
    }
    if (its->second == 0) {
      by_institution_.erase(its);
    }
    return fits;
  }

  const size_t pieces_;
  std::mutex mu_;
  size_t taken_ = 0;
  std::map<std::string, size_t> by_institution_;
};

}  // namespace relais::vault
