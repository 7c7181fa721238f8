#include "services/routing/deadlines.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "services/routing/domain/delivery.h"
#include "services/routing/domain/resolution.h"
#include "services/routing/events.h"

namespace relais::routing {
namespace {
constexpr size_t kPerLook = 100;
}

void Deadlines::Start() { Spawn(context_.executor, Run()); }

Task<bool> Deadlines::Stop() {
  stop_.Set(true);
  const bool stopped = co_await stopped_;
  co_return stopped;
}

Task<void> Deadlines::Run() {
  while (!stop_.IsSet()) {
    co_await LookOnce();
    co_await Sleep(context_.executor, settings_.overdue_scan);
  }
  stopped_.Set(true);
}

Task<int> Deadlines::LookOnce() {
  int moved = 0;
  if (!context_.Writable().ok()) {
    co_return moved;
  }
  for (const Id128& id : inbox_.Overdue(context_.clock.Now(), kPerLook)) {
    const absl::Status status = co_await Escalate(id);
    if (status.ok()) {
      ++moved;
    } else {
      log::Warn("a message could not be escalated", {log::Field::Code(status)});
    }
  }
  co_return moved;
}

Task<absl::Status> Deadlines::Escalate(Id128 id) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = "routing";
  call.directory = context_.directory();
  MessageChange change = [&](v1::MessageState& message) -> absl::StatusOr<std::optional<audit::Event>> {
    const absl::Time now = context_.clock.Now();
    if (!IsOverdue(message, now)) {
      return std::optional<audit::Event>();
    }
    const directory::Desk* next = NextInChain(*call.directory, message);
    if (next == nullptr) {
      return std::optional<audit::Event>();
    }
    const std::string from = message.desk();
    MoveTo(message, next->id, next->institution, DeadlineOf(paris_, *next, message.urgency(), now));
    return std::optional<audit::Event>(EscalatedEvent(call, id, message, from));
  };
  const auto changed = co_await ChangeMessage(context_, store_, id, change, nullptr);
  co_return changed.status();
}

}  // namespace relais::routing
