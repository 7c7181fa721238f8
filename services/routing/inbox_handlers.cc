#include "services/routing/inbox_handlers.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/routing/domain/delivery.h"
#include "services/routing/events.h"
#include "services/routing/notices.h"

namespace relais::routing {
namespace {

absl::Status MayUse(const rpc::Call& call, const v1::MessageState& message) {
  if (call.caller.is_service() || (message.recipient().institution() == call.caller.institution &&
                                   (IsNotice(message) || !ReadsNoticesAlone(call.caller)))) {
    return absl::OkStatus();
  }
  return rpc::NoSuchOrNotYours();
}

// A DPO's system has the one desk that the directory gives it.
bool IsItsDesk(const rpc::Call& call, const directory::Desk& desk) {
  if (!ReadsNoticesAlone(call.caller)) {
    return desk.system.empty() || desk.system == call.caller.system;
  }
  const directory::Institution* institution = call.directory->FindInstitution(desk.institution);
  return institution != nullptr && institution->dpo.desk == desk.id && desk.system == call.caller.system;
}

}  // namespace

absl::Status InboxHandlers::MayUseDesk(const rpc::Call& call, const std::string& desk_id) {
  const directory::Desk* desk = call.directory->FindDesk(desk_id);
  if (desk == nullptr) {
    return rpc::NoSuchOrNotYours();
  }
  if (call.caller.is_service()) {
    return absl::OkStatus();
  }
  return desk->institution == call.caller.institution && IsItsDesk(call, *desk) ? absl::OkStatus()
                                                                                : rpc::NoSuchOrNotYours();
}

Task<absl::StatusOr<v1::PullResponse>> InboxHandlers::Pull(rpc::Call call, v1::PullRequest request) {
  CO_RETURN_IF_ERROR(MayUseDesk(call, request.desk()));
  const size_t limit = request.max_messages() == 0 ? kDefaultPage : request.max_messages();
  CO_ASSIGN_OR_RETURN(auto offers, co_await courier_.OfferDue(call, request.desk(), limit));
  v1::PullResponse response;
  // The last look, with nothing between it and the answer.
  for (Outgoing& offer : offers) {
    if (courier_.MayStillSend(offer)) {
      *response.add_messages() = std::move(offer.message);
    }
  }
  co_return response;
}

Task<absl::StatusOr<v1::AckResponse>> InboxHandlers::Ack(rpc::Call call, v1::AckRequest request) {
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.message_id()));
  MessageChange change = [&call,
                          id](v1::MessageState& message) -> absl::StatusOr<std::optional<audit::Event>> {
    RETURN_IF_ERROR(MayUse(call, message));
    ASSIGN_OR_RETURN(const bool changed, Acknowledge(message));
    if (!changed) {
      return std::optional<audit::Event>();
    }
    return std::optional<audit::Event>(DeliveredEvent(call, id, message));
  };
  CO_ASSIGN_OR_RETURN(const Changed changed, co_await ChangeMessage(context_, store_, id, change, nullptr));
  v1::AckResponse response;
  CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                      co_await rpc::WrittenOf(context_, changed.leaves, false, false));
  co_return response;
}

Task<absl::StatusOr<v1::NackResponse>> InboxHandlers::Nack(rpc::Call call, v1::NackRequest request) {
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.message_id()));
  MessageChange change = [this, &call,
                          id](v1::MessageState& message) -> absl::StatusOr<std::optional<audit::Event>> {
    RETURN_IF_ERROR(MayUse(call, message));
    ASSIGN_OR_RETURN(const bool dead, Reject(message, settings_.delivery, context_.clock.Now()));
    return std::optional<audit::Event>(dead ? DeadEvent(call, id, message)
                                            : ReturnedEvent(call, id, message));
  };
  CO_ASSIGN_OR_RETURN(const Changed changed, co_await ChangeMessage(context_, store_, id, change, nullptr));
  v1::NackResponse response;
  if (changed.message.delivery() == v1::MessageState::DELIVERY_QUEUED) {
    *response.mutable_next_attempt() = changed.message.next_attempt();
  }
  co_return response;
}

Task<absl::StatusOr<v1::TakeResponse>> InboxHandlers::Take(rpc::Call call, v1::TakeRequest request) {
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor,
                      rpc::ActorOf(call, request.has_acting() ? &request.acting() : nullptr));
  if (actor.agent.empty()) {
    co_return rpc::InvalidField("acting.agent", "is required: a named human takes a message");
  }
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.message_id()));
  const Id128 event_id = context_.random.Id();
  MessageChange change = [&](v1::MessageState& message) -> absl::StatusOr<std::optional<audit::Event>> {
    RETURN_IF_ERROR(MayUse(call, message));
    if (message.recipient().institution() != actor.institution) {
      return rpc::NoSuchOrNotYours();
    }
    ASSIGN_OR_RETURN(const bool changed, routing::Take(message, actor.agent, actor.function));
    if (!changed) {
      return std::optional<audit::Event>();
    }
    message.set_take_event_id(event_id.ToBytes());
    audit::Event event = TakenEvent(call, actor, request.request_id(), id, message);
    event.event_id = event_id;
    return std::optional<audit::Event>(std::move(event));
  };
  CO_ASSIGN_OR_RETURN(const Changed changed, co_await ChangeMessage(context_, store_, id, change, nullptr));
  v1::TakeResponse response;
  if (changed.leaves.count > 0) {
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await rpc::WrittenOf(context_, changed.leaves, request.want_proof(), true));
    co_return response;
  }
  if (IsAboutNobody(changed.message)) {  // no person's leaves to look among
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await rpc::WrittenOf(context_, changed.leaves, false, false));
    co_return response;
  }
  const audit::Subject subject{audit::Subject::Kind::kPerson, *Id128::FromBytes(changed.message.person())};
  CO_ASSIGN_OR_RETURN(const Id128 earlier, Id128::FromBytes(changed.message.take_event_id()));
  CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                      co_await rpc::WrittenAgain(context_, subject, earlier, request.want_proof(), true));
  co_return response;
}

Task<absl::StatusOr<v1::ListByDeskResponse>> InboxHandlers::ListByDesk(rpc::Call call,
                                                                       v1::ListByDeskRequest request) {
  CO_RETURN_IF_ERROR(MayUseDesk(call, request.desk()));
  std::string after;
  if (!absl::WebSafeBase64Unescape(request.page_token(), &after)) {
    co_return rpc::InvalidField("page_token", "is not one of this method's");
  }
  const size_t limit = request.page_size() == 0 ? kDefaultPage : request.page_size();
  const auto listed = inbox_.List(request.desk(), after, limit);
  v1::ListByDeskResponse response;
  for (const Inbox::Listed& row : listed) {
    v1::Waiting& waiting = *response.add_messages();
    waiting.set_message_id(Id128::FromBytes(row.pointer.message())->ToHex());
    waiting.set_state(DisplayState(row.pointer.delivery(), row.pointer.taken()));
    *waiting.mutable_submitted() = row.pointer.submitted();
    *waiting.mutable_deadline() = row.pointer.deadline();
    waiting.set_urgency(row.pointer.urgency());
    waiting.set_attempts(row.pointer.attempts());
    waiting.set_escalated(row.pointer.escalated());
  }
  if (listed.size() == limit) {
    response.set_next_page_token(absl::WebSafeBase64Escape(listed.back().key));
  }
  co_return response;
}

}  // namespace relais::routing
