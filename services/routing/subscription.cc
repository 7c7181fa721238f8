// InboxService.Subscribe: a reader that takes acknowledgements and a writer that sends while there is credit.
#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "common/base/status.h"
#include "services/routing/inbox_handlers.h"

namespace relais::routing {
namespace {

// How long a subscription waits for news before it looks again: delays and returned credit run out by time
// alone.
constexpr absl::Duration kIdle = absl::Seconds(1);

// Answers about a message that is the caller's no longer: pulled back, dead or escalated while it was on its
// way. No reason to end the stream.
bool IsLate(const absl::Status& status) {
  const common::v1::ErrorReason reason = rpc::ReasonOf(status);
  return reason == common::v1::ERROR_REASON_WRONG_STATE ||
         reason == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
}

}  // namespace

struct InboxHandlers::Session {
  Session(rpc::Call c, std::shared_ptr<SubscribeStream> s, Executor& executor)
      : call(std::move(c)), stream(std::move(s)), read_ended(executor) {}

  // Credit left at this instant. A message that may be sent again no longer counts.
  size_t Room(absl::Time now) {
    std::lock_guard lock(mu);
    std::erase_if(in_flight, [&](const auto& entry) { return entry.second <= now; });
    return max_in_flight - std::min(max_in_flight, in_flight.size());
  }
  void Sent(const Outgoing& offer) {
    std::lock_guard lock(mu);
    in_flight[offer.message.message_id()] = offer.again;
  }

  // A subscription outlives directories: whose desk it is, and what leaves say, goes by the one in force.
  [[nodiscard]] rpc::Call Now(const rpc::ServiceContext& context) const {
    rpc::Call now = call;
    now.directory = context.directory();
    return now;
  }

  const rpc::Call call;
  std::shared_ptr<SubscribeStream> stream;
  std::string desk;
  size_t max_in_flight = kDefaultPage;
  OneShot<bool> read_ended;
  std::mutex mu;
  std::map<std::string, absl::Time> in_flight;  // sent and not answered → when it may be sent again
  absl::Status failure;
};

Task<absl::Status> InboxHandlers::Subscribe(rpc::Call call, std::shared_ptr<SubscribeStream> stream) {
  const auto first = co_await stream->Read();
  if (!first.has_value() || !first->has_open()) {
    co_return rpc::InvalidField("open", "must come first");
  }
  CO_RETURN_IF_ERROR(MayUseDesk(call, first->open().desk()));
  auto session = std::make_shared<Session>(std::move(call), std::move(stream), context_.executor);
  session->desk = first->open().desk();
  if (first->open().max_in_flight() != 0) {
    session->max_in_flight = first->open().max_in_flight();
  }
  Spawn(context_.executor, ReadSession(session));
  co_await DeliverSession(session);
  co_await session->read_ended;
  std::lock_guard lock(session->mu);
  co_return session->failure;
}

Task<void> InboxHandlers::ReadSession(std::shared_ptr<Session> session) {
  while (true) {
    auto request = co_await session->stream->Read();
    if (!request.has_value()) {
      break;
    }
    const absl::Status status = co_await Answer(session, std::move(*request));
    if (!status.ok() && !IsLate(status)) {
      std::lock_guard lock(session->mu);
      session->failure = status;
      break;
    }
  }
  session->read_ended.Set(true);
}

Task<absl::Status> InboxHandlers::Answer(std::shared_ptr<Session> session, v1::SubscribeRequest request) {
  absl::Status status;
  if (request.has_ack()) {
    v1::AckRequest ack;
    ack.set_message_id(request.ack());
    rpc::Call call = session->Now(context_);
    const auto done = co_await Ack(std::move(call), std::move(ack));
    status = done.status();
  } else if (request.has_nack()) {
    v1::NackRequest nack;
    nack.set_message_id(request.nack());
    rpc::Call call = session->Now(context_);
    const auto done = co_await Nack(std::move(call), std::move(nack));
    status = done.status();
  } else {
    status = rpc::InvalidField("open", "must come once");
  }
  std::lock_guard lock(session->mu);
  session->in_flight.erase(request.has_ack() ? request.ack() : request.nack());
  co_return status;
}

Task<void> InboxHandlers::DeliverSession(std::shared_ptr<Session> session) {
  while (!session->stream->cancelled() && !session->read_ended.IsSet()) {
    const uint64_t seen = inbox_.Changes(session->desk);
    const auto sent = co_await DeliverSome(session);
    if (!sent.ok()) {
      co_return;
    }
    if (!*sent) {
      co_await inbox_.WaitForChange(session->desk, seen, kIdle);
    }
  }
}

// Whether anything was sent; CANCELLED when the client is gone.
Task<absl::StatusOr<bool>> InboxHandlers::DeliverSome(std::shared_ptr<Session> session) {
  const size_t room = session->Room(context_.clock.Now());
  if (room == 0) {
    co_return false;
  }
  rpc::Call call = session->Now(context_);
  if (!MayUseDesk(call, session->desk).ok()) {
    co_return false;  // no longer its desk: nothing comes any more
  }
  auto offers = co_await courier_.OfferDue(std::move(call), session->desk, room);
  if (!offers.ok()) {
    co_return false;  // no lease, or consent does not answer: it is tried again
  }
  bool sent = false;
  for (Outgoing& offer : *offers) {
    if (!courier_.MayStillSend(offer)) {
      continue;
    }
    session->Sent(offer);
    v1::SubscribeResponse response;
    *response.mutable_message() = std::move(offer.message);
    sent = true;
    const bool written = co_await session->stream->Write(std::move(response));
    if (!written) {
      co_return absl::CancelledError("the client is gone");
    }
  }
  co_return sent;
}

}  // namespace relais::routing
