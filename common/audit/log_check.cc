#include "common/audit/log_check.h"

#include <utility>

#include "common/audit/continuation.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {
absl::Status Fork() { return absl::DataLossError("root differs"); }
}  // namespace

absl::Status LogCheck::Append(const merkle::Hash& leaf_hash) {
  read_.Append(leaf_hash, nullptr);
  if (probe_.has_value()) {
    if (probe_->passed.size() < kMaxPassed) {
      probe_->passed.push_back(leaf_hash);
    } else {
      probe_->overflow = true;
    }
  }
  while (!ahead_.empty() && ahead_.front().size <= read_.size()) {
    if (ahead_.front().root != read_.root()) {
      return Fork();
    }
    proven_.push_back(ahead_.front());
    ahead_.pop_front();
  }
  return absl::OkStatus();
}

void LogCheck::ProbeSent(absl::Duration sent) { probe_ = Probe{sent, read_, {}, false}; }

absl::Status LogCheck::ProbeAnswered(const LogState& state) {
  if (!probe_.has_value()) {
    return absl::OkStatus();
  }
  const Probe probe = *std::exchange(probe_, std::nullopt);
  if (origin_.empty()) {
    origin_ = state.origin;
  }
  if (state.origin != origin_) {
    if (!GoesOn(origin_, state.origin)) {
      return absl::DataLossError("another origin");
    }
    // It lost its end and says so. What was read must be in what it kept: its roots will tell, as ever.
    if (state.size < probe.at.size()) {
      return absl::DataLossError(
          "the log lost leaves that were read here and goes on under another origin: rebuild this follower");
    }
    origin_ = state.origin;
    largest_answer_ = 0;
    ahead_.clear();
  }
  if (state.size < probe.at.size() || state.size < largest_answer_) {
    return absl::DataLossError("smaller size");
  }
  largest_answer_ = state.size;
  if (state.size <= read_.size()) {
    return CheckPassed(probe, state);
  }
  if (ahead_.size() < kMaxTargets) {
    ahead_.push_back({state.size, state.root, probe.sent});
  }
  return absl::OkStatus();
}

absl::Status LogCheck::CheckPassed(const Probe& probe, const LogState& state) {
  merkle::Frontier range = probe.at;
  const uint64_t passed = state.size - range.size();
  if (probe.overflow && passed > probe.passed.size()) {
    return absl::OkStatus();
  }
  for (uint64_t i = 0; i < passed; ++i) {
    range.Append(probe.passed[i], nullptr);
  }
  if (range.root() != state.root) {
    return Fork();
  }
  proven_.push_back({state.size, state.root, probe.sent});
  return absl::OkStatus();
}

std::optional<absl::Duration> LogCheck::Proven(uint64_t applied) {
  std::optional<absl::Duration> sent;
  while (!proven_.empty() && proven_.front().size <= applied) {
    sent = proven_.front().sent;
    proven_.pop_front();
  }
  return sent;
}

}  // namespace relais::audit::internal
