// Notices to erase: who received on her word, or in an emergency judged to be none, is asked to erase it and
// answers within a month (RGPD art. 12, 17, 19; D-2.6.6, D-2.7). ADR 28.
#pragma once

#include <string>
#include <string_view>

#include "common/audit/follower.h"
#include "common/base/id128.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// The notice that a cause (a withdrawal, an emergency) brings to an institution about a person.
[[nodiscard]] Id128 ErasureNoticeId(const Id128& cause, const Id128& person, std::string_view institution);

/// This registry's own log → notices. A withdrawal by her, an agreement that an authority declared invalid
/// and an emergency judged not justified bring one to each institution that had a recorded permit resting on
/// it, as far as what is taken back covers that permit. The end of a link brings one for each permit under
/// the names of one side that rests on what stands on the other. What the collector just ends brings none: it
/// may be kept. A notice is a row of hers, a leaf, and an entry in what the institution owes (duties.h), made
/// once, after the call that caused it has answered. Idempotent.
class ErasureNotices final : public audit::LeafHandler {
 public:
  explicit ErasureNotices(Registry& registry) : registry_(registry) {}

  [[nodiscard]] static bool Wants(audit::v1::EventClass event_class);
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Registry& registry_;
};

}  // namespace relais::consent
