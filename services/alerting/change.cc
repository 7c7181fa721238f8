#include "services/alerting/change.h"

#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/alerting/events.h"

namespace relais::alerting {
namespace {
constexpr int kTries = 20;
}  // namespace

rpc::Call OwnCall(const rpc::ServiceContext& context) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = "alerting";
  call.directory = context.directory();
  return call;
}

namespace {
Task<absl::Status> Write(const rpc::ServiceContext& context, const AlertingStore& store, Id128 alert,
                         Stored<v1::AlertState> stored) {
  storage::CommitRequest commit;
  *stored.value.mutable_changed() = ToProto(context.log.Now());
  CO_ASSIGN_OR_RETURN(auto draft,
                      context.log.Draft(AlertChangedEvent(OwnCall(context), alert, stored.value)));
  commit.leaves.push_back(std::move(draft));
  CO_RETURN_IF_ERROR(store.PutAlert(stored, alert, commit));
  const auto done = co_await context.store.Commit(std::move(commit));
  co_return done.status();
}
}  // namespace

Task<absl::StatusOr<v1::AlertState>> ChangeAlert(const rpc::ServiceContext& context,
                                                 const AlertingStore& store, Id128 alert,
                                                 AlertChange change) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto stored, store.Alert(alert));
    if (!stored.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    stored->value.clear_settling();
    CO_ASSIGN_OR_RETURN(const bool changed, change(stored->value));
    if (!changed) {
      co_return std::move(stored->value);
    }
    const absl::Status written = co_await Write(context, store, alert, *stored);
    if (written.ok()) {
      co_return std::move(stored->value);
    }
    if (!absl::IsAborted(written)) {
      co_return written;
    }
  }
  co_return absl::AbortedError("the alert changes too often");
}

Task<absl::Status> RaiseAlert(const rpc::ServiceContext& context, const AlertingStore& store, Id128 alert,
                              v1::AlertState state) {
  CO_ASSIGN_OR_RETURN(const auto known, store.Alert(alert));
  if (known.has_value()) {
    co_return absl::OkStatus();
  }
  Stored<v1::AlertState> fresh{std::move(state), 0};
  const absl::Status written = co_await Write(context, store, alert, std::move(fresh));
  co_return absl::IsAborted(written) ? absl::OkStatus() : written;
}

}  // namespace relais::alerting
