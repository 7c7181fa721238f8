#include "services/alerting/events.h"

#include "relais/alerting/v1/events.pb.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

audit::Event RecordEvent(const rpc::Call& call, audit::v1::EventClass event_class, const Id128& record) {
  const rpc::Actor actor{call.caller.Name(), call.caller.function, call.caller.agent};
  audit::Event event = rpc::EventOf(call, actor, event_class, "");
  event.subject = audit::Subject{audit::Subject::Kind::kSenderRecord, record};
  return event;
}

// As OwnLeaves::Accepted looks at a row.
bool Follows(const v1::RowState& state) {
  return state.settles_size() > 0 || state.settles_in_part_size() > 0 || !state.alert().empty();
}

}  // namespace

bool IsExercise(const feeds::Row& row) {
  const auto* report = std::get_if<feeds::BsppRow>(&row);
  return report != nullptr && report->exercise;
}

audit::Event AcceptedEvent(const rpc::Call& call, const Id128& record, v1::FeedType type,
                           const feeds::Row& row, const Id128& row_id, const v1::RowState& state) {
  v1::SignalAccepted payload;
  payload.set_type(type);
  payload.set_reference(ReferenceOf(row));
  payload.set_event(EventOf(row));
  payload.set_row_id(row_id.ToBytes());
  payload.set_consequence(Follows(state) ? v1::SignalAccepted::CONSEQUENCE_ALERT
                                         : v1::SignalAccepted::CONSEQUENCE_NONE);
  audit::Event event = RecordEvent(call, audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, record);
  event.exercise = IsExercise(row);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

audit::Event ReminderEvent(const rpc::Call& call, const Id128& record, const Id128& row_id,
                           std::string_view rule) {
  v1::SignalAccepted payload;
  payload.set_event(std::string(rule));
  payload.set_row_id(row_id.ToBytes());
  payload.set_consequence(v1::SignalAccepted::CONSEQUENCE_ALERT);
  audit::Event event = RecordEvent(call, audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, record);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

audit::Event RefusedEvent(const rpc::Call& call, v1::FeedType type, const RefusedRows& refused) {
  v1::SignalRefused payload;
  payload.set_type(type);
  payload.set_reason(refused.reason);
  payload.set_gated(refused.gated);
  payload.set_irregular(refused.irregular);
  payload.set_count(refused.count);
  const rpc::Actor actor{call.caller.Name(), call.caller.function, call.caller.agent};
  // The reference goes where agents' names go: it dies with the month's key, 12 months on (D-2.10).
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_SIGNAL_REFUSED, refused.reference);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

audit::Event ObjectionNotedEvent(const rpc::Call& call, const Id128& record, std::string_view digest,
                                 uint32_t key_version, bool from_desk, bool lifted) {
  v1::ObjectionNoted payload;
  payload.set_from_desk(from_desk);
  payload.set_lifted(lifted);
  payload.set_digest(std::string(digest));
  payload.set_key_version(key_version);
  audit::Event event = RecordEvent(call, audit::v1::EVENT_CLASS_OBJECTION_NOTED, record);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

audit::Event AlertChangedEvent(const rpc::Call& call, const Id128& alert, const v1::AlertState& state) {
  v1::AlertChanged payload;
  payload.set_alert_id(alert.ToHex());
  payload.set_state(state.state());
  payload.set_rule(state.rule());
  payload.set_desk(state.desk());
  payload.set_message_id(state.message_id());
  payload.set_round(state.round());
  payload.set_settled_by(state.settling());
  audit::Event event =
      RecordEvent(call, audit::v1::EVENT_CLASS_ALERT_CHANGED, *Id128::FromBytes(state.record()));
  event.ground = state.ground();
  event.exercise = state.exercise();
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

}  // namespace relais::alerting
