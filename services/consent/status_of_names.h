// "Do not group" binds the human, under whichever of her names it was said (D-5.6, ADR 23, 24).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/audit/follower.h"
#include "common/base/id128.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// What a service reads of her: everybody's words under this name, and "do not group" under any name of hers.
/// NO_SUCH_OR_NOT_YOURS; OVERLOADED while it cannot be said who is one human with her.
[[nodiscard]] absl::StatusOr<v1::PersonStatus> StatusOfHuman(Registry& registry, const Id128& person);

/// This registry's own log → leaves that tell who follows other names. After an institution's change of "do
/// not group" under a name of somebody who has several, and when names are linked or taken apart while it
/// stands, every name has a leaf of the registry's own that says what holds. The call has answered by then:
/// neither its time nor an institution's leaves tell that she has other names. The last such leaf about a
/// name is right: each is decided on a version of that name's file that none came after. Idempotent.
class StatusOfNames final : public audit::LeafHandler {
 public:
  explicit StatusOfNames(Registry& registry) : registry_(registry) {}

  [[nodiscard]] static bool Wants(audit::v1::EventClass event_class);
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Registry& registry_;
};

}  // namespace relais::consent
