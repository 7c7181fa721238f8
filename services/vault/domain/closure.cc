#include "services/vault/domain/closure.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/calendar/days.h"

namespace relais::vault {

absl::StatusOr<ClosurePlan> PlanClosure(absl::CivilDay today, absl::CivilDay closing, bool without_notice,
                                        const ClosureRules& rules) {
  const absl::CivilDay first =
      without_notice
          ? today
          : calendar::AddMonths(today, std::max(rules.notice_months, ClosureRules().notice_months));
  if (closing < first) {
    return absl::InvalidArgumentError(
        absl::StrCat("the first day on which this vault may close is ", absl::FormatCivilTime(first)));
  }
  ClosurePlan plan{today, closing, closing, without_notice};
  if (without_notice) {
    plan.retrieval_until =
        calendar::AddMonths(closing, std::max(rules.retrieval_months, ClosureRules().retrieval_months));
  }
  return plan;
}

absl::Status JudgeReplacement(const ClosurePlan& current, const ClosurePlan& next) {
  if (next.closing < current.closing || next.retrieval_until < current.retrieval_until) {
    return absl::InvalidArgumentError("an announced closure is not brought forward");
  }
  return absl::OkStatus();
}

VaultPhase PhaseOn(const std::optional<ClosurePlan>& plan, absl::CivilDay today) {
  if (!plan || today <= plan->closing) {
    return VaultPhase::kOpen;
  }
  return today <= plan->retrieval_until ? VaultPhase::kRetrieval : VaultPhase::kClosed;
}

}  // namespace relais::vault
