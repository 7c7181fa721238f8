#include "services/consent/domain/representative.h"

#include <algorithm>

namespace relais::consent {
namespace {

constexpr int kOwnWord = 15;
constexpr int kOfAge = 18;

Representing Refuse(std::string_view field, std::string_view problem) {
  Representing refused;
  refused.field = field;
  refused.problem = problem;
  return refused;
}

absl::CivilDay Birthday(absl::CivilDay born, int age) {
  return absl::CivilDay(born.year() + age, born.month(), born.day());  // 29 February: 1 March
}

bool IsMinorsKind(v1::Representation kind) { return kind >= v1::REPRESENTATION_ONE_PARENT; }

// Of whatever rests on a judgment, a decision or a mandate.
Representing JudgeMandate(const RepresentationAsked& asked, absl::CivilDay today) {
  if (!asked.has_reference) {
    return Refuse("representative.reference", "is required: the judgment, decision or mandate");
  }
  if (asked.from && *asked.from > today) {
    return Refuse("representative.from", "is not there yet: the mandate has not begun");
  }
  if (asked.from && asked.until && *asked.until < *asked.from) {
    return Refuse("representative.until", "is before its first day");
  }
  if (asked.until && *asked.until < today) {
    return Refuse("representative.until", "is past: the mandate has ended");
  }
  Representing representing;
  representing.represented = true;
  representing.last_day = asked.until;
  return representing;
}

Representing JudgeAdult(const RepresentationAsked& asked, absl::CivilDay today) {
  if (asked.kind == v1::REPRESENTATION_CURATELLE || asked.kind == v1::REPRESENTATION_SAUVEGARDE_JUSTICE) {
    return Refuse("representative.kind",
                  "under curatelle or sauvegarde de justice the person signs herself (D-2.8): leave it out");
  }
  if (asked.scope != v1::JUDGMENT_SCOPE_PERSON && asked.scope != v1::JUDGMENT_SCOPE_PERSON_AND_PROPERTY) {
    return Refuse("representative.scope", "must cover the person (D-2.8)");
  }
  if (!asked.from) {
    return Refuse("representative.from", "is required (D-2.8)");
  }
  if (!asked.until && asked.kind != v1::REPRESENTATION_MANDAT_PROTECTION_FUTURE) {
    return Refuse("representative.until", "is required (D-2.8)");
  }
  if (asked.born && AgeOn(*asked.born, today) < kOfAge) {
    return Refuse("representative.kind", "is for adults; she is a minor (D-2.9)");
  }
  return JudgeMandate(asked, today);
}

// By which a minor is one; of a presumed date only one that makes her one.
std::optional<absl::CivilDay> MinorSince(const RepresentationAsked& asked, absl::CivilDay today) {
  const bool presumed = !asked.born && asked.presumed && AgeOn(*asked.presumed, today) < kOfAge;
  return presumed ? asked.presumed : asked.born;
}

Representing JudgeMinor(const RepresentationAsked& asked, absl::CivilDay today) {
  const std::optional<absl::CivilDay> born = MinorSince(asked, today);
  if (born && AgeOn(*born, today) >= kOfAge) {
    return Refuse("representative.kind", "is for minors; she is of age (D-2.9)");
  }
  const bool decided =
      asked.kind == v1::REPRESENTATION_ASE || asked.kind == v1::REPRESENTATION_GUARDIAN_AD_HOC;
  if (!born && !decided) {
    return Refuse("representative.kind",
                  "is for minors; without a birth date in your own record she counts as of age (D-4.4a)");
  }
  if (!born && !asked.until) {
    return Refuse("representative.until",
                  "is required where your own record has no birth date by which she is a minor (D-2.9)");
  }
  Representing representing;
  representing.represented = true;
  switch (asked.kind) {
    case v1::REPRESENTATION_ONE_PARENT:
      if (asked.special) {
        return Refuse("representative.kind",
                      "one parent decides on usual acts; a special category needs both (D-2.9)");
      }
      break;
    case v1::REPRESENTATION_BOTH_PARENTS:
      break;
    case v1::REPRESENTATION_ASE:
    case v1::REPRESENTATION_GUARDIAN_AD_HOC:
      representing = JudgeMandate(asked, today);
      break;
    case v1::REPRESENTATION_NONE:
      if (!asked.only_to_child_protection) {
        return Refuse("representative.kind",
                      "a minor whom nobody represents: to child protection (CRIP, ASE) only (D-2.9)");
      }
      representing.child_protection_only = true;
      break;
    default:
      return Refuse("representative.kind", "may not decide for her (D-2.8, D-2.9)");
  }
  if (representing.ok() && born) {
    const absl::CivilDay last = Birthday(*born, kOfAge) - 1;
    representing.last_day = representing.last_day ? std::min(*representing.last_day, last) : last;
  }
  return representing;
}

}  // namespace

bool MaySayNo(v1::Representation said_by) {
  switch (said_by) {
    case v1::REPRESENTATION_UNSPECIFIED:
    case v1::REPRESENTATION_TUTELLE:
    case v1::REPRESENTATION_HABILITATION_FAMILIALE:
    case v1::REPRESENTATION_MANDAT_PROTECTION_FUTURE:
    case v1::REPRESENTATION_ONE_PARENT:
    case v1::REPRESENTATION_BOTH_PARENTS:
    case v1::REPRESENTATION_ASE:
    case v1::REPRESENTATION_GUARDIAN_AD_HOC:
    case v1::REPRESENTATION_NONE:
      return true;
    default:  // under curatelle or sauvegarde de justice she signs herself
      return false;
  }
}

int AgeOn(absl::CivilDay born, absl::CivilDay today) {
  const int years = static_cast<int>(today.year() - born.year());
  return Birthday(born, years) <= today ? years : years - 1;
}

Representing JudgeRepresentation(const RepresentationAsked& asked, absl::CivilDay today) {
  if (asked.kind == v1::REPRESENTATION_UNSPECIFIED) {
    if (asked.born && *asked.born <= today && AgeOn(*asked.born, today) < kOwnWord) {
      return Refuse("representative", "is required: she is under 15 (D-2.9)");
    }
    return {};
  }
  return IsMinorsKind(asked.kind) ? JudgeMinor(asked, today) : JudgeAdult(asked, today);
}

}  // namespace relais::consent
