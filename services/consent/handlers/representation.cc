#include "services/consent/handlers/representation.h"

#include <algorithm>

#include "common/base/status.h"
#include "services/consent/convert.h"
#include "services/consent/domain/representative.h"

namespace relais::consent {
namespace {

absl::Status ReadDay(const common::v1::Date& date, std::string_view field,
                     std::optional<absl::CivilDay>& out) {
  out = DayFrom(date);
  return out ? absl::OkStatus() : rpc::InvalidField(field, "is no day");
}

absl::Status ReadBirthDay(Registry& registry, const Id128& person, const std::string& institution,
                          RepresentationAsked& asked) {
  ASSIGN_OR_RETURN(const std::optional<v1::StoredRecord> record,
                   registry.store.ReadRecord(person, institution));
  if (record && record->traits().has_birth_date()) {
    (record->traits().birth_date_presumed() ? asked.presumed : asked.born) =
        DayFrom(record->traits().birth_date());
  }
  return absl::OkStatus();
}

void DescribeLines(const Rules& rules, const std::vector<Line>& lines, RepresentationAsked& asked) {
  asked.only_to_child_protection = true;
  for (const Line& line : lines) {
    for (const std::string& category : line.categories) {
      asked.special = asked.special || rules.CategoryOf(category).special;
    }
    for (const Recipient& recipient : line.recipients) {
      const std::string_view kind =
          recipient.institution.empty() ? recipient.kind : rules.KindOf(recipient.institution);
      asked.only_to_child_protection = asked.only_to_child_protection && kind == kChildProtection;
    }
  }
}

}  // namespace

absl::StatusOr<Represented> RepresentedBy(Registry& registry, const Rules& rules, const Id128& person,
                                          const std::string& institution,
                                          const v1::Representative* representative,
                                          const std::vector<Line>& lines, absl::Time now) {
  RepresentationAsked asked;
  RETURN_IF_ERROR(ReadBirthDay(registry, person, institution, asked));
  DescribeLines(rules, lines, asked);
  if (representative != nullptr) {
    if (representative->kind() == v1::REPRESENTATION_UNSPECIFIED) {
      return rpc::InvalidField("representative.kind", "is required");
    }
    asked.kind = representative->kind();
    asked.has_reference = !representative->reference().empty();
    asked.scope = representative->scope();
    if (representative->has_from()) {
      RETURN_IF_ERROR(ReadDay(representative->from(), "representative.from", asked.from));
    }
    if (representative->has_until()) {
      RETURN_IF_ERROR(ReadDay(representative->until(), "representative.until", asked.until));
    }
  }
  const Representing judged = JudgeRepresentation(asked, registry.paris.DayOf(now));
  if (!judged.ok()) {
    return rpc::InvalidField(judged.field, judged.problem);
  }
  Represented represented;
  represented.represented = judged.represented;
  represented.child_protection_only = judged.child_protection_only;
  if (judged.last_day) {
    represented.mandate_until = absl::FromCivil(*judged.last_day + 1, registry.paris.zone());
  }
  return represented;
}

absl::Status CheckSaidBy(v1::Representation said_by) {
  return MaySayNo(said_by)
             ? absl::OkStatus()
             : rpc::InvalidField(
                   "said_by",
                   "is no capacity that speaks for her: under curatelle or sauvegarde de justice "
                   "she does so herself (D-2.8): leave it out");
}

void SetMandateEnd(const Represented& represented, v1::Consent& consent) {
  if (represented.mandate_until != absl::InfiniteFuture()) {
    *consent.mutable_mandate_until() = TimeTo(represented.mandate_until);
  }
}

}  // namespace relais::consent
