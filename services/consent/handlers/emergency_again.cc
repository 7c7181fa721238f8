#include "services/consent/handlers/emergency_again.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/audit/does_not_read.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/permits_given.h"

namespace relais::consent {
namespace {

// One that was declared before. Its leaf alone says from which report, and by whom once it was judged.
struct Before {
  const Emergency* emergency;
  std::string agent;
  std::string source_reference;
};

// For so long a verdict speaks of the same days: ten declarations of the longest. Who meets her in another
// month meets another danger.
constexpr absl::Duration kVerdictStands = absl::Hours(24 * 30);

// To be none, lately.
bool Judged(const Emergency& before, const Emergency& next) {
  return before.reviewed && before.outcome == v1::REVIEW_OUTCOME_NOT_JUSTIFIED &&
         next.from < *before.reviewed + kVerdictStands;
}

bool IsInTheWay(const Emergency& before, const Emergency& next) {
  if (before.recipient != next.recipient || before.reviewed) {
    return before.recipient == next.recipient && Judged(before, next);
  }
  return std::any_of(before.categories.begin(), before.categories.end(), [&](const std::string& category) {
    return std::find(next.categories.begin(), next.categories.end(), category) != next.categories.end();
  });
}

// The leaf of whom it was declared about has the agent; those of other names have the report too.
absl::Status ReadLeaf(audit::Log& log, const audit::OpenedLeaf& opened, std::vector<Before>& all) {
  const audit::Leaf& leaf = opened.leaf;
  if (leaf.header.event_class() != audit::v1::EVENT_CLASS_EMERGENCY_DECLARED) {
    return absl::OkStatus();
  }
  const auto before = std::find_if(all.begin(), all.end(), [&](const Before& each) {
    return each.emergency->id.bytes() == leaf.header.event_id();
  });
  if (before == all.end()) {
    return absl::OkStatus();
  }
  v1::EmergencyDeclared payload;
  if (opened.details.payload().UnpackTo(&payload)) {
    before->source_reference = payload.source_reference();
  }
  if (before->agent.empty() && leaf.header.institution() == before->emergency->declared_by) {
    const absl::StatusOr<audit::v1::LeafActor> actor = log.Actor(leaf);
    if (!absl::IsNotFound(actor.status())) {  // forgotten with its month
      RETURN_IF_ERROR(actor.status());
      before->agent = actor->agent();
    }
  }
  return absl::OkStatus();
}

absl::Status ReadLeaves(Registry& registry, const Id128& person, std::vector<Before>& all) {
  audit::Log& log = registry.context.log;
  ASSIGN_OR_RETURN(const std::vector<Id128> names, registry.store.GroupOf(person));
  ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOfNames(log, names));
  absl::Status failed;
  const absl::StatusOr<size_t> unreadable = ForEachReadable(log, leaves, [&](const audit::OpenedLeaf& leaf) {
    const absl::Status read = ReadLeaf(log, leaf, all);
    if (failed.ok() && !audit::DoesNotRead(read)) {
      failed = read;
    }
  });
  RETURN_IF_ERROR(unreadable.status());
  return failed;
}

absl::Status DeclaredBefore() {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                      "an emergency for this recipient waits for its review, or was judged to be none: a new "
                      "one is declared by another agent, with the `source_reference` of a new report");
}

}  // namespace

absl::Status MayBeDeclared(Registry& registry, const Id128& person, const PersonState& state,
                           const Emergency& next, const std::string& source_reference) {
  const bool by_feed = next.declared_agent.empty();
  std::vector<Before> all;
  for (const Emergency& before : state.emergencies()) {
    if (IsInTheWay(before, next) && (!by_feed || Judged(before, next))) {
      all.push_back({&before, before.declared_agent, ""});
    }
  }
  if (all.empty()) {
    return absl::OkStatus();
  }
  if (source_reference.empty()) {
    return DeclaredBefore();
  }
  RETURN_IF_ERROR(ReadLeaves(registry, person, all));
  const bool again = std::any_of(all.begin(), all.end(), [&](const Before& before) {
    const bool same_agent =
        !by_feed && before.agent == next.declared_agent && before.emergency->declared_by == next.declared_by;
    return same_agent || before.source_reference == source_reference;
  });
  return again ? DeclaredBefore() : absl::OkStatus();
}

}  // namespace relais::consent
