#include "services/consent/domain/withholding.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/calendar/days.h"
#include "services/consent/domain/stated_ground.h"

namespace relais::consent {
namespace {

constexpr std::string_view kDistressReport = "DISTRESS_REPORT";
constexpr int kReviewMonths = 6;
constexpr int kMostKeptMonths = 12;

// `kind`: of the day of the act, for who is in no directory any more; empty: nobody knows what it was.
bool MayBeChildProtection(const std::string& institution, std::string_view kind, const Rules& rules) {
  const std::string_view of_today = rules.KindOf(institution);
  const std::string_view counts = of_today.empty() ? kind : of_today;
  return counts.empty() || counts == kChildProtection;
}

bool MayBeChildProtection(const v1::CheckDecided& check, const Rules& rules) {
  return MayBeChildProtection(check.recipient().institution(), check.recipient_kind(), rules);
}

// Whatever came of it: it names who wanted to report.
bool WasAskedAsReport(const v1::CheckDecided& check) {
  return check.stated_ground() == common::v1::GROUND_CP_226_14_1 || check.signal_type() == kDistressReport;
}

bool IsProtectedReport(const audit::v1::LeafHeader& header, const v1::CheckDecided& check) {
  const auto is_report = [](common::v1::Ground ground) { return ground == common::v1::GROUND_CP_226_14_1; };
  return is_report(header.ground()) ||
         std::any_of(check.bases().begin(), check.bases().end(),
                     [&](const v1::CategoryBasis& basis) { return is_report(basis.ground()); });
}

}  // namespace

bool IsWithheld(const audit::v1::LeafHeader& header, const v1::CheckDecided& check, const Rules& rules) {
  const bool protected_ground =
      IsLegalDuty(header.ground()) ||
      std::any_of(check.bases().begin(), check.bases().end(),
                  [](const v1::CategoryBasis& basis) { return IsLegalDuty(basis.ground()); });
  const bool about_a_child = header.purpose() == kChildProtection || MayBeChildProtection(check, rules);
  const bool would_be_protected =
      header.decision() != common::v1::DECISION_PERMIT &&
      (IsLegalDuty(check.stated_ground()) || check.signal_type() == kDistressReport);
  return protected_ground || about_a_child || would_be_protected;
}

bool IsWithheld(const v1::EmergencyDeclared& emergency, const Rules& rules) {
  return MayBeChildProtection(emergency.recipient().institution(), emergency.recipient_kind(), rules);
}

bool IsWithheld(const Emergency& emergency, const Rules& rules) {
  return MayBeChildProtection(emergency.recipient, emergency.recipient_kind, rules);
}

absl::CivilDay ReviewOn(absl::CivilDay decided_on) { return calendar::AddMonths(decided_on, kReviewMonths); }

std::optional<Withholding> WithholdingOf(const audit::v1::LeafHeader& header, const v1::CheckDecided& check,
                                         const Rules& rules) {
  if (!IsWithheld(header, check, rules)) {
    return std::nullopt;
  }
  const bool permitted = header.decision() == common::v1::DECISION_PERMIT;
  const std::string& recipient = check.recipient().institution();
  const std::string& sender = check.sender().institution();
  const std::string& reviewer = permitted || MayBeChildProtection(check, rules) ? recipient : sender;
  const bool tells_who_reported = reviewer != sender && WasAskedAsReport(check);
  return Withholding{reviewer, !IsProtectedReport(header, check) && !tells_who_reported};
}

std::optional<Withholding> WithholdingOf(const v1::EmergencyDeclared& emergency, const Rules& rules) {
  if (!IsWithheld(emergency, rules)) {
    return std::nullopt;
  }
  return Withholding{emergency.recipient().institution(), true};
}

void AddReview(const Id128& event, const Review& review, Reviews& reviews) {
  const auto rank = [](const Review& each) {
    const int what = each.decision == v1::WITHHELD_DECISION_SHOW ? 2 : each.unreadable ? 1 : 0;
    return std::pair(what, each.at);
  };
  const auto [found, is_new] = reviews.emplace(event, review);
  if (!is_new && rank(found->second) < rank(review)) {
    found->second = review;
  }
}

bool MayHaveBeenShown(const Reviews& reviews, const Id128& event) {
  const auto found = reviews.find(event);
  return found != reviews.end() && found->second.unreadable;
}

bool IsShown(const Reviews& reviews, const Id128& event) {
  const auto found = reviews.find(event);
  return found != reviews.end() && found->second.decision == v1::WITHHELD_DECISION_SHOW;
}

absl::CivilDay ReviewOn(const Reviews& reviews, const Id128& event, absl::CivilDay decided_on) {
  const auto found = reviews.find(event);
  return found != reviews.end() && found->second.decision == v1::WITHHELD_DECISION_KEEP
             ? found->second.keep_until
             : ReviewOn(decided_on);
}

ReviewProblem JudgeReview(const Withholding& withholding, v1::WithheldDecision decision,
                          std::optional<absl::CivilDay> keep_until, absl::CivilDay today) {
  if (decision == v1::WITHHELD_DECISION_SHOW) {
    if (!withholding.may_show) {
      return ReviewProblem::kNotToBeShown;
    }
    return keep_until ? ReviewProblem::kDayOfShown : ReviewProblem::kNone;
  }
  if (!keep_until) {
    return ReviewProblem::kNoDay;
  }
  if (*keep_until <= today) {
    return ReviewProblem::kNotFuture;
  }
  return *keep_until > calendar::AddMonths(today, kMostKeptMonths) ? ReviewProblem::kTooFar
                                                                   : ReviewProblem::kNone;
}

}  // namespace relais::consent
