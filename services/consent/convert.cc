#include "services/consent/convert.h"

#include <utility>

#include "common/base/status.h"

namespace relais::consent {
namespace {

constexpr int64_t kNanosInMicro = 1000;

template <typename Proto, typename List>
void CopyTo(const List& list, Proto* out) {
  for (const auto& each : list) {
    out->Add(std::string(each));
  }
}

// An end that may never come: 0.
int64_t EndMicros(absl::Time end) { return end == absl::InfiniteFuture() ? 0 : absl::ToUnixMicros(end); }
absl::Time EndFromMicros(int64_t micros) {
  return micros == 0 ? absl::InfiniteFuture() : absl::FromUnixMicros(micros);
}
std::optional<absl::Time> PerhapsFromMicros(int64_t micros) {
  return micros == 0 ? std::nullopt : std::optional(absl::FromUnixMicros(micros));
}

template <typename Stored>
void SetOrigin(const Origin& origin, Stored& out) {
  if (!origin.of.IsZero()) {
    out.set_of(origin.of.ToBytes());
  }
}
// Nothing for zero.
void SetId(const Id128& id, std::string& out) { out = id.IsZero() ? "" : id.ToBytes(); }
absl::StatusOr<Id128> OriginFrom(const std::string& of) {
  return of.empty() ? absl::StatusOr<Id128>(Id128()) : Id128::FromBytes(of);
}

}  // namespace

std::vector<Line> LinesFrom(const ProtoLines& lines) {
  std::vector<Line> out;
  out.reserve(static_cast<size_t>(lines.size()));
  for (const v1::ConsentLine& line : lines) {
    Line& made = out.emplace_back();
    made.purposes.assign(line.purposes().begin(), line.purposes().end());
    made.categories.assign(line.categories().begin(), line.categories().end());
    for (const v1::Recipient& recipient : line.recipients()) {
      made.recipients.push_back({recipient.institution(), recipient.kind()});
    }
    for (const int act : line.acts()) {
      made.acts.push_back(static_cast<common::v1::Act>(act));
    }
  }
  return out;
}

void LinesTo(const std::vector<Line>& lines, ProtoLines& out) {
  for (const Line& line : lines) {
    v1::ConsentLine* made = out.Add();
    CopyTo(line.purposes, made->mutable_purposes());
    CopyTo(line.categories, made->mutable_categories());
    for (const Recipient& recipient : line.recipients) {
      v1::Recipient* to = made->add_recipients();
      if (recipient.institution.empty()) {
        to->set_kind(recipient.kind);
      } else {
        to->set_institution(recipient.institution);
      }
    }
    for (const common::v1::Act act : line.acts) {
      made->add_acts(act);
    }
  }
}

std::optional<absl::CivilDay> DayFrom(const common::v1::Date& date) {
  const absl::CivilDay day(date.year(), date.month(), date.day());
  const bool exists = day.year() == date.year() && day.month() == date.month() && day.day() == date.day();
  return exists ? std::optional(day) : std::nullopt;
}

absl::Time TimeFrom(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

google::protobuf::Timestamp TimeTo(absl::Time time) {
  const absl::Duration since = time - absl::UnixEpoch();
  const int64_t seconds = absl::ToUnixSeconds(time);
  google::protobuf::Timestamp out;
  out.set_seconds(seconds);
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Microseconds(since - absl::Seconds(seconds)) * kNanosInMicro));
  return out;
}

int64_t Micros(absl::Time time) { return time == absl::InfinitePast() ? 0 : absl::ToUnixMicros(time); }

absl::Time FromMicros(int64_t micros) {
  return micros == 0 ? absl::InfinitePast() : absl::FromUnixMicros(micros);
}

v1::StoredPerson StoredFrom(const PersonState& state, bool with_frozen) {
  v1::StoredPerson stored;
  for (const Agreement& agreement : state.agreements()) {
    if (agreement.origin.frozen && !with_frozen) {
      continue;
    }
    v1::StoredAgreement* out = stored.add_agreements();
    SetOrigin(agreement.origin, *out);
    out->set_id(agreement.id.ToBytes());
    out->set_at(Micros(agreement.at));
    out->set_recorded(Micros(agreement.recorded));
    out->set_valid_from(Micros(agreement.valid_from));
    out->set_valid_until(Micros(agreement.valid_until));
    out->set_explicit_(agreement.explicit_given);
    out->set_source_reference(agreement.source_reference);
    out->set_reference_of(agreement.reference_of);
    LinesTo(agreement.lines.all(), *out->mutable_lines());
    out->set_represented(agreement.represented);
    out->set_mandate_until(EndMicros(agreement.mandate_until));
    out->set_child_protection_only(agreement.child_protection_only);
    out->set_collector(agreement.collector);
    for (const Renewal& renewal : agreement.renewals) {
      v1::StoredRenewal* again = out->add_renewals();
      again->set_at(Micros(renewal.at));
      again->set_valid_until(Micros(renewal.valid_until));
      again->set_mandate_until(EndMicros(renewal.mandate_until));
    }
    if (agreement.ended) {
      out->set_ended(Micros(agreement.ended->at));
      out->set_invalidated(agreement.ended->invalidated);
    }
  }
  for (const Denial& denial : state.denials()) {
    if (denial.origin.frozen && !with_frozen) {
      continue;
    }
    v1::StoredDenial* out = stored.add_denials();
    SetOrigin(denial.origin, *out);
    out->set_id(denial.id.ToBytes());
    out->set_withdrawal(denial.kind == Denial::Kind::kWithdrawal);
    out->set_at(Micros(denial.at));
    if (denial.agreement) {
      out->set_agreement(denial.agreement->ToBytes());
    }
    out->set_represented(denial.represented);
    LinesTo(denial.lines, *out->mutable_lines());
    if (denial.taken_back) {
      v1::StoredTakenBack* taken = out->mutable_taken_back();
      LinesTo(denial.taken_back->lines.all(), *taken->mutable_lines());
      taken->set_source_reference(denial.taken_back->source_reference);
      taken->set_reference_of(denial.taken_back->reference_of);
      taken->set_child_protection_only(denial.taken_back->child_protection_only);
    }
  }
  for (const Objection& objection : state.objections()) {
    if (objection.origin.frozen && !with_frozen) {
      continue;
    }
    v1::StoredObjection* out = stored.add_objections();
    SetOrigin(objection.origin, *out);
    out->set_supplier(objection.supplier);
    out->set_key_version(objection.key_version);
    out->set_digest(objection.digest);
    out->set_generation(objection.generation);
    out->set_recorded(Micros(objection.recorded));
    out->set_lifted(objection.lifted ? Micros(*objection.lifted) : 0);
    out->set_said_again(objection.said_again ? Micros(*objection.said_again) : 0);
  }
  for (const Emergency& emergency : state.emergencies()) {
    if (emergency.origin.frozen && !with_frozen) {
      continue;
    }
    v1::StoredEmergency* out = stored.add_emergencies();
    SetOrigin(emergency.origin, *out);
    out->set_id(emergency.id.ToBytes());
    out->mutable_recipient()->set_institution(emergency.recipient);
    out->mutable_recipient()->set_function(emergency.recipient_function);
    CopyTo(emergency.categories, out->mutable_categories());
    out->set_from(Micros(emergency.from));
    out->set_until(Micros(emergency.until));
    out->set_declared_by(emergency.declared_by);
    out->set_declared_agent(emergency.declared_agent);
    out->set_reviewed(emergency.reviewed ? Micros(*emergency.reviewed) : 0);
    out->set_outcome(emergency.outcome);
    out->set_informed(emergency.informed ? Micros(*emergency.informed) : 0);
    out->set_recipient_kind(emergency.recipient_kind);
  }
  for (const Information& information : state.information()) {
    if (information.origin.frozen && !with_frozen) {
      continue;
    }
    v1::StoredInformation* out = stored.add_information();
    SetOrigin(information.origin, *out);
    out->set_id(information.id.ToBytes());
    out->set_at(Micros(information.at));
    out->mutable_by()->set_institution(information.by);
    out->mutable_by()->set_function(information.by_function);
    LinesTo(information.lines, *out->mutable_lines());
  }
  for (const Restriction& restriction : state.restrictions()) {
    if (restriction.origin.frozen && !with_frozen) {
      continue;
    }
    v1::StoredRestriction* out = stored.add_restrictions();
    SetOrigin(restriction.origin, *out);
    out->set_id(restriction.id.ToBytes());
    out->set_institution(restriction.institution);
    out->set_from(Micros(restriction.from));
    out->set_until(restriction.until ? Micros(*restriction.until) : 0);
  }
  if (state.linked_to()) {
    v1::StoredLinkedTo* out = stored.mutable_linked_to();
    out->set_link_id(state.linked_to()->link.ToBytes());
    out->set_canonical_id(state.linked_to()->canonical.ToBytes());
    out->set_since(Micros(state.linked_to()->since));
    out->set_cause(state.linked_to()->cause);
    SetId(state.linked_to()->via, *out->mutable_via());
    out->set_turn(state.linked_to()->turn);
  }
  for (const Link& link : state.links()) {
    v1::StoredLink* out = stored.add_links();
    out->set_link_id(link.id.ToBytes());
    out->set_person_id(link.person.ToBytes());
    out->set_since(Micros(link.since));
    out->set_cause(link.cause);
    out->set_until(link.until ? Micros(*link.until) : 0);
    SetId(link.via, *out->mutable_via());
    SetId(link.went_with, *out->mutable_went_with());
    out->set_left(link.left);
    SetId(link.ended_by, *out->mutable_ended_by());
  }
  stored.set_turns(state.turns());
  stored.set_latest(Micros(state.latest()));
  return stored;
}

absl::StatusOr<PersonState> StateFrom(const v1::StoredPerson& stored) {
  return StateFrom(stored,
                   [&](int agreement) { return Lines(LinesFrom(stored.agreements(agreement).lines())); });
}

absl::StatusOr<PersonState> StateFrom(const v1::StoredPerson& stored, LinesOfAgreement lines_of) {
  PersonStateBuilder builder;
  for (int i = 0; i < stored.agreements_size(); ++i) {
    const v1::StoredAgreement& in = stored.agreements(i);
    Agreement agreement;
    ASSIGN_OR_RETURN(agreement.id, Id128::FromBytes(in.id()));
    agreement.at = FromMicros(in.at());
    agreement.recorded = FromMicros(in.recorded());
    agreement.valid_from = FromMicros(in.valid_from());
    agreement.valid_until = FromMicros(in.valid_until());
    agreement.explicit_given = in.explicit_();
    agreement.source_reference = in.source_reference();
    agreement.reference_of = in.reference_of();
    agreement.lines = lines_of(i);
    agreement.represented = in.represented();
    agreement.mandate_until = EndFromMicros(in.mandate_until());
    agreement.child_protection_only = in.child_protection_only();
    agreement.collector = in.collector();
    for (const v1::StoredRenewal& again : in.renewals()) {
      agreement.renewals.push_back(
          {FromMicros(again.at()), FromMicros(again.valid_until()), EndFromMicros(again.mandate_until())});
    }
    if (in.ended() != 0) {
      agreement.ended = Agreement::Ended{FromMicros(in.ended()), in.invalidated()};
    }
    ASSIGN_OR_RETURN(agreement.origin.of, OriginFrom(in.of()));
    builder.Put(std::move(agreement));
  }
  for (const v1::StoredDenial& in : stored.denials()) {
    Denial denial;
    ASSIGN_OR_RETURN(denial.id, Id128::FromBytes(in.id()));
    denial.kind = in.withdrawal() ? Denial::Kind::kWithdrawal : Denial::Kind::kRefusal;
    denial.at = FromMicros(in.at());
    if (!in.agreement().empty()) {
      ASSIGN_OR_RETURN(denial.agreement, Id128::FromBytes(in.agreement()));
    }
    denial.lines = LinesFrom(in.lines());
    denial.represented = in.represented();
    if (in.has_taken_back()) {
      const v1::StoredTakenBack& taken = in.taken_back();
      denial.taken_back = TakenBack{LinesFrom(taken.lines()), taken.source_reference(), taken.reference_of(),
                                    taken.child_protection_only()};
    }
    ASSIGN_OR_RETURN(denial.origin.of, OriginFrom(in.of()));
    builder.Put(std::move(denial));
  }
  for (const v1::StoredObjection& in : stored.objections()) {
    Objection objection;
    objection.supplier = in.supplier();
    objection.key_version = in.key_version();
    objection.digest = in.digest();
    objection.generation = in.generation();
    objection.recorded = FromMicros(in.recorded());
    if (in.lifted() != 0) {
      objection.lifted = FromMicros(in.lifted());
    }
    objection.said_again = PerhapsFromMicros(in.said_again());
    ASSIGN_OR_RETURN(objection.origin.of, OriginFrom(in.of()));
    builder.Put(std::move(objection));
  }
  for (const v1::StoredEmergency& in : stored.emergencies()) {
    Emergency emergency;
    ASSIGN_OR_RETURN(emergency.id, Id128::FromBytes(in.id()));
    emergency.recipient = in.recipient().institution();
    emergency.recipient_function = in.recipient().function();
    emergency.categories.assign(in.categories().begin(), in.categories().end());
    emergency.from = FromMicros(in.from());
    emergency.until = FromMicros(in.until());
    emergency.declared_by = in.declared_by();
    emergency.declared_agent = in.declared_agent();
    emergency.reviewed = PerhapsFromMicros(in.reviewed());
    emergency.outcome = in.outcome();
    emergency.informed = PerhapsFromMicros(in.informed());
    emergency.recipient_kind = in.recipient_kind();
    ASSIGN_OR_RETURN(emergency.origin.of, OriginFrom(in.of()));
    builder.Put(std::move(emergency));
  }
  for (const v1::StoredInformation& in : stored.information()) {
    Information information;
    ASSIGN_OR_RETURN(information.id, Id128::FromBytes(in.id()));
    information.at = FromMicros(in.at());
    information.by = in.by().institution();
    information.by_function = in.by().function();
    information.lines = LinesFrom(in.lines());
    ASSIGN_OR_RETURN(information.origin.of, OriginFrom(in.of()));
    builder.Put(std::move(information));
  }
  for (const v1::StoredRestriction& in : stored.restrictions()) {
    Restriction restriction;
    ASSIGN_OR_RETURN(restriction.id, Id128::FromBytes(in.id()));
    restriction.institution = in.institution();
    restriction.from = FromMicros(in.from());
    if (in.until() != 0) {
      restriction.until = FromMicros(in.until());
    }
    ASSIGN_OR_RETURN(restriction.origin.of, OriginFrom(in.of()));
    builder.Put(std::move(restriction));
  }
  if (stored.has_linked_to()) {
    const v1::StoredLinkedTo& in = stored.linked_to();
    LinkedTo to;
    ASSIGN_OR_RETURN(to.link, Id128::FromBytes(in.link_id()));
    ASSIGN_OR_RETURN(to.canonical, Id128::FromBytes(in.canonical_id()));
    to.since = FromMicros(in.since());
    to.cause = in.cause();
    ASSIGN_OR_RETURN(to.via, OriginFrom(in.via()));
    to.turn = in.turn();
    builder.Put(to);
  }
  for (const v1::StoredLink& in : stored.links()) {
    Link link;
    ASSIGN_OR_RETURN(link.id, Id128::FromBytes(in.link_id()));
    ASSIGN_OR_RETURN(link.person, Id128::FromBytes(in.person_id()));
    link.since = FromMicros(in.since());
    link.cause = in.cause();
    link.until = PerhapsFromMicros(in.until());
    ASSIGN_OR_RETURN(link.via, OriginFrom(in.via()));
    ASSIGN_OR_RETURN(link.went_with, OriginFrom(in.went_with()));
    link.left = in.left();
    ASSIGN_OR_RETURN(link.ended_by, OriginFrom(in.ended_by()));
    builder.Put(link);
  }
  builder.PutTurns(stored.turns());
  return std::move(builder).Build(FromMicros(stored.latest()));
}

identity::Traits TraitsFrom(const v1::Traits& traits) {
  identity::Traits out;
  out.surname = traits.surname();
  out.first_names = traits.first_names();
  if (traits.has_birth_date()) {
    out.birth_date = DayFrom(traits.birth_date());
  }
  out.birth_date_presumed = traits.birth_date_presumed();
  out.birthplace = traits.birthplace();
  out.phone = traits.phone();
  out.address = traits.address();
  out.postal_code = traits.postal_code();
  for (const v1::SharedIdentifier& identifier : traits.identifiers()) {
    out.identifiers.push_back({identifier.scheme(), identifier.value()});
  }
  return out;
}

}  // namespace relais::consent
