// The référent pivot over all the names of one human: what decides where her messages go and whether another
// may become active, and what brings two that became one to an end (PIVOT_CONFLICT; domain/pivots.h).
#pragma once

#include <string>
#include <vector>

#include "common/audit/followed_links.h"
#include "common/base/task.h"
#include "services/routing/domain/pivots.h"
#include "services/routing/store.h"

namespace relais::routing {

/// Her active référents as they were read.
struct HerPivots {
  std::vector<NamedSlot> names;  // herself first
  std::string conflict;          // 16 bytes; empty: none

  [[nodiscard]] std::vector<ActivePivot> Active() const { return ActivePivots(names); }
  /// Nullptr when there is none (D-5.7). Lives as long as this.
  [[nodiscard]] const v1::ReferentState* Leading() const { return LeadingPivot(Active(), conflict); }
};

/// Thread-safe.
class Pivots {
 public:
  Pivots(const rpc::ServiceContext& context, const RoutingStore& store)
      : context_(context), store_(store), links_(context.store, context.log) {}

  absl::StatusOr<HerPivots> Of(const Id128& person) const;

  /// Makes every slot of hers say how it is, one commit with a leaf REFERENT_CHANGED each: an active one is
  /// in conflict with others, or no longer, or ends because she keeps another. To be called after whatever
  /// may have changed that: a link or a split followed, a référent that became active or ended, her choice.
  /// Two at once come to the same, for each looks again after what it wrote. ABORTED: they change too often.
  Task<absl::Status> Settle(Id128 person);

 private:
  Task<absl::Status> Write(NamedSlot named, PivotStep step, std::string conflict);

  const rpc::ServiceContext& context_;
  const RoutingStore& store_;
  audit::FollowedLinks links_;
};

}  // namespace relais::routing
