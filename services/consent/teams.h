// What routing's log says that this registry decides or answers with: who helps her, and which messages about
// her went where. Derived by a follower into her partition, sealed under her key.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/audit/follower.h"
#include "services/consent/domain/team.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

inline constexpr std::string_view kTeamKey = "team";
inline constexpr std::string_view kSentPrefix = "sent/";

/// Who helps her, as far as routing's log was followed: her référent and, as one team with him, who proposed
/// him, from when he accepted until he ends. Not `known` without a lease on that log (architecture, "Calls,
/// boot"). Reads the store.
absl::StatusOr<Teams> ReadTeams(Registry& registry, const Id128& person);
absl::StatusOr<v1::StoredDeliveries> ReadDeliveries(Registry& registry, const Id128& person,
                                                    const std::string& institution);

/// Routing's log → rows "team" and "sent/<institution>" of persons. A person who is not here or is erased is
/// passed over. Idempotent.
class RoutingLeaves final : public audit::LeafHandler {
 public:
  explicit RoutingLeaves(Registry& registry) : registry_(registry) {}

  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Registry& registry_;
};

}  // namespace relais::consent
