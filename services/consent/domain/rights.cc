#include "services/consent/domain/rights.h"

#include "common/calendar/days.h"

namespace relais::consent {
namespace {

constexpr int kMonths = 1;
constexpr int kMonthsExtended = 3;

bool NeedsReasons(v1::RightsOutcome outcome) {
  return outcome == v1::RIGHTS_OUTCOME_PARTLY_GRANTED || outcome == v1::RIGHTS_OUTCOME_REFUSED ||
         outcome == v1::RIGHTS_OUTCOME_EXTENDED;
}

}  // namespace

RightsVerdict OpenCase(absl::CivilDay received, absl::CivilDay today) {
  RightsVerdict verdict;
  if (received > today) {
    verdict.problem = RightsProblem::kInTheFuture;
  } else if (received < today - kMostDaysBack) {
    verdict.problem = RightsProblem::kTooFarBack;
  }
  verdict.next.received = received;
  verdict.next.due = calendar::AddMonths(received, kMonths);
  return verdict;
}

RightsVerdict AnswerCase(const RightsCase& now, v1::RightsOutcome outcome, std::string_view reasons,
                         absl::CivilDay today) {
  RightsVerdict verdict;
  verdict.next = now;
  if (!IsPending(now)) {
    verdict.problem = RightsProblem::kAnswered;
    return verdict;
  }
  if (NeedsReasons(outcome) && reasons.empty()) {
    verdict.problem = RightsProblem::kNoReasons;
    return verdict;
  }
  if (outcome != v1::RIGHTS_OUTCOME_EXTENDED) {
    verdict.next.status = v1::RIGHTS_STATUS_ANSWERED;
    verdict.next.outcome = outcome;
    return verdict;
  }
  if (now.status == v1::RIGHTS_STATUS_EXTENDED) {
    verdict.problem = RightsProblem::kExtendedAlready;
  } else if (today > now.due) {
    verdict.problem = RightsProblem::kTooLateToExtend;
  }
  verdict.next.status = v1::RIGHTS_STATUS_EXTENDED;
  verdict.next.due = calendar::AddMonths(now.received, kMonthsExtended);
  return verdict;
}

}  // namespace relais::consent
