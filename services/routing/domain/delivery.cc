#include "services/routing/domain/delivery.h"

#include <algorithm>
#include <utility>

#include "common/base/proto_time.h"
#include "common/rpc/call.h"

namespace relais::routing {
namespace {

using Delivery = v1::MessageState;

absl::Status WrongState(std::string_view message) {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, message);
}

absl::Duration DelayAfter(const DeliveryRules& rules, uint32_t attempts) {
  absl::Duration delay = rules.visible;
  for (uint32_t i = 1; i < attempts && delay < rules.longest_delay; ++i) {
    delay *= 2;
  }
  return std::min(delay, rules.longest_delay);
}

}  // namespace

bool IsAboutNobody(const v1::MessageState& message) { return message.person().empty(); }

bool IsNotice(const v1::MessageState& message) { return IsAboutNobody(message) && !message.exercise(); }

bool IsUndelivered(const v1::MessageState& message) {
  return message.delivery() == Delivery::DELIVERY_QUEUED || message.delivery() == Delivery::DELIVERY_OFFERED;
}

bool WaitsForHuman(const v1::MessageState& message) {
  return message.taken_by().empty() && message.delivery() != Delivery::DELIVERY_WITHDRAWN;
}

bool IsDue(const v1::MessageState& message, absl::Time now) {
  return IsUndelivered(message) && FromProto(message.next_attempt()) <= now;
}

absl::Status Offer(v1::MessageState& message, const DeliveryRules& rules, std::string permit_id,
                   absl::Time now) {
  if (!IsDue(message, now)) {
    return WrongState("the message is not to be sent now");
  }
  message.set_attempts(message.attempts() + 1);
  message.set_delivery(message.attempts() > rules.max_attempts ? Delivery::DELIVERY_DEAD
                                                               : Delivery::DELIVERY_OFFERED);
  message.set_permit_id(std::move(permit_id));
  *message.mutable_next_attempt() = ToProto(now + DelayAfter(rules, message.attempts()));
  return absl::OkStatus();
}

absl::StatusOr<bool> Acknowledge(v1::MessageState& message) {
  if (message.delivery() == Delivery::DELIVERY_DONE) {
    return false;
  }
  if (message.attempts() == 0 || message.delivery() == Delivery::DELIVERY_WITHDRAWN) {
    return WrongState("the message was never sent, or was pulled back");
  }
  message.set_delivery(Delivery::DELIVERY_DONE);
  return true;
}

absl::StatusOr<bool> Reject(v1::MessageState& message, const DeliveryRules& rules, absl::Time now) {
  if (message.delivery() != Delivery::DELIVERY_OFFERED) {
    return WrongState("the message does not wait for an acknowledgement");
  }
  if (message.attempts() >= rules.max_attempts) {
    message.set_delivery(Delivery::DELIVERY_DEAD);
    return true;
  }
  message.set_delivery(Delivery::DELIVERY_QUEUED);
  *message.mutable_next_attempt() = ToProto(now + DelayAfter(rules, message.attempts()));
  return false;
}

absl::StatusOr<bool> Take(v1::MessageState& message, std::string_view agent, std::string_view function) {
  if (message.delivery() == Delivery::DELIVERY_WITHDRAWN) {
    return WrongState("the message was pulled back");
  }
  if (!message.taken_by().empty()) {
    if (message.taken_by() == agent) {
      return false;
    }
    return WrongState("somebody else took it");
  }
  message.set_taken_by(std::string(agent));
  message.set_taken_function(std::string(function));
  return true;
}

bool Withdraw(v1::MessageState& message) {
  if (!IsUndelivered(message)) {
    return false;
  }
  message.set_delivery(Delivery::DELIVERY_WITHDRAWN);
  return true;
}

TakenBack TakeBack(v1::MessageState& message) {
  if (Withdraw(message)) {
    return TakenBack::kWithdrawn;
  }
  if (!WaitsForHuman(message) || message.pulled_back()) {
    return TakenBack::kNothing;
  }
  if (message.delivery() == Delivery::DELIVERY_DEAD) {
    message.set_delivery(Delivery::DELIVERY_WITHDRAWN);
    return TakenBack::kWithdrawn;
  }
  message.set_pulled_back(true);
  return TakenBack::kStays;
}

bool HasDeadline(const v1::MessageState& message) { return !message.exercise() && !message.pulled_back(); }

bool IsOverdue(const v1::MessageState& message, absl::Time now) {
  return WaitsForHuman(message) && HasDeadline(message) && FromProto(message.deadline()) <= now;
}

void MoveTo(v1::MessageState& message, std::string desk, std::string institution, absl::Time deadline,
            std::string why) {
  message.set_why(std::move(why));
  message.add_past_desks(message.desk());
  message.set_desk(std::move(desk));
  message.mutable_recipient()->set_institution(std::move(institution));
  message.mutable_recipient()->clear_function();
  *message.mutable_deadline() = ToProto(deadline);
  message.set_delivery(Delivery::DELIVERY_QUEUED);
  message.set_attempts(0);
  message.clear_next_attempt();
}

v1::Waiting::State DisplayState(v1::MessageState::Delivery delivery, bool taken) {
  if (taken) {
    return v1::Waiting::STATE_TAKEN;
  }
  switch (delivery) {
    case Delivery::DELIVERY_QUEUED:
      return v1::Waiting::STATE_QUEUED;
    case Delivery::DELIVERY_OFFERED:
      return v1::Waiting::STATE_OFFERED;
    case Delivery::DELIVERY_DONE:
      return v1::Waiting::STATE_DELIVERED;
    case Delivery::DELIVERY_WITHDRAWN:
      return v1::Waiting::STATE_WITHDRAWN;
    case Delivery::DELIVERY_DEAD:
      return v1::Waiting::STATE_DEAD;
    default:
      return v1::Waiting::STATE_UNSPECIFIED;
  }
}

}  // namespace relais::routing
