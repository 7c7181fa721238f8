// Her requests under RGPD art. 12 to 22: how long there is to answer, and what may follow what. Pure.
//
//   OPEN ──extend, once, within the month──▶ EXTENDED
//     │                                        │
//     └──────────── answer ───▶ ANSWERED ◀─────┘
//
// A month is a month of the calendar in Paris (D-6.2), clamped to a short month's end; the last day counts
// whole. Week-ends and holidays do not move it: the reading that is never later than the law's (art. 12.3;
// D-1.11). The extension runs from the day of receipt: three months in all.
#pragma once

#include <string_view>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/calendar/paris.h"
#include "relais/consent/v1/rights_service.pb.h"

namespace relais::consent {

struct RightsCase {
  v1::RightsStatus status = v1::RIGHTS_STATUS_OPEN;
  v1::RightsOutcome outcome = v1::RIGHTS_OUTCOME_UNSPECIFIED;
  absl::CivilDay received;
  absl::CivilDay due;  // the last day to answer
  friend bool operator==(const RightsCase&, const RightsCase&) = default;
};

inline constexpr int kMostDaysBack = 90;

enum class RightsProblem {
  kNone,
  kInTheFuture,      // received after today
  kTooFarBack,       // received more than 90 days ago
  kAnswered,         // there is an answer already
  kNoReasons,        // art. 12.3 and 12.4 want them for this outcome
  kExtendedAlready,  // once only
  kTooLateToExtend,  // the first month is over
};

/// The case as it is next; meaningless when there is a problem.
struct RightsVerdict {
  RightsProblem problem = RightsProblem::kNone;
  RightsCase next;
  [[nodiscard]] bool ok() const { return problem == RightsProblem::kNone; }
};

[[nodiscard]] inline bool IsPending(const RightsCase& the) {
  return the.status != v1::RIGHTS_STATUS_ANSWERED;
}
/// The instant from which it is overdue: midnight after the last day.
[[nodiscard]] inline absl::Time OverdueFrom(const RightsCase& the, const calendar::Paris& paris) {
  return paris.EndOf(the.due);
}

[[nodiscard]] RightsVerdict OpenCase(absl::CivilDay received, absl::CivilDay today);
/// `outcome` is not UNSPECIFIED.
[[nodiscard]] RightsVerdict AnswerCase(const RightsCase& now, v1::RightsOutcome outcome,
                                       std::string_view reasons, absl::CivilDay today);

}  // namespace relais::consent
