// When somebody last had to do with her (D-2.10): by this registry's own log, by the vault's, and by whether
// a référent helps her.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/follower.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

inline constexpr std::string_view kMetKey = "met";

/// The last contact with the person under this name; the day she was registered where only a feed knows her.
/// A leaf is a contact when an institution made it, and it is neither about her papers alone (an order, an
/// answer to a notice, a steward's look at records) nor automatic: what a sender of a feed does, and a
/// question whether one may (CHECK_DECIDED), count only in a named function. Reads the store and the log, the
/// newest leaf first.
[[nodiscard]] absl::StatusOr<absl::Time> LastContact(Registry& registry, const Id128& person);

/// Whether a référent helps her now, by routing's log as far as it was followed.
[[nodiscard]] absl::StatusOr<bool> HasReferent(Registry& registry, const Id128& person);

/// The vault's log → row "met" of persons: the last day on which a paper of hers was deposited or read, or
/// who acts for her changed, by an institution. A person who is not here or is erased is passed over.
/// Idempotent; one commit a person and day at most.
class VaultLeaves final : public audit::LeafHandler {
 public:
  explicit VaultLeaves(Registry& registry) : registry_(registry) {}

  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Registry& registry_;
};

}  // namespace relais::consent
