#include "services/alerting/sending.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/alerting/domain/alert_state.h"
#include "services/alerting/effects.h"
#include "services/alerting/events.h"
#include "services/alerting/reminders.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;

absl::Status Objected() {
  return rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_PERMITTED,
                      "she objected");
}

// The same act was recorded by an earlier attempt, perhaps for another desk: at night the on-call desk
// answers.
bool AlreadyRecorded(const absl::Status& status) {
  return rpc::ReasonOf(status) == common::v1::ERROR_REASON_REQUEST_ID_REUSED;
}

// What is left to be done about a ground that was to be recorded. Where her file, or this institution's share
// of it, is full the same would be answered without end (ADR 76): the report goes on without, and consent's
// decision about it is final.
absl::Status AfterRecording(const Id128& alert, const absl::Status& recorded) {
  if (rpc::ReasonOf(recorded) == common::v1::ERROR_REASON_QUOTA_EXCEEDED) {
    log::Error("a report's ground has no room in the person's file: the report goes if it may without",
               {log::Field::Name("alert", alert.ToHex()), log::Field::Code(recorded)});
    return absl::OkStatus();
  }
  return AlreadyRecorded(recorded) ? absl::OkStatus() : recorded;
}

}  // namespace

// nullopt: erased since, or it can never be read again.
absl::StatusOr<std::optional<Sending::Errand>> Sending::ErrandOf(uint64_t leaf, const Id128& record,
                                                                 const v1::AlertChanged& changed) const {
  Errand errand;
  errand.leaf = leaf;
  errand.record = record;
  ASSIGN_OR_RETURN(errand.alert_id, Id128::FromHex(changed.alert_id()));
  ASSIGN_OR_RETURN(auto alert, store_.Alert(errand.alert_id));
  if (!alert.has_value()) {
    return std::optional<Errand>();
  }
  errand.alert = std::move(alert->value);
  errand.person = errand.alert.person();
  ASSIGN_OR_RETURN(const Id128 row_id, Id128::FromBytes(errand.alert.row()));
  ASSIGN_OR_RETURN(auto row_state, store_.Row(record, row_id));
  if (!row_state.has_value()) {
    return std::optional<Errand>();
  }
  if (row_state->has_reminder()) {
    errand.row_state = std::move(*row_state);
    return std::optional<Errand>(std::move(errand));
  }
  auto row = ParsedRow(*row_state);
  if (!row.ok()) {
    log::Error("an accepted row can no longer be read: its alert stays pending",
               {log::Field::Code(row.status())});
    return std::optional<Errand>();
  }
  errand.row_state = std::move(*row_state);
  errand.row = std::move(*row);
  return std::optional<Errand>(std::move(errand));
}

Task<absl::Status> Sending::Send(uint64_t leaf, Id128 record, v1::AlertChanged changed) {
  CO_ASSIGN_OR_RETURN(auto errand, ErrandOf(leaf, record, changed));
  if (errand.has_value() && errand->row_state.has_reminder()) {
    const absl::Status reminded = co_await SendReminder(std::move(*errand), changed.round());
    co_return reminded;
  }
  if (!errand.has_value() || !WaitsForSending(errand->alert, changed.round())) {
    co_return absl::OkStatus();
  }
  if (std::holds_alternative<feeds::EdfRow>(errand->row)) {
    CO_ASSIGN_OR_RETURN(const bool may_go, BillMayGo(record));
    if (!may_go) {
      const absl::Status refused = co_await NoteRefused(*std::move(errand), Objected());
      co_return refused;
    }
  }
  absl::Status failure;
  if (!IsExercise(errand->row)) {
    auto registered = co_await RegisterHer(*errand);
    failure = registered.status();
    if (failure.ok()) {
      errand->person = std::move(*registered);
      failure = co_await RecordGround(*errand);
    }
  }
  if (failure.ok()) {
    auto sent = co_await Submit(*errand);
    failure = sent.status();
    if (failure.ok()) {
      const absl::Status noted = co_await NoteSent(*errand, std::move(*sent));
      co_return noted;
    }
  }
  if (MayPass(failure)) {
    co_return failure;
  }
  const absl::Status noted = co_await NoteRefused(*errand, failure);
  co_return noted;
}

// D-1.6: false once she objected, by a row or at a desk; UNAVAILABLE while her objection may be on its way.
absl::StatusOr<bool> Sending::BillMayGo(const Id128& record) {
  ASSIGN_OR_RETURN(const auto stored, store_.Record(record));
  if (stored.value.objection()) {
    return false;
  }
  RETURN_IF_ERROR(opt_out_.MaySend());
  return true;
}

// The person is known and the ground is hers: nothing is asked of consent but what routing asks.
Task<absl::Status> Sending::SendReminder(Errand errand, uint32_t round) {
  std::string submitted_as = RequestId(context_, errand.leaf, Effect::kSubmit);
  const bool waits = WaitsForSending(errand.alert, round);
  if (!waits && (errand.alert.state() != v1::Alert::STATE_CLOSED || !errand.alert.message_id().empty())) {
    co_return absl::OkStatus();  // done, and written down
  }
  const bool over =
      errand.row_state.reminder().over() || IsPast(errand.row_state.reminder(), context_.log.Now());
  if (!waits || over) {
    // It may have been on its way before a crash, or before it was over.
    std::string sender = errand.alert.institution();
    AlertChange end = EndReminder;
    const auto over = co_await ChangeAlert(context_, store_, errand.alert_id, std::move(end));
    if (!absl::IsNotFound(over.status())) {
      CO_RETURN_IF_ERROR(over.status());
    }
    const absl::Status pulled = co_await PullBackAs(std::move(sender), std::move(submitted_as));
    co_return pulled;
  }
  routing::v1::SubmitRequest request = SubmissionOf(errand.row_state.reminder());
  request.set_request_id(std::move(submitted_as));
  request.set_correlation(errand.alert_id.ToBytes());
  auto sent = co_await peers_.submit(std::move(request), settings_.peer_timeout);
  absl::Status done = sent.status();
  if (done.ok()) {
    done = co_await NoteSent(std::move(errand), std::move(*sent));
  } else if (!MayPass(done)) {
    absl::Status refusal = done;
    done = co_await NoteRefused(std::move(errand), std::move(refusal));
  }
  co_return done;
}

Task<absl::Status> Sending::PullBack(v1::AlertChanged changed) {
  CO_ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromHex(changed.alert_id()));
  CO_ASSIGN_OR_RETURN(const auto alert, store_.Alert(alert_id));
  if (!alert.has_value() || alert->value.submitted_as().empty()) {
    co_return absl::OkStatus();  // erased since, or never sent
  }
  std::string sender = alert->value.institution();
  std::string submitted_as = alert->value.submitted_as();
  const absl::Status pulled = co_await PullBackAs(std::move(sender), std::move(submitted_as));
  co_return pulled;
}

Task<absl::Status> Sending::PullBackAs(std::string sender, std::string submitted_as) {
  if (!peers_.pull_back) {
    co_return absl::OkStatus();
  }
  routing::v1::PullBackRequest request;
  request.mutable_sender()->set_institution(std::move(sender));
  request.set_submitted_as(std::move(submitted_as));
  const auto pulled = co_await peers_.pull_back(std::move(request), settings_.peer_timeout);
  if (!pulled.ok() && !MayPass(pulled.status())) {
    log::Error("a reminder that is over cannot be pulled back", {log::Field::Code(pulled.status())});
    co_return absl::OkStatus();
  }
  co_return pulled.status();
}

Task<absl::StatusOr<std::string>> Sending::RegisterHer(Errand errand) {
  consent::v1::RegisterRequest request;
  request.set_request_id(RequestId(context_, errand.leaf, Effect::kRegister));
  const bool collective = AtCollectiveAddress(*context_.directory(), errand.row);
  request.set_sender_record(collective ? errand.alert.row() : errand.record.ToBytes());
  *request.mutable_traits() = TraitsOf(errand.row, errand.row_state, paris_);
  *request.mutable_acting() = ActingFor(errand.alert.institution());
  const auto answer = co_await peers_.register_person(std::move(request), settings_.peer_timeout);
  CO_RETURN_IF_ERROR(answer.status());
  co_return answer->person().person_id();
}

// The institution of the desk that would get it, whoever follows her.
Task<absl::StatusOr<std::string>> Sending::TerritoryOf(Errand errand) {
  const routing::v1::SubmitRequest sending =
      SubmissionOf(errand.row, errand.alert.institution(), errand.row_state, *context_.directory(), paris_);
  routing::v1::ResolveRequest where;
  where.mutable_person()->set_person_id(errand.person);
  *where.mutable_sender() = sending.sender();
  where.set_purpose(sending.purpose());
  *where.mutable_categories() = sending.categories();
  *where.mutable_stated_ground() = sending.stated_ground();
  *where.mutable_situation() = sending.situation();
  where.set_urgency(sending.urgency());
  const auto resolved = co_await peers_.resolve(std::move(where), settings_.peer_timeout);
  CO_RETURN_IF_ERROR(resolved.status());
  co_return resolved->territory_institution();
}

// What a brigade's report stands on is recorded before it is sent (D-4.4a), where there is room for it.
Task<absl::Status> Sending::RecordGround(Errand errand) {
  if (!StandsOnRecordedGround(errand.row, paris_)) {
    co_return absl::OkStatus();
  }
  const auto territory = co_await TerritoryOf(errand);
  CO_RETURN_IF_ERROR(territory.status());
  if (territory->empty()) {
    co_return absl::OkStatus();
  }
  if (auto agreement = OralAgreementOf(errand.row, errand.alert.institution(), errand.row_state,
                                       *context_.directory(), *territory, paris_, context_.clock.Now())) {
    agreement->set_request_id(RequestId(context_, errand.leaf, Effect::kAgreement));
    agreement->mutable_person()->set_person_id(errand.person);
    *agreement->mutable_acting() = ActingFor(errand.alert.institution());
    const auto recorded = co_await peers_.record_consent(std::move(*agreement), settings_.peer_timeout);
    CO_RETURN_IF_ERROR(AfterRecording(errand.alert_id, recorded.status()));
  }
  if (auto emergency = EmergencyOf(errand.row, *territory)) {
    emergency->set_request_id(RequestId(context_, errand.leaf, Effect::kEmergency));
    emergency->mutable_person()->set_person_id(errand.person);
    *emergency->mutable_acting() = ActingFor(errand.alert.institution());
    const auto declared = co_await peers_.declare(std::move(*emergency), settings_.peer_timeout);
    CO_RETURN_IF_ERROR(AfterRecording(errand.alert_id, declared.status()));
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<routing::v1::SubmitResponse>> Sending::Submit(Errand errand) {
  routing::v1::SubmitRequest request =
      SubmissionOf(errand.row, errand.alert.institution(), errand.row_state, *context_.directory(), paris_);
  request.set_request_id(RequestId(context_, errand.leaf, Effect::kSubmit));
  if (!IsExercise(errand.row)) {  // which is about nobody
    request.mutable_person()->set_person_id(errand.person);
  }
  request.set_correlation(errand.alert_id.ToBytes());
  auto sent = co_await peers_.submit(std::move(request), settings_.peer_timeout);
  co_return sent;
}

// The message's id is written last: until it is, all of this is done again after a crash.
Task<absl::Status> Sending::NoteSent(Errand errand, routing::v1::SubmitResponse sent) {
  const bool reminder = errand.row_state.has_reminder();
  if (!errand.person.empty() && !reminder) {
    const absl::Status marked = co_await MarkRegistered(errand.record);
    CO_RETURN_IF_ERROR(marked);
  }
  const auto listed = co_await context_.store.Commit(
      store_.ListAt(sent.desk(), FromProto(errand.alert.raised()), errand.alert_id));
  CO_RETURN_IF_ERROR(listed.status());
  AlertChange change = [&](v1::AlertState& alert) -> absl::StatusOr<bool> {
    // A reminder that was closed meanwhile is noted all the same: by that it is pulled back.
    const bool closed = reminder && alert.state() == v1::Alert::STATE_CLOSED && alert.message_id().empty();
    if (!closed && !WaitsForSending(alert, errand.alert.round())) {
      return false;
    }
    alert.set_person(errand.person);
    alert.set_message_id(sent.message_id());
    if (reminder) {
      alert.set_submitted_as(RequestId(context_, errand.leaf, Effect::kSubmit));
    }
    if (alert.desk().empty()) {  // else routing's log has already told of a later one
      alert.set_desk(sent.desk());
      alert.set_desk_institution(sent.recipient().institution());
    }
    Advance(alert, v1::Alert::STATE_SENT);
    return true;
  };
  const auto after = co_await ChangeAlert(context_, store_, errand.alert_id, change);
  co_return absl::IsNotFound(after.status()) ? absl::OkStatus() : after.status();
}

Task<absl::Status> Sending::NoteRefused(Errand errand, absl::Status refusal) {
  if (rpc::ReasonOf(refusal) != common::v1::ERROR_REASON_NOT_PERMITTED) {
    log::Error("an alert cannot be sent", {log::Field::Code(refusal)});
  }
  if (!errand.person.empty() && !errand.row_state.has_reminder()) {
    const absl::Status marked = co_await MarkRegistered(errand.record);
    CO_RETURN_IF_ERROR(marked);
  }
  AlertChange change = [&](v1::AlertState& alert) -> absl::StatusOr<bool> {
    alert.set_person(errand.person);
    return Advance(alert, v1::Alert::STATE_NOT_PERMITTED);
  };
  const auto after = co_await ChangeAlert(context_, store_, errand.alert_id, change);
  co_return absl::IsNotFound(after.status()) ? absl::OkStatus() : after.status();
}

Task<absl::Status> Sending::MarkRegistered(Id128 record) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto stored, store_.Record(record));
    if (stored.version == 0 || stored.erased.has_value() || stored.value.registered()) {
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

Task<absl::Status> Sending::TellSettled(uint64_t leaf, Id128 record, v1::AlertChanged changed) {
  CO_ASSIGN_OR_RETURN(const auto told, ErrandOf(leaf, record, changed));
  CO_ASSIGN_OR_RETURN(const Id128 settling_id, Id128::FromBytes(changed.settled_by()));
  CO_ASSIGN_OR_RETURN(const auto settling_state, store_.Row(record, settling_id));
  if (!told.has_value() || !settling_state.has_value()) {
    co_return absl::OkStatus();
  }
  const auto settling = ParsedRow(*settling_state);
  const auto* bill = settling.ok() ? std::get_if<feeds::EdfRow>(&*settling) : nullptr;
  if (bill == nullptr) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const bool may_go, BillMayGo(record));
  if (!may_go) {
    co_return absl::OkStatus();
  }
  const auto& in_part = settling_state->settles_in_part();
  const bool others = std::find(in_part.begin(), in_part.end(), told->alert_id.ToBytes()) != in_part.end();
  routing::v1::SubmitRequest request =
      SettlementOf(*bill, others ? Settled::kInPart : Settled::kAll, told->row, told->alert.institution(),
                   told->row_state, *context_.directory(), paris_);
  request.set_request_id(RequestId(context_, leaf, Effect::kSettlement));
  request.mutable_person()->set_person_id(told->person);
  request.set_desk(changed.desk());
  const auto sent = co_await peers_.submit(std::move(request), settings_.peer_timeout);
  co_return MayPass(sent.status()) ? sent.status() : absl::OkStatus();
}

}  // namespace relais::alerting
