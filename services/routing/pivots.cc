#include "services/routing/pivots.h"

#include <optional>
#include <utility>

#include "common/base/status.h"
#include "services/routing/change.h"
#include "services/routing/events.h"

namespace relais::routing {
namespace {

// Far more than sixteen names with a référent each take.
constexpr int kMostSteps = 200;

}  // namespace

absl::StatusOr<HerPivots> Pivots::Of(const Id128& person) const {
  HerPivots hers;
  ASSIGN_OR_RETURN(const std::vector<Id128> names, links_.NamesOf(person));
  for (const Id128& name : names) {
    ASSIGN_OR_RETURN(Stored<v1::PersonSlot> slot, store_.Slot(name));
    hers.names.push_back({name, std::move(slot.value), slot.version});
  }
  const std::string between = ConflictBetween(hers.Active());
  if (!between.empty()) {
    hers.conflict = context_.idempotency.Bucket("pivot-conflict", "", between).id.ToBytes();
  }
  return hers;
}

Task<absl::Status> Pivots::Settle(Id128 person) {
  for (int i = 0; i < kMostSteps; ++i) {
    CO_ASSIGN_OR_RETURN(HerPivots hers, Of(person));
    std::optional<PivotStep> step = NextPivotStep(hers.Active(), hers.conflict);
    if (!step.has_value()) {
      co_return absl::OkStatus();
    }
    NamedSlot named = std::move(hers.names[step->name]);
    const absl::Status written = co_await Write(std::move(named), std::move(*step), hers.conflict);
    // Somebody was faster, or she is being erased: what stands now is looked at.
    if (!written.ok() && !absl::IsAborted(written) && !audit::IsErased(written)) {
      co_return written;
    }
  }
  co_return absl::AbortedError("her référents change too often");
}

Task<absl::Status> Pivots::Write(NamedSlot named, PivotStep step, std::string conflict) {
  Stored<v1::PersonSlot> slot{std::move(named.slot), named.version};
  const std::optional<TakenPivotStep> taken = TakePivotStep(step, conflict, context_.clock.Now(), slot.value);
  if (!taken.has_value()) {
    co_return absl::OkStatus();
  }
  audit::Event event = PivotConflictEvent(OwnCall(context_), named.person, taken->referent, taken->conflict);
  if (step.kind == PivotStep::Kind::kMark && !conflict.empty()) {
    CO_ASSIGN_OR_RETURN(event.event_id, Id128::FromBytes(conflict));
  }
  storage::CommitRequest commit;
  CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
  commit.leaves.push_back(std::move(draft));
  CO_RETURN_IF_ERROR(store_.PutSlot(slot, named.person, commit));
  const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
  co_return done.status();
}

}  // namespace relais::routing
