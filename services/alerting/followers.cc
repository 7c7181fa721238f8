#include "services/alerting/followers.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/alerting/v1/events.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/alerting/domain/alert_state.h"
#include "services/alerting/events.h"
#include "services/alerting/message.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;
// Numbers of the effects of one leaf (`EffectId`).
enum EffectNumber {
  kRegister = 0,
  kAgreement = 1,
  kEmergency = 2,
  kSubmit = 3,
  kObjection = 4,
  kSettlement = 10
};

std::optional<Id128> RecordOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_SENDER_RECORD) {
    return std::nullopt;
  }
  const auto id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}

// A failure that may pass: the follower tries again. Any other answer is final.
bool MayPass(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

common::v1::Acting ActingFor(const std::string& institution) {
  common::v1::Acting acting;
  acting.mutable_party()->set_institution(institution);
  return acting;
}

}  // namespace

std::string OwnLeaves::Request(uint64_t leaf, int number) const {
  return audit::EffectId(context_.log.origin(), leaf, number);
}

std::string OwnLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const auto record = RecordOf(leaf);
  return record.has_value() ? record->ToBytes() : "";
}

Task<absl::Status> OwnLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  absl::Status status;
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED:
      status = co_await Accepted(std::move(leaf), effects);
      break;
    case audit::v1::EVENT_CLASS_ALERT_CHANGED:
      if (effects) {
        status = co_await Send(std::move(leaf));
      }
      break;
    case audit::v1::EVENT_CLASS_OBJECTION_NOTED:
      if (effects) {
        status = co_await ReportObjection(std::move(leaf));
      }
      break;
    default:
      break;
  }
  co_return status;
}

Task<absl::Status> OwnLeaves::Accepted(audit::FollowedLeaf leaf, bool effects) {
  const auto record = RecordOf(leaf);
  v1::SignalAccepted signal;
  if (!record.has_value() || !leaf.details.payload().UnpackTo(&signal)) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 row_id, Id128::FromBytes(signal.row_id()));
  CO_ASSIGN_OR_RETURN(const auto row, store_.Row(*record, row_id));
  CO_ASSIGN_OR_RETURN(const auto record_state, store_.Record(*record));
  if (!row.has_value()) {
    co_return absl::OkStatus();  // erased since
  }
  Effect effect{.leaf = leaf.index,
                .record = *record,
                .alert_id = {},
                .alert = {},
                .record_state = record_state.value,
                .row_state = *row,
                .row_id = row_id};
  if (row->alert().empty()) {
    const absl::Status settled = co_await Settled(effect, leaf.index, effects);
    co_return settled;
  }
  CO_ASSIGN_OR_RETURN(effect.alert_id, Id128::FromBytes(row->alert()));
  if (row->rule().empty()) {
    const absl::Status joined = co_await Joined(effect);
    co_return joined;
  }
  v1::AlertState alert;
  alert.set_record(record->ToBytes());
  alert.set_institution(record_state.value.institution());
  alert.set_row(row_id.ToBytes());
  alert.set_rule(row->rule());
  alert.set_state(v1::Alert::STATE_PENDING_CONSENT);
  *alert.mutable_raised() = ToProto(leaf.time);
  alert.set_facts(1);
  *alert.mutable_marks() = row->marks();
  alert.set_exercise(leaf.header.exercise());
  const absl::Status raised = co_await RaiseAlert(context_, store_, effect.alert_id, std::move(alert));
  co_return raised;
}

// A new fact updates its alert; after closing it reopens it, and the desk is told again.
Task<absl::Status> OwnLeaves::Joined(Effect effect) {
  const std::string row = effect.row_id.ToBytes();
  AlertChange change = [&](v1::AlertState& alert) -> absl::StatusOr<bool> {
    if (alert.row() == row ||
        std::find(alert.joined().begin(), alert.joined().end(), row) != alert.joined().end()) {
      return false;
    }
    alert.add_joined(row);
    alert.set_facts(alert.facts() + 1);
    if (alert.state() == v1::Alert::STATE_CLOSED) {
      alert.set_state(v1::Alert::STATE_PENDING_CONSENT);
      alert.set_row(row);
    }
    return true;
  };
  const auto changed = co_await ChangeAlert(context_, store_, effect.alert_id, change);
  co_return absl::IsNotFound(changed.status()) ? absl::OkStatus() : changed.status();
}

// D-1.12: a settled bill closes the alerts nobody took and adds to those a human took; who was told is told.
Task<absl::Status> OwnLeaves::Settled(Effect effect, uint64_t leaf, bool effects) {
  CO_ASSIGN_OR_RETURN(const feeds::Row row, ParsedRow(effect.row_state));
  const auto* bill = std::get_if<feeds::EdfRow>(&row);
  if (bill == nullptr || !feeds::IsCancelling(bill->evenement)) {
    co_return absl::OkStatus();
  }
  const std::string note = SettledNote(*bill);
  int number = kSettlement;
  for (const uint32_t index : effect.row_state.dossiers()) {
    if (static_cast<int>(index) >= effect.record_state.dossiers_size()) {
      continue;
    }
    for (const std::string& bytes : effect.record_state.dossiers(static_cast<int>(index)).alerts()) {
      CO_ASSIGN_OR_RETURN(effect.alert_id, Id128::FromBytes(bytes));
      AlertChange change = [&](v1::AlertState& alert) -> absl::StatusOr<bool> {
        return Settle(alert, effect.row_id.ToBytes(), note);
      };
      const auto changed = co_await ChangeAlert(context_, store_, effect.alert_id, change);
      if (absl::IsNotFound(changed.status())) {
        continue;
      }
      CO_RETURN_IF_ERROR(changed.status());
      effect.alert = *changed;
      effect.leaf = leaf;
      if (effects && !changed->message_id().empty()) {
        const absl::Status told = co_await TellSettled(effect, effect.row_state, number);
        CO_RETURN_IF_ERROR(told);
      }
      ++number;
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> OwnLeaves::TellSettled(Effect effect, v1::RowState settling, int number) {
  CO_ASSIGN_OR_RETURN(const Id128 told_id, Id128::FromBytes(effect.alert.row()));
  CO_ASSIGN_OR_RETURN(const auto told_state, store_.Row(effect.record, told_id));
  if (!told_state.has_value()) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const feeds::Row told, ParsedRow(*told_state));
  CO_ASSIGN_OR_RETURN(const feeds::Row row, ParsedRow(settling));
  routing::v1::SubmitRequest request =
      SettlementOf(std::get<feeds::EdfRow>(row), told, effect.alert.institution(), *told_state,
                   *context_.directory(), paris_);
  request.set_request_id(Request(effect.leaf, number));
  request.mutable_person()->set_person_id(effect.alert.person());
  request.set_desk(effect.alert.desk());
  const auto sent = co_await peers_.submit(std::move(request), settings_.peer_timeout);
  co_return MayPass(sent.status()) ? sent.status() : absl::OkStatus();
}

Task<absl::StatusOr<std::string>> OwnLeaves::RegisterHer(Effect effect) {
  CO_ASSIGN_OR_RETURN(const feeds::Row row, ParsedRow(effect.row_state));
  consent::v1::RegisterRequest request;
  request.set_request_id(Request(effect.leaf, kRegister));
  const bool collective = AtCollectiveAddress(*context_.directory(), row);
  request.set_sender_record(collective ? effect.alert.row() : effect.record.ToBytes());
  *request.mutable_traits() = TraitsOf(row);
  *request.mutable_acting() = ActingFor(effect.alert.institution());
  const auto answer = co_await peers_.register_person(std::move(request), settings_.peer_timeout);
  CO_RETURN_IF_ERROR(answer.status());
  co_return answer->person().person_id();
}

// What a brigade's report stands on is recorded before it is sent (D-4.4a).
Task<absl::Status> OwnLeaves::RecordGround(Effect effect, std::string person) {
  CO_ASSIGN_OR_RETURN(const feeds::Row row, ParsedRow(effect.row_state));
  if (!std::holds_alternative<feeds::BsppRow>(row)) {
    co_return absl::OkStatus();
  }
  const routing::v1::SubmitRequest sending =
      SubmissionOf(row, effect.alert.institution(), effect.row_state, *context_.directory(), paris_);
  routing::v1::ResolveRequest where;
  where.mutable_person()->set_person_id(person);
  *where.mutable_sender() = sending.sender();
  where.set_purpose(sending.purpose());
  *where.mutable_categories() = sending.categories();
  *where.mutable_stated_ground() = sending.stated_ground();
  *where.mutable_situation() = sending.situation();
  where.set_urgency(sending.urgency());
  const auto resolved = co_await peers_.resolve(std::move(where), settings_.peer_timeout);
  CO_RETURN_IF_ERROR(resolved.status());
  if (resolved->territory_institution().empty()) {
    co_return absl::OkStatus();
  }
  if (auto agreement = OralAgreementOf(row, resolved->territory_institution(), paris_)) {
    agreement->set_request_id(Request(effect.leaf, kAgreement));
    agreement->mutable_person()->set_person_id(person);
    *agreement->mutable_acting() = ActingFor(effect.alert.institution());
    // Three months from now (D-4.4a), by Paris days.
    const absl::Time now = context_.clock.Now();
    *agreement->mutable_valid_until() = ToProto(paris_.StartOf(
        absl::CivilDay(absl::CivilMonth(paris_.DayOf(now)) + 3) + (paris_.DayOf(now).day() - 1)));
    const auto recorded = co_await peers_.record_consent(std::move(*agreement), settings_.peer_timeout);
    CO_RETURN_IF_ERROR(recorded.status());
  }
  if (auto emergency = EmergencyOf(row, resolved->territory_institution())) {
    emergency->set_request_id(Request(effect.leaf, kEmergency));
    emergency->mutable_person()->set_person_id(person);
    *emergency->mutable_acting() = ActingFor(effect.alert.institution());
    const auto declared = co_await peers_.declare(std::move(*emergency), settings_.peer_timeout);
    CO_RETURN_IF_ERROR(declared.status());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> OwnLeaves::Send(audit::FollowedLeaf leaf) {
  const auto record = RecordOf(leaf);
  v1::AlertChanged changed;
  if (!record.has_value() || !leaf.details.payload().UnpackTo(&changed) ||
      changed.state() != v1::Alert::STATE_PENDING_CONSENT) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromHex(changed.alert_id()));
  CO_ASSIGN_OR_RETURN(const auto alert, store_.Alert(alert_id));
  if (!alert.has_value() || alert->value.state() != v1::Alert::STATE_PENDING_CONSENT) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 row_id, Id128::FromBytes(alert->value.row()));
  CO_ASSIGN_OR_RETURN(const auto row_state, store_.Row(*record, row_id));
  if (!row_state.has_value()) {
    co_return absl::OkStatus();
  }
  Effect effect{.leaf = leaf.index,
                .record = *record,
                .alert_id = alert_id,
                .alert = alert->value,
                .record_state = {},
                .row_state = *row_state,
                .row_id = row_id};
  std::string person;
  auto registered = co_await RegisterHer(effect);
  absl::Status failure = registered.status();
  if (failure.ok()) {
    person = std::move(*registered);
    failure = co_await RecordGround(effect, person);
  }
  absl::StatusOr<routing::v1::SubmitResponse> sent = failure;
  if (failure.ok()) {
    CO_ASSIGN_OR_RETURN(const feeds::Row row, ParsedRow(*row_state));
    routing::v1::SubmitRequest request =
        SubmissionOf(row, effect.alert.institution(), *row_state, *context_.directory(), paris_);
    request.set_request_id(Request(leaf.index, kSubmit));
    request.mutable_person()->set_person_id(person);
    request.set_correlation(alert_id.ToBytes());
    sent = co_await peers_.submit(std::move(request), settings_.peer_timeout);
    failure = sent.status();
  }
  if (MayPass(failure)) {
    co_return failure;
  }
  if (!failure.ok() && rpc::ReasonOf(failure) != common::v1::ERROR_REASON_NOT_PERMITTED) {
    log::Error("an alert cannot be sent", {log::Field::Code(failure)});
  }
  AlertChange change = [&](v1::AlertState& state) -> absl::StatusOr<bool> {
    state.set_person(person);
    if (!sent.ok()) {
      return Advance(state, v1::Alert::STATE_NOT_PERMITTED);
    }
    state.set_message_id(sent->message_id());
    if (state.desk().empty()) {
      state.set_desk(sent->desk());
      state.set_desk_institution(sent->recipient().institution());
    }
    Advance(state, v1::Alert::STATE_SENT);
    return true;
  };
  const auto after = co_await ChangeAlert(context_, store_, alert_id, change);
  CO_RETURN_IF_ERROR(after.status());
  if (sent.ok()) {
    const auto listed =
        co_await context_.store.Commit(store_.ListAt(after->desk(), FromProto(after->raised()), alert_id));
    CO_RETURN_IF_ERROR(listed.status());
  }
  const absl::Status marked = co_await MarkRegistered(*record);
  co_return marked;
}

Task<absl::Status> OwnLeaves::MarkRegistered(Id128 record) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto stored, store_.Record(record));
    if (stored.version == 0 || stored.value.registered()) {
      co_return absl::OkStatus();
    }
    stored.value.set_registered(true);
    storage::CommitRequest commit;
    CO_RETURN_IF_ERROR(store_.PutRecord(stored, record, commit));
    const auto done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

Task<absl::Status> OwnLeaves::ReportObjection(audit::FollowedLeaf leaf) {
  v1::ObjectionNoted noted;
  if (!leaf.details.payload().UnpackTo(&noted) || noted.from_desk() || noted.digest().empty()) {
    co_return absl::OkStatus();
  }
  consent::v1::RecordObjectionRequest request;
  request.set_request_id(Request(leaf.index, kObjection));
  request.add_suppliers(leaf.header.institution());
  request.mutable_digest()->set_digest(noted.digest());
  request.mutable_digest()->set_key_version(noted.key_version());
  *request.mutable_acting() = ActingFor(leaf.header.institution());
  const auto recorded = co_await peers_.record_objection(std::move(request), settings_.peer_timeout);
  if (!recorded.ok() && !MayPass(recorded.status())) {
    log::Error("an objection cannot be reported", {log::Field::Code(recorded.status())});
    co_return absl::OkStatus();
  }
  co_return recorded.status();
}

Task<absl::Status> ConsentLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  const google::protobuf::Any& payload = leaf.details.payload();
  consent::v1::ObjectionRecorded recorded;
  consent::v1::ObjectionLifted lifted;
  absl::Status status;
  if (leaf.header.event_class() == audit::v1::EVENT_CLASS_OBJECTION_RECORDED && payload.UnpackTo(&recorded)) {
    status = co_await SetObjection(recorded.supplier(), recorded.digest(), recorded.key_version(), true);
  } else if (leaf.header.event_class() == audit::v1::EVENT_CLASS_OBJECTION_LIFTED &&
             payload.UnpackTo(&lifted)) {
    status = co_await SetObjection(lifted.supplier(), lifted.digest(), lifted.key_version(), false);
  }
  co_return status;
}

Task<absl::Status> ConsentLeaves::SetObjection(std::string institution, std::string digest,
                                               uint32_t key_version, bool objects) {
  const Id128 record = context_.idempotency.Bucket("record", institution, digest).id;
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto stored, store_.Record(record));
    if (stored.value.objection() == objects) {
      co_return absl::OkStatus();
    }
    stored.value.set_institution(institution);
    stored.value.set_objection(objects);
    stored.value.set_digest(digest);
    stored.value.set_key_version(key_version);
    storage::CommitRequest commit;
    audit::Event event = ObjectionNotedEvent(OwnCall(context_), record, digest, key_version, true, !objects);
    CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
    commit.leaves.push_back(std::move(draft));
    CO_RETURN_IF_ERROR(store_.PutRecord(stored, record, commit));
    const auto done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

namespace {

// What a leaf of routing says of one of alerting's messages.
struct MessageFact {
  std::string correlation;
  v1::Alert::State state = v1::Alert::STATE_UNSPECIFIED;
  std::string desk;  // of an escalation
};

template <typename Payload>
MessageFact FactOf(const google::protobuf::Any& any, v1::Alert::State state) {
  Payload payload;
  return any.UnpackTo(&payload) ? MessageFact{payload.correlation(), state, ""} : MessageFact();
}

MessageFact FactOf(const audit::FollowedLeaf& leaf) {
  const google::protobuf::Any& payload = leaf.details.payload();
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_MESSAGE_DELIVERED:
      return FactOf<routing::v1::MessageDelivered>(payload, v1::Alert::STATE_DELIVERED);
    case audit::v1::EVENT_CLASS_MESSAGE_TAKEN:
      return FactOf<routing::v1::MessageTaken>(payload, v1::Alert::STATE_TAKEN);
    case audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN:
      return FactOf<routing::v1::MessageWithdrawn>(payload, v1::Alert::STATE_WITHDRAWN);
    case audit::v1::EVENT_CLASS_MESSAGE_ESCALATED: {
      routing::v1::MessageEscalated escalated;
      if (payload.UnpackTo(&escalated)) {
        return {escalated.correlation(), v1::Alert::STATE_SENT, escalated.to_desk()};
      }
      return {};
    }
    default:
      return {};
  }
}

}  // namespace

std::string RoutingLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  return FactOf(leaf).correlation;
}

Task<absl::Status> RoutingLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  const MessageFact fact = FactOf(leaf);
  if (fact.correlation.empty()) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromBytes(fact.correlation));
  const auto directory = context_.directory();
  AlertChange change = [&](v1::AlertState& alert) -> absl::StatusOr<bool> {
    bool changed = Advance(alert, fact.state);
    if (const directory::Desk* desk = directory->FindDesk(fact.desk)) {
      alert.set_desk(desk->id);
      alert.set_desk_institution(desk->institution);
      changed = true;
    }
    return changed;
  };
  const auto after = co_await ChangeAlert(context_, store_, alert_id, change);
  if (absl::IsNotFound(after.status())) {
    co_return absl::OkStatus();  // erased since
  }
  CO_RETURN_IF_ERROR(after.status());
  if (!fact.desk.empty()) {
    const auto listed =
        co_await context_.store.Commit(store_.ListAt(after->desk(), FromProto(after->raised()), alert_id));
    co_return listed.status();
  }
  co_return absl::OkStatus();
}

bool MayOpen(std::string_view peer, audit::v1::EventClass event_class) {
  return peer == "routing" && event_class == audit::v1::EVENT_CLASS_ALERT_CHANGED;
}

}  // namespace relais::alerting
