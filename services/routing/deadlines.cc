#include "services/routing/deadlines.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "services/routing/courier.h"
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

// The first desk of the chain that consent lets have the message: it may be another institution's.
Task<absl::StatusOr<Deadlines::Place>> Deadlines::NextPlace(Id128 id) {
  const auto directory = context_.directory();
  CO_ASSIGN_OR_RETURN(auto stored, store_.Message(id));
  Place place;
  if (!stored.has_value() || !IsOverdue(stored->value, context_.clock.Now())) {
    co_return place;
  }
  v1::MessageState message = std::move(stored->value);
  place.from = message.desk();
  while (const directory::Desk* next = NextInChain(*directory, message)) {
    if (IsAboutNobody(message)) {  // nobody to ask about, and nothing for another institution
      if (next->institution == message.recipient().institution()) {
        place.to = next->id;
        co_return place;
      }
      message.add_past_desks(next->id);
      continue;
    }
    v1::MessageState there = message;
    MoveTo(there, next->id, next->institution, context_.clock.Now(), "");
    consent::v1::CheckRequest request = Courier::CheckOf(there);
    request.set_dry_run(true);
    const auto answer = co_await peers_.check(std::move(request), settings_.peer_timeout);
    // Within the institution that has it nothing is disclosed: that need not wait for consent.
    const bool stays_inside = next->institution == message.recipient().institution();
    if (!answer.ok() && !stays_inside) {
      co_return rpc::PeerFailure(answer.status(), "consent");
    }
    if (!answer.ok() || Courier::Permits(there, *answer)) {
      place.to = next->id;
      co_return place;
    }
    message.add_past_desks(next->id);  // in this search
  }
  co_return place;
}

Task<absl::StatusOr<Deadlines::Outcome>> Deadlines::Escalate(Id128 id) {
  const auto place = co_await NextPlace(id);
  CO_RETURN_IF_ERROR(place.status());
  rpc::Call call = OwnCall(context_);
  Outcome outcome = Outcome::kMoved;
  MessageChange change = [&](v1::MessageState& message) -> absl::StatusOr<std::optional<audit::Event>> {
    const absl::Time now = context_.clock.Now();
    const directory::Desk* next = call.directory->FindDesk(place->to);
    if (!IsOverdue(message, now) || message.desk() != place->from) {
      outcome = HasDeadline(message) ? Outcome::kNotOverdue : Outcome::kNobodyFurther;
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
