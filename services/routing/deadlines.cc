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

void Deadlines::Start() {
  started_ = true;
  Spawn(context_.executor, Run());
}

Task<bool> Deadlines::Stop() {
  stop_.Set(true);
  if (!started_) {
    co_return true;
  }
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

void Deadlines::ForgetOnNewDirectory() {
  const uint64_t version = context_.directory()->version();
  if (version != directory_version_) {
    directory_version_ = version;
    at_end_.clear();
  }
}

Task<int> Deadlines::LookOnce() {
  int moved = 0;
  if (!context_.Writable().ok()) {
    co_return moved;
  }
  ForgetOnNewDirectory();
  for (const Id128& id : inbox_.Overdue(context_.clock.Now(), kPerLook, at_end_)) {
    const auto escalated = co_await Escalate(id);
    if (!escalated.ok()) {
      log::Warn("a message could not be escalated", {log::Field::Code(escalated.status())});
    } else if (*escalated == Outcome::kMoved) {
      ++moved;
    } else if (*escalated == Outcome::kNobodyFurther) {
      at_end_.insert(id);
    }
  }
  co_return moved;
}

Task<absl::StatusOr<Deadlines::Outcome>> Deadlines::Escalate(Id128 id) {
  rpc::Call call = OwnCall(context_);
  Outcome outcome = Outcome::kMoved;
  MessageChange change = [&](v1::MessageState& message) -> absl::StatusOr<std::optional<audit::Event>> {
    const absl::Time now = context_.clock.Now();
    const directory::Desk* next = NextInChain(*call.directory, message);
    if (!IsOverdue(message, now)) {
      outcome = message.exercise() ? Outcome::kNobodyFurther : Outcome::kNotOverdue;
      return std::optional<audit::Event>();
    }
    if (next == nullptr) {
      outcome = Outcome::kNobodyFurther;
      return std::optional<audit::Event>();
    }
    outcome = Outcome::kMoved;
    const std::string from = message.desk();
    MoveTo(message, next->id, next->institution, DeadlineOf(paris_, *next, message.urgency(), now),
           MakeStep("ESCALATED").text());
    return std::optional<audit::Event>(EscalatedEvent(call, id, message, from));
  };
  const auto changed = co_await ChangeMessage(context_, store_, id, change, nullptr);
  CO_RETURN_IF_ERROR(changed.status());
  co_return outcome;
}

}  // namespace relais::routing
