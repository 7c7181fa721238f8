// The outcome of one row, and what an accepted one changes.
#include <algorithm>
#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/feeds/canonical.h"
#include "common/identity/request_key.h"
#include "services/alerting/batch.h"
#include "services/alerting/message.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

feeds::Outcome Refused(feeds::Reason reason) {
  feeds::Outcome outcome;
  outcome.kind = feeds::OutcomeKind::kRefused;
  outcome.reason = reason;
  return outcome;
}

bool IsRecurrence(Rule rule) { return rule != Rule::kCutOrReduction && rule != Rule::kDistressReport; }

void AddOnce(const std::string& value, google::protobuf::RepeatedPtrField<std::string>& list) {
  for (const std::string& known : list) {
    if (known == value) {
      return;
    }
  }
  *list.Add() = value;
}

void KeepDossiers(const std::vector<feeds::Dossier>& dossiers, v1::RecordState& state) {
  for (size_t i = 0; i < dossiers.size(); ++i) {
    v1::DossierState kept = ToState(dossiers[i]);
    if (i < static_cast<size_t>(state.dossiers_size())) {
      *kept.mutable_alerts() = state.dossiers(static_cast<int>(i)).alerts();
      *state.mutable_dossiers(static_cast<int>(i)) = std::move(kept);
    } else {
      *state.add_dossiers() = std::move(kept);
    }
  }
}

// A dossier that the alert tells of is still unpaid.
bool HasOpenDossier(const v1::RecordState& state, const std::string& alert) {
  return std::any_of(state.dossiers().begin(), state.dossiers().end(), [&](const v1::DossierState& dossier) {
    return dossier.open() &&
           std::find(dossier.alerts().begin(), dossier.alerts().end(), alert) != dossier.alerts().end();
  });
}

// D-1.12: what it answers, wholly or in part, once the dossiers it closes are closed.
void NoteSettled(const std::vector<size_t>& closed, const v1::RecordState& state, v1::RowState& row) {
  for (const size_t index : closed) {
    for (const std::string& alert : state.dossiers(static_cast<int>(index)).alerts()) {
      AddOnce(alert, HasOpenDossier(state, alert) ? *row.mutable_settles_in_part() : *row.mutable_settles());
    }
  }
}

}  // namespace

// The digest of the row on file under the key that the item's digest is under.
absl::StatusOr<std::string> Intake::DigestOfStored(const Terms& terms, const Item& item,
                                                   const v1::ReferenceClaim& claim) const {
  const uint32_t version = item.is_notice() ? item.digest_version : terms.key.version;
  if (claim.key_version() == version) {
    return claim.content_digest();
  }
  if (claim.erased()) {
    return std::string();  // nobody can say any more that it is the same
  }
  ASSIGN_OR_RETURN(const Id128 record, Id128::FromBytes(claim.record()));
  ASSIGN_OR_RETURN(const auto stored, store_.Row(record, item.row_id));
  if (!stored.has_value()) {
    return std::string();  // erased: nobody can say any more that it is the same
  }
  ASSIGN_OR_RETURN(const feeds::Row row, ParsedRow(*stored));
  ASSIGN_OR_RETURN(const Secret key, context_.suppression.Get(terms.institution, version));
  return identity::ContentDigest(key, kContentKind, feeds::CanonicalContent(row));
}

// A claim whose row never came is nobody's acceptance.
absl::StatusOr<feeds::KnownReference> Intake::Known(const Terms& terms, const Item& item,
                                                    const Ledger& ledger) const {
  const auto it = ledger.claims.find(item.row_id);
  if (it == ledger.claims.end() || !it->second.complete) {
    return feeds::KnownReference::kUnknown;
  }
  ASSIGN_OR_RETURN(const std::string digest, DigestOfStored(terms, item, it->second.stored.value));
  return ConstantTimeEqual(item.content, digest) ? feeds::KnownReference::kSameContent
                                                 : feeds::KnownReference::kOtherContent;
}

absl::Status Intake::JudgeNotice(const Terms& terms, Item& item, const Ledger& ledger) const {
  const std::string& name =
      item.wire.has_gated() ? item.wire.gated().reason() : item.wire.objection().reason();
  feeds::Outcome alone = Refused(feeds::ParseReason(name).value_or(feeds::Reason::kOpposed));
  if (item.wire.has_gated()) {
    ASSIGN_OR_RETURN(const auto known, Known(terms, item, ledger));
    const auto record = ledger.records.find(item.record);
    const bool objection = record != ledger.records.end() && record->second.stored.value.objection();
    alone = feeds::JudgeGated(alone, known, objection);
  }
  item.result = ResultOf(item.wire.line(), alone);
  return absl::OkStatus();
}

absl::Status Intake::JudgeFields(const Terms& terms, Item& item, Ledger& ledger) const {
  const v1::RecordState& on_file = ledger.records[item.record].stored.value;
  feeds::RecordState state;
  state.objection_on_file = on_file.objection() || item.objection_found;
  state.dossiers = DossiersOf(on_file);
  ASSIGN_OR_RETURN(const auto known, Known(terms, item, ledger));
  const feeds::Outcome outcome = feeds::JudgeRow(*item.form.row, terms.judge, state, known);
  item.result = ResultOf(item.wire.line(), outcome);
  if (outcome.kind != feeds::OutcomeKind::kAccepted) {
    return absl::OkStatus();
  }
  Ledger::Claim& claim = ledger.claims[item.row_id];
  const v1::ReferenceClaim& claimed = claim.stored.value;
  if (claim.given_up == item.record && claimed.key_version() == terms.key.version &&
      ConstantTimeEqual(claimed.content_digest(), item.content)) {
    // This very row, sent before: whoever puts it there, it is the same.
    claim.row_version = std::exchange(claim.given_up_version, 0);
    claim.given_up = Id128();
  } else if (claim.stored.version != 0 && claim.given_up != item.record) {
    ASSIGN_OR_RETURN(const auto place, store_.PlaceOf(item.record, item.row_id));
    claim.row_version = place.version;
  }
  Accept(terms, item, ledger);
  return absl::OkStatus();
}

absl::Status Intake::Judge(const Terms& terms, Item& item, Ledger& ledger) const {
  item.accepted = false;
  item.state.Clear();
  if (item.is_notice()) {
    RETURN_IF_ERROR(JudgeNotice(terms, item, ledger));
  } else if (!item.form.row.has_value()) {
    item.result = RefusedForForm(item.wire.line(), item.form);
    item.irregular = true;
  } else {
    RETURN_IF_ERROR(JudgeFields(terms, item, ledger));
    item.irregular = item.result.outcome() == v1::OUTCOME_REFUSED &&
                     feeds::JudgeRowAlone(*item.form.row, terms.judge).kind == feeds::OutcomeKind::kRefused;
  }
  // It takes effect for the following rows, whatever this row's outcome (D-1.6).
  NoteObjection(terms, item, ledger);
  return absl::OkStatus();
}

void Intake::NoteObjection(const Terms& terms, const Item& item, Ledger& ledger) const {
  if (!item.objects || item.record.IsZero()) {
    return;
  }
  Ledger::Record& record = ledger.records[item.record];
  v1::RecordState& state = record.stored.value;
  if (state.objection()) {
    return;
  }
  state.set_institution(terms.institution);
  state.set_objection(true);
  state.set_digest(item.digest);
  state.set_key_version(item.digest_version);
  record.objection_noted = true;
  record.changed = true;
}

void Intake::Accept(const Terms& terms, Item& item, Ledger& ledger) const {
  item.accepted = true;
  Ledger::Record& record = ledger.records[item.record];
  v1::RecordState& state = record.stored.value;
  record.changed = true;
  state.set_institution(terms.institution);
  if (!item.digest.empty()) {
    state.set_digest(item.digest);
    state.set_key_version(item.digest_version);
  }
  item.state.set_type(terms.type);
  *item.state.mutable_row() = item.wire;
  *item.state.mutable_accepted() = ToProto(terms.judge.now);
  *item.state.mutable_marks() = item.result.marks();
  if (const auto* bill = std::get_if<feeds::EdfRow>(&*item.form.row)) {
    ApplyBill(terms, *bill, item, state);
  } else {
    Raise(terms, Rule::kDistressReport, {}, item, state);
  }
  Ledger::Claim& claim = ledger.claims[item.row_id];
  claim.stored.value.set_content_digest(item.content);
  claim.stored.value.set_key_version(terms.key.version);
  claim.stored.value.set_record(item.record.ToBytes());
  claim.complete = true;
  claim.taken = true;
}

void Intake::ApplyBill(const Terms& terms, const feeds::EdfRow& bill, Item& item,
                       v1::RecordState& state) const {
  std::vector<feeds::Dossier> dossiers = DossiersOf(state);
  const feeds::DossierChange change = feeds::ApplyEvent(dossiers, bill);
  KeepDossiers(dossiers, state);
  for (const size_t index : change.touched) {
    item.state.add_dossiers(static_cast<uint32_t>(index));
  }
  if (feeds::IsCancelling(bill.evenement)) {
    NoteSettled(change.touched, state, item.state);
  }
  const RecordFacts facts{std::move(dossiers), state.registered(), state.linked_sign()};
  const auto rule = RuleOf(bill, facts, rules_);
  if (rule.has_value()) {
    Raise(terms, *rule, IsRecurrence(*rule) ? DossiersOfRecurrence(bill, facts, rules_) : change.touched,
          item, state);
  }
}

// Decides with the row, in the same commit, whether it raises an alert or joins one, and of which dossiers
// that alert tells: the follower then only carries out what is written.
void Intake::Raise(const Terms& terms, Rule rule, const std::vector<size_t>& dossiers, Item& item,
                   v1::RecordState& state) const {
  std::string alert =
      context_.idempotency.Bucket("alert", terms.institution, item.row_id.bytes()).id.ToBytes();
  if (IsRecurrence(rule) && !state.recurrence_alert().empty()) {
    alert = state.recurrence_alert();
  } else {
    item.state.set_rule(std::string(RuleName(rule)));
  }
  if (IsRecurrence(rule)) {
    state.set_recurrence_alert(alert);
  }
  item.state.set_alert(alert);
  for (const size_t index : dossiers) {
    AddOnce(alert, *state.mutable_dossiers(static_cast<int>(index))->mutable_alerts());
  }
}

}  // namespace relais::alerting
