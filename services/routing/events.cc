#include "services/routing/events.h"

#include "relais/routing/v1/events.pb.h"
#include "services/routing/domain/delivery.h"
#include "services/routing/domain/pivots.h"

namespace relais::routing {
namespace {

template <typename Payload>
audit::Event MessageEvent(const rpc::Call& call, const rpc::Actor& actor, audit::v1::EventClass event_class,
                          std::string_view request_id, const v1::MessageState& message,
                          const Payload& payload) {
  audit::Event event = rpc::EventOf(call, actor, event_class, request_id);
  if (!IsAboutNobody(message)) {
    event.subject = audit::Subject{audit::Subject::Kind::kPerson, *Id128::FromBytes(message.person())};
  }
  event.purpose = message.purpose();
  event.categories.assign(message.categories().begin(), message.categories().end());
  event.ground = message.ground();
  event.exercise = message.exercise();
  // Whoever receives it has to do with her as the desk that it is addressed to.
  event.details.set_relation(message.desk().empty() ? "NONE" : "DESK");
  *event.details.mutable_recipient() = message.recipient();
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

// Of what is about no person nothing is asked.
common::v1::Decision DecidedFor(const v1::MessageState& message) {
  return IsAboutNobody(message) ? common::v1::DECISION_UNSPECIFIED : common::v1::DECISION_PERMIT;
}

// The recipient's system acted, or routing itself.
rpc::Actor SystemActor(const rpc::Call& call) {
  return {call.caller.Name(), call.caller.function, call.caller.agent};
}

}  // namespace

audit::Event SubmittedEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                            const Id128& id, const v1::MessageState& message, std::string_view permit_id) {
  v1::MessageSubmitted payload;
  payload.set_correlation(message.correlation());
  payload.set_message_id(id.ToHex());
  *payload.mutable_sender() = message.sender();
  *payload.mutable_recipient() = message.recipient();
  payload.set_desk(message.desk());
  payload.set_permit_id(std::string(permit_id));
  *payload.mutable_deadline() = message.deadline();
  audit::Event event =
      MessageEvent(call, actor, audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, request_id, message, payload);
  event.details.set_relation("NONE");  // the sender's: routing knows of none
  event.decision = DecidedFor(message);
  return event;
}

audit::Event NotPermittedEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                               const v1::MessageState& message) {
  v1::MessageNotPermitted payload;
  *payload.mutable_sender() = message.sender();
  *payload.mutable_recipient() = message.recipient();
  audit::Event event =
      MessageEvent(call, actor, audit::v1::EVENT_CLASS_MESSAGE_NOT_PERMITTED, request_id, message, payload);
  event.details.set_relation("NONE");
  event.decision = common::v1::DECISION_DENY;
  return event;
}

audit::Event OfferedEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message) {
  v1::MessageOffered payload;
  payload.set_message_id(id.ToHex());
  payload.set_permit_id(message.permit_id());
  payload.set_attempt(message.attempts());
  audit::Event event =
      MessageEvent(call, SystemActor(call), audit::v1::EVENT_CLASS_MESSAGE_OFFERED, "", message, payload);
  event.decision = DecidedFor(message);
  return event;
}

audit::Event ReturnedEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message) {
  v1::MessageOffered payload;
  payload.set_message_id(id.ToHex());
  payload.set_attempt(message.attempts());
  return MessageEvent(call, SystemActor(call), audit::v1::EVENT_CLASS_MESSAGE_OFFERED, "", message, payload);
}

audit::Event DeliveredEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message) {
  v1::MessageDelivered payload;
  payload.set_correlation(message.correlation());
  payload.set_message_id(id.ToHex());
  payload.set_desk(message.desk());
  return MessageEvent(call, SystemActor(call), audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, "", message,
                      payload);
}

audit::Event TakenEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                        const Id128& id, const v1::MessageState& message) {
  v1::MessageTaken payload;
  payload.set_correlation(message.correlation());
  payload.set_message_id(id.ToHex());
  payload.set_desk(message.desk());
  audit::Event event =
      MessageEvent(call, actor, audit::v1::EVENT_CLASS_MESSAGE_TAKEN, request_id, message, payload);
  return event;
}

audit::Event WithdrawnEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message,
                            std::string_view cause) {
  v1::MessageWithdrawn payload;
  payload.set_correlation(message.correlation());
  payload.set_message_id(id.ToHex());
  payload.set_cause(std::string(cause));
  payload.set_after_delivery(message.attempts() > 0);
  audit::Event event =
      MessageEvent(call, SystemActor(call), audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN, "", message, payload);
  event.decision = common::v1::DECISION_DENY;
  return event;
}

audit::Event EscalatedEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message,
                            std::string_view from_desk) {
  v1::MessageEscalated payload;
  payload.set_correlation(message.correlation());
  payload.set_message_id(id.ToHex());
  payload.set_from_desk(std::string(from_desk));
  payload.set_to_desk(message.desk());
  *payload.mutable_deadline() = message.deadline();
  return MessageEvent(call, SystemActor(call), audit::v1::EVENT_CLASS_MESSAGE_ESCALATED, "", message,
                      payload);
}

audit::Event DeadEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message) {
  v1::MessageDead payload;
  payload.set_correlation(message.correlation());
  payload.set_message_id(id.ToHex());
  return MessageEvent(call, SystemActor(call), audit::v1::EVENT_CLASS_MESSAGE_DEAD, "", message, payload);
}

audit::Event ReferentEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                           const Id128& person, const v1::ReferentState& referent) {
  v1::ReferentChanged payload;
  payload.set_referent_id(referent.referent_id());
  payload.set_state(referent.state());
  *payload.mutable_referent() = referent.referent();
  payload.set_desk(referent.desk());
  if (ConflictOf(referent) == v1::PIVOT_CONFLICT_CHOSEN) {
    payload.set_conflict(v1::PIVOT_CONFLICT_CHOSEN);
  }
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_REFERENT_CHANGED, request_id);
  event.subject = audit::Subject{audit::Subject::Kind::kPerson, person};
  *event.details.mutable_recipient() = referent.referent();
  const bool himself = actor.institution == referent.referent().institution() &&
                       actor.agent == referent.agent() && !actor.agent.empty();
  event.details.set_relation(himself ? "REFERENT" : "NONE");
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

audit::Event PivotConflictEvent(const rpc::Call& call, const Id128& person, const v1::ReferentState& referent,
                                v1::PivotConflict conflict) {
  v1::ReferentChanged payload;
  payload.set_referent_id(referent.referent_id());
  payload.set_state(referent.state());
  *payload.mutable_referent() = referent.referent();
  payload.set_desk(referent.desk());
  payload.set_conflict(conflict);
  audit::Event event =
      rpc::EventOf(call, SystemActor(call), audit::v1::EVENT_CLASS_REFERENT_CHANGED, /*request_id=*/"");
  event.subject = audit::Subject{audit::Subject::Kind::kPerson, person};
  *event.details.mutable_recipient() = referent.proposed_by();
  event.details.set_relation("NONE");
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

namespace {
template <typename Payload>
std::optional<Id128> Unpack(const google::protobuf::Any& any) {
  Payload payload;
  if (!any.UnpackTo(&payload)) {
    return std::nullopt;
  }
  const auto id = Id128::FromHex(payload.message_id());
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}
}  // namespace

std::optional<Id128> MessageOf(const audit::FollowedLeaf& leaf) {
  const google::protobuf::Any& payload = leaf.details.payload();
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED:
      return Unpack<v1::MessageSubmitted>(payload);
    case audit::v1::EVENT_CLASS_MESSAGE_OFFERED:
      return Unpack<v1::MessageOffered>(payload);
    case audit::v1::EVENT_CLASS_MESSAGE_DELIVERED:
      return Unpack<v1::MessageDelivered>(payload);
    case audit::v1::EVENT_CLASS_MESSAGE_TAKEN:
      return Unpack<v1::MessageTaken>(payload);
    case audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN:
      return Unpack<v1::MessageWithdrawn>(payload);
    case audit::v1::EVENT_CLASS_MESSAGE_ESCALATED:
      return Unpack<v1::MessageEscalated>(payload);
    case audit::v1::EVENT_CLASS_MESSAGE_DEAD:
      return Unpack<v1::MessageDead>(payload);
    default:
      return std::nullopt;
  }
}

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const auto id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}

}  // namespace relais::routing
