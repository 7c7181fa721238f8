#include "services/routing/change.h"

#include <utility>

#include "common/base/status.h"

namespace relais::routing {
namespace {
constexpr int kTries = 20;
}  // namespace

rpc::Call OwnCall(const rpc::ServiceContext& context) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = kOwnName;
  call.directory = context.directory();
  return call;
}

Task<absl::StatusOr<Changed>> ChangeMessage(const rpc::ServiceContext& context, const RoutingStore& store,
                                            Id128 id, MessageChange change,
                                            std::function<void(storage::CommitRequest&)> complete) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto stored, store.Message(id));
    if (!stored.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_ASSIGN_OR_RETURN(const auto event, change(stored->value));
    if (!event.has_value()) {
      co_return Changed{std::move(stored->value), {0, 0, context.log.state().size}};
    }
    storage::CommitRequest commit;
    CO_RETURN_IF_ERROR(store.PutMessage(*stored, id, commit));
    CO_ASSIGN_OR_RETURN(auto draft, context.log.Draft(*event));
    commit.leaves.push_back(std::move(draft));
    if (complete) {
      complete(commit);
    }
    const auto done = co_await context.store.Commit(std::move(commit));
    if (done.ok()) {
      co_return Changed{std::move(stored->value), done->leaves};
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the message changes too often");
}

}  // namespace relais::routing
