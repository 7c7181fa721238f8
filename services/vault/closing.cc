#include "services/vault/closing.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/vault/acts_of_nobody.h"
#include "services/vault/convert.h"
#include "services/vault/events.h"

namespace relais::vault {
namespace {

std::string_view NameOf(VaultPhase phase) {
  switch (phase) {
    case VaultPhase::kOpen:
      return "open";
    case VaultPhase::kRetrieval:
      return "retrieval";
    case VaultPhase::kClosed:
      break;
  }
  return "closed";
}

// A day that a civil calendar has: the wire may say anything.
bool IsDay(const common::v1::Date& date) {
  if (date.year() < 1 || date.year() > 9999 || date.month() < 1 || date.day() < 1) {
    return false;
  }
  const absl::CivilDay day(static_cast<absl::civil_year_t>(date.year()), static_cast<int>(date.month()),
                           static_cast<int>(date.day()));
  return day.month() == static_cast<int>(date.month()) && day.day() == static_cast<int>(date.day());
}

}  // namespace

std::optional<ClosurePlan> PlanOf(const v1::StoredClosure& stored, const calendar::Paris& paris) {
  if (!stored.has_closure()) {
    return std::nullopt;
  }
  const v1::Closure& closure = stored.closure();
  return ClosurePlan{paris.DayOf(FromProto(closure.announced())), DayOf(closure.closing_day()),
                     DayOf(closure.retrieval_until()), stored.without_notice()};
}

v1::Closure ClosureOf(const ClosurePlan& plan, absl::Time announced) {
  v1::Closure closure;
  *closure.mutable_announced() = ToProto(announced);
  *closure.mutable_closing_day() = DateOf(plan.closing);
  *closure.mutable_retrieval_until() = DateOf(plan.retrieval_until);
  return closure;
}

storage::Partition Closing::Bucket(const rpc::ServiceContext& context) {
  return context.idempotency.Bucket("vault-closure", "", "");
}

Closing::Closing(const Vault& vault)
    : vault_(vault), background_(vault.context.executor, [this] { return Turn(); }) {}

Task<bool> Closing::Stop() {
  const bool stopped = co_await background_.Stop();
  co_return stopped;
}

Task<absl::StatusOr<Closing::Announced>> Closing::Announce(rpc::Call call, rpc::Actor actor,
                                                           v1::AnnounceClosureRequest request,
                                                           rpc::Idempotency::Seen seen) {
  if (!IsDay(request.closing_day())) {
    co_return rpc::InvalidField("closing_day", "must be a day of the calendar");
  }
  const absl::Time now = vault_.context.log.Now();
  const absl::StatusOr<ClosurePlan> plan = PlanClosure(vault_.paris.DayOf(now), DayOf(request.closing_day()),
                                                       request.without_notice(), vault_.settings.closure);
  if (!plan.ok()) {
    co_return rpc::InvalidField("closing_day", std::string(plan.status().message()));
  }
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredClosure> stored, vault_.store.Closure());
  if (const std::optional<ClosurePlan> current = PlanOf(stored.value, vault_.paris); current.has_value()) {
    if (const absl::Status judged = JudgeReplacement(*current, *plan); !judged.ok()) {
      co_return rpc::InvalidField("closing_day", std::string(judged.message()));
    }
  }
  Announced announced;
  announced.closure = ClosureOf(*plan, now);
  *stored.value.mutable_closure() = announced.closure;
  stored.value.set_without_notice(plan->without_notice);
  storage::CommitRequest commit;
  vault_.store.PutClosure(stored, commit);
  const ActOfNobody act = ActOfNobody::Fresh(vault_.context);
  RememberActOfNobody(seen, act, announced.closure, commit);
  const Acting acting{call, actor, request.request_id(), Id128()};
  audit::Event event = ClosureEvent(acting, announced.closure);
  event.event_id = act.event_id;
  CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf, vault_.context.log.Draft(event));
  commit.leaves.push_back(std::move(leaf));
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  announced.leaves = done->leaves;
  background_.Wake();
  co_return announced;
}

Task<absl::Duration> Closing::Turn() {
  const absl::StatusOr<VaultPhase> phase = PhaseNow(vault_);
  if (phase.ok() && *phase != std::exchange(said_, *phase)) {
    log::Warn("the vault is in another phase of its closure",
              {log::Field::Name("phase", std::string(NameOf(*phase)))});
  }
  co_return vault_.settings.closure_scan;
}

}  // namespace relais::vault
