// InboxService: how a desk's system gets its messages and says what became of them.
#pragma once

#include <memory>

#include "common/rpc/stream.h"
#include "relais/routing/v1/inbox_service.pb.h"
#include "services/routing/change.h"
#include "services/routing/courier.h"

namespace relais::routing {

/// Thread-safe. Methods as in the proto. A message is the business of its recipient institution alone.
class InboxHandlers {
 public:
  InboxHandlers(const rpc::ServiceContext& context, const Settings& settings, RoutingStore& store,
                Inbox& inbox, Courier& courier)
      : context_(context), settings_(settings), store_(store), inbox_(inbox), courier_(courier) {}

  using SubscribeStream = rpc::Stream<v1::SubscribeRequest, v1::SubscribeResponse>;
  Task<absl::Status> Subscribe(rpc::Call call, std::shared_ptr<SubscribeStream> stream);
  Task<absl::StatusOr<v1::PullResponse>> Pull(rpc::Call call, v1::PullRequest request);
  Task<absl::StatusOr<v1::AckResponse>> Ack(rpc::Call call, v1::AckRequest request);
  Task<absl::StatusOr<v1::NackResponse>> Nack(rpc::Call call, v1::NackRequest request);
  Task<absl::StatusOr<v1::TakeResponse>> Take(rpc::Call call, v1::TakeRequest request);
  Task<absl::StatusOr<v1::ListByDeskResponse>> ListByDesk(rpc::Call call, v1::ListByDeskRequest request);

 private:
  static constexpr uint32_t kDefaultPage = 50;
  // A desk is its institution's own; what is another's is not found.
  static absl::Status MayUseDesk(const rpc::Call& call, const std::string& desk_id);

  // subscription.cc
  struct Session;
  Task<void> ReadSession(std::shared_ptr<Session> session);
  Task<absl::Status> Answer(std::shared_ptr<Session> session, v1::SubscribeRequest request);
  Task<void> DeliverSession(std::shared_ptr<Session> session);
  Task<absl::StatusOr<bool>> DeliverSome(std::shared_ptr<Session> session);

  const rpc::ServiceContext& context_;
  const Settings& settings_;
  RoutingStore& store_;
  Inbox& inbox_;
  Courier& courier_;
};

}  // namespace relais::routing
