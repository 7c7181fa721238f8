// Closing a vault (D-3.4): three months' notice; without it, papers can be had for twelve months after. Pure;
// days are Paris days.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"

namespace relais::vault {

/// The law's minima; an operator may give more, never less.
struct ClosureRules {
  int notice_months = 3;
  int retrieval_months = 12;
};

struct ClosurePlan {
  absl::CivilDay announced;
  absl::CivilDay closing;          // the last day on which papers are taken and shared
  absl::CivilDay retrieval_until;  // the last day on which she reads and exports
  bool without_notice = false;

  friend bool operator==(const ClosurePlan&, const ClosurePlan&) = default;
};

/// INVALID_ARGUMENT, naming the first day that is possible, for a closing day before the end of the notice;
/// for one in the past even without notice. With notice retrieval ends on the closing day, without it twelve
/// months after.
[[nodiscard]] absl::StatusOr<ClosurePlan> PlanClosure(absl::CivilDay today, absl::CivilDay closing,
                                                      bool without_notice, const ClosureRules& rules);

/// A plan that replaces another may not take from her what the first one gave: neither day comes earlier.
/// INVALID_ARGUMENT otherwise.
[[nodiscard]] absl::Status JudgeReplacement(const ClosurePlan& current, const ClosurePlan& next);

enum class VaultPhase {
  kOpen,       // everything
  kRetrieval,  // she reads, exports and destroys; nothing is taken or shared
  kClosed      // nothing but the journal and proofs
};
[[nodiscard]] VaultPhase PhaseOn(const std::optional<ClosurePlan>& plan, absl::CivilDay today);

}  // namespace relais::vault
