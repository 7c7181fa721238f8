#include <utility>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/alerting/v1/events.pb.h"
#include "services/alerting/domain/alert_state.h"
#include "services/alerting/effects.h"
#include "services/alerting/followers.h"
#include "services/alerting/message.h"
#include "services/alerting/reminders.h"

namespace relais::alerting {
namespace {

std::optional<Id128> RecordOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_SENDER_RECORD) {
    return std::nullopt;
  }
  const auto id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}

}  // namespace

bool MayPass(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kUnauthenticated:
      return true;
    case absl::StatusCode::kFailedPrecondition:
      return rpc::ReasonOf(status) == common::v1::ERROR_REASON_DIRECTORY_EXPIRED ||
             rpc::ReasonOf(status) == common::v1::ERROR_REASON_CLOCK_JUMPED_BACK;
    case absl::StatusCode::kPermissionDenied:
      return rpc::ReasonOf(status) == common::v1::ERROR_REASON_MISSING_ROLE;
    default:
      return false;
  }
}

std::string OwnLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const auto record = RecordOf(leaf);
  return record.has_value() ? record->ToBytes() : "";
}

bool OwnLeaves::Concerns(const audit::FollowedLeaf& leaf) const {
  v1::SignalAccepted signal;
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED:
      return !leaf.details.payload().UnpackTo(&signal) ||
             signal.consequence() != v1::SignalAccepted::CONSEQUENCE_NONE;
    case audit::v1::EVENT_CLASS_ALERT_CHANGED:
    case audit::v1::EVENT_CLASS_OBJECTION_NOTED:
      return true;
    default:
      return false;
  }
}

Task<absl::Status> OwnLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  absl::Status status;
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED:
      status = co_await Accepted(std::move(leaf));
      break;
    case audit::v1::EVENT_CLASS_ALERT_CHANGED:
      if (effects) {
        status = co_await Changed(std::move(leaf));
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
  // A record that is being erased: what the leaf asks for is no longer to be done.
  co_return audit::IsErased(status) ? absl::OkStatus() : status;
}

Task<absl::Status> OwnLeaves::Accepted(audit::FollowedLeaf leaf) {
  const auto record = RecordOf(leaf);
  v1::SignalAccepted signal;
  if (!record.has_value() || !leaf.details.payload().UnpackTo(&signal)) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 row_id, Id128::FromBytes(signal.row_id()));
  CO_ASSIGN_OR_RETURN(auto row, store_.Row(*record, row_id));
  if (!row.has_value()) {
    co_return absl::OkStatus();  // erased since
  }
  const bool is_report = row->type() == v1::FEED_TYPE_BSPP;
  absl::Status status;
  if (!row->settles().empty() || !row->settles_in_part().empty()) {
    status = co_await SettleAlerts(row_id, std::move(*row));
  } else if (!row->rule().empty()) {
    status = co_await Raise(*record, row_id, std::move(*row), std::move(leaf));
  } else if (!row->alert().empty()) {
    status = co_await JoinAlert(row_id, std::move(*row));
  }
  CO_RETURN_IF_ERROR(status);
  if (is_report) {  // with other signs than those before it, perhaps (D-4.8)
    status = co_await linked_signs_.RecordChanged(*record);
  }
  co_return status;
}

Task<absl::Status> OwnLeaves::Raise(Id128 record, Id128 row_id, v1::RowState row, audit::FollowedLeaf leaf) {
  CO_ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromBytes(row.alert()));
  v1::AlertState alert;
  alert.set_record(record.ToBytes());
  alert.set_institution(leaf.header.institution());
  alert.set_row(row_id.ToBytes());
  alert.set_rule(row.rule());
  alert.set_state(v1::Alert::STATE_PENDING_CONSENT);
  *alert.mutable_raised() = ToProto(leaf.time);
  alert.set_facts(1);
  *alert.mutable_marks() = row.marks();
  alert.set_exercise(leaf.header.exercise());
  if (row.has_reminder()) {
    alert.set_institution(row.reminder().host());
    alert.set_person(row.reminder().person());
  }
  const absl::Status raised = co_await RaiseAlert(context_, store_, alert_id, std::move(alert));
  co_return raised;
}

// A new fact updates its alert; after the alert ended it reopens it, and the desk is told again.
Task<absl::Status> OwnLeaves::JoinAlert(Id128 row_id, v1::RowState row) {
  CO_ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromBytes(row.alert()));
  AlertChange change = [&](v1::AlertState& alert) -> absl::StatusOr<bool> {
    return Join(alert, row_id.ToBytes(), row);
  };
  const auto changed = co_await ChangeAlert(context_, store_, alert_id, change);
  co_return absl::IsNotFound(changed.status()) ? absl::OkStatus() : changed.status();
}

// D-1.12: a settled bill closes the alerts nobody took, once all of them is settled, and adds to the others.
// Who was told is told when the change is followed.
Task<absl::Status> OwnLeaves::SettleAlerts(Id128 row_id, v1::RowState row) {
  const auto parsed = ParsedRow(row);
  const auto* bill = parsed.ok() ? std::get_if<feeds::EdfRow>(&*parsed) : nullptr;
  std::vector<std::pair<std::string, Settled>> alerts;
  for (const std::string& alert : row.settles()) {
    alerts.emplace_back(alert, Settled::kAll);
  }
  for (const std::string& alert : row.settles_in_part()) {
    alerts.emplace_back(alert, Settled::kInPart);
  }
  for (const auto& [bytes, settled] : alerts) {
    CO_ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromBytes(bytes));
    const std::string note = bill != nullptr ? SettledNote(*bill, settled) : "";
    AlertChange change = [&row_id, &note, how = settled](v1::AlertState& alert) -> absl::StatusOr<bool> {
      return Settle(alert, row_id.ToBytes(), how, note);
    };
    const auto changed = co_await ChangeAlert(context_, store_, alert_id, change);
    if (!changed.ok() && !absl::IsNotFound(changed.status())) {
      co_return changed.status();
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> OwnLeaves::Changed(audit::FollowedLeaf leaf) {
  const auto record = RecordOf(leaf);
  v1::AlertChanged changed;
  if (!record.has_value() || !leaf.details.payload().UnpackTo(&changed)) {
    co_return absl::OkStatus();
  }
  absl::Status status;
  if (changed.state() == v1::Alert::STATE_PENDING_CONSENT) {
    status = co_await sending_.Send(leaf.index, *record, std::move(changed));
  } else if (IsReminder(changed.rule()) && changed.state() == v1::Alert::STATE_CLOSED) {
    status = co_await sending_.PullBack(std::move(changed));
  } else if (!changed.settled_by().empty() && !changed.message_id().empty()) {
    status = co_await sending_.TellSettled(leaf.index, *record, std::move(changed));
  }
  co_return status;
}

Task<absl::Status> OwnLeaves::ReportObjection(audit::FollowedLeaf leaf) {
  v1::ObjectionNoted noted;
  if (!leaf.details.payload().UnpackTo(&noted) || noted.from_desk() || noted.digest().empty()) {
    co_return absl::OkStatus();
  }
  consent::v1::RecordObjectionRequest request;
  request.set_request_id(RequestId(context_, leaf.index, Effect::kObjection));
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

}  // namespace relais::alerting
