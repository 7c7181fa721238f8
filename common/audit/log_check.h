// Whether what a follower reads is one growing log. Private to common/audit. Pure.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/audit/log.h"
#include "common/merkle/tree.h"

namespace relais::audit::internal {

/// Takes every leaf's hash in order and the answers to probes; compares roots at the sizes that the answers
/// name, whether these are reached before or after the answer comes. DATA_LOSS from any call: the log forked,
/// shrank or is another; stop. A log that goes on under a later epoch of its origin is the same log, as far
/// as it kept what was read (continuation.h). Not thread-safe.
class LogCheck {
 public:
  /// `origin` empty: the first answer gives it.
  LogCheck(std::string origin, merkle::Frontier read) : origin_(std::move(origin)), read_(std::move(read)) {}

  [[nodiscard]] absl::Status Append(const merkle::Hash& leaf_hash);

  /// One probe at a time: Sent, then Answered or Failed. `sent` is a monotonic instant.
  void ProbeSent(absl::Duration sent);
  [[nodiscard]] absl::Status ProbeAnswered(const LogState& state);
  void ProbeFailed() { probe_.reset(); }

  /// The last instant at which a probe was sent whose answer is proven and covered by the first `applied`
  /// leaves; nullopt when there was none since the last call.
  [[nodiscard]] std::optional<absl::Duration> Proven(uint64_t applied);

  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] uint64_t read() const { return read_.size(); }
  /// What was appended, up to and with the leaf for which Append failed.
  [[nodiscard]] const merkle::Frontier& range() const { return read_; }

 private:
  // Enough for the longest lease there is; beyond, answers prove nothing until some are reached.
  static constexpr size_t kMaxTargets = 64;
  // Leaves read while a probe is under way, kept to know the root at any size among them: 2 MiB.
  static constexpr size_t kMaxPassed = size_t{1} << 16;

  struct Probe {
    absl::Duration sent;
    merkle::Frontier at;               // what was read when it was sent
    std::vector<merkle::Hash> passed;  // leaves read since
    bool overflow = false;
  };
  struct Target {
    uint64_t size = 0;
    merkle::Hash root{};
    absl::Duration sent;
  };
  [[nodiscard]] absl::Status CheckPassed(const Probe& probe, const LogState& state);

  std::string origin_;
  merkle::Frontier read_;
  uint64_t largest_answer_ = 0;
  std::optional<Probe> probe_;
  std::deque<Target> ahead_;   // not read yet, ascending
  std::deque<Target> proven_;  // read and equal, ascending
};

}  // namespace relais::audit::internal
