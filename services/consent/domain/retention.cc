#include "services/consent/domain/retention.h"

#include <algorithm>
#include <vector>

#include "absl/time/civil_time.h"
#include "services/consent/domain/expiry.h"
#include "services/consent/domain/her_acts.h"

namespace relais::consent {
namespace {

absl::Time MonthsLater(absl::Time time, int months) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::CivilSecond at = absl::ToCivilSecond(time, utc);
  // A 31st that the other month does not have becomes the first of the next one: never too early.
  const absl::CivilSecond then(at.year(), at.month() + months, at.day(), at.hour(), at.minute(), at.second());
  return absl::FromCivil(then, utc);
}

}  // namespace

bool PersonDue(absl::Time last_contact, absl::Time now, const RetentionRules& rules) {
  return MonthsLater(last_contact, rules.person_months) <= now;
}

absl::Time EndOfAgreement(const PersonState& state, const Agreement& agreement, const Rules& rules) {
  absl::Time end = agreement.TermAt(absl::InfiniteFuture()).until;
  if (agreement.ended) {
    end = std::min(end, agreement.ended->at);
  }
  Agreement given = agreement;  // whatever else ended it: what she took back
  given.ended.reset();
  if (!IsTakenBack(state, given, rules)) {
    return end;
  }
  std::vector<Denial> denials(state.denials());
  std::stable_sort(denials.begin(), denials.end(),
                   [](const Denial& a, const Denial& b) { return a.at < b.at; });
  PersonState so_far;
  for (const Denial& denial : denials) {
    so_far.Add(denial);
    if (IsTakenBack(so_far, given, rules)) {
      return std::min(denial.at, end);
    }
  }
  return end;
}

bool AgreementProofDue(absl::Time ended, absl::Time now, const RetentionRules& rules) {
  return MonthsLater(ended, rules.agreement_months) <= now;
}

absl::Time AgreementsDueBefore(absl::Time now, const RetentionRules& rules) {
  return MonthsLater(now, -rules.agreement_months);
}

bool StillDecides(const PersonState& state, const Agreement& agreement, const Rules& rules) {
  return std::any_of(state.denials().begin(), state.denials().end(), [&](const Denial& denial) {
    const bool meets = std::any_of(agreement.lines.begin(), agreement.lines.end(), [&](const Line& line) {
      return std::any_of(denial.lines.begin(), denial.lines.end(),
                         [&](const Line& denied) { return Overlap(line, denied, rules); });
    });
    return denial.agreement == agreement.id || (denial.at <= agreement.at && meets);
  });
}

bool ObjectionDigestDue(absl::Time kept_until, absl::Time now) {
  return kept_until > absl::UnixEpoch() && kept_until <= now;
}

}  // namespace relais::consent
