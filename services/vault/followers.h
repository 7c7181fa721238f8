// What the vault makes of consent's log: her no, who is one human with whom, erasures and holds.
#pragma once

#include <string>
#include <vector>

#include "common/audit/follower.h"
#include "services/vault/domain/her_no.h"
#include "services/vault/events.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// What a leaf of consent's log ends, if it is a no of hers or the end of an agreement (D-2.6.2). A payload
/// that does not read is the widest no there is.
[[nodiscard]] std::optional<HerNo> NoOf(const audit::FollowedLeaf& leaf);

/// Consent's log. A no is effective as soon as it is applied: what is open under what it ends is cut from
/// memory, then shares and hosts are closed in her partition in bounded commits, then what began in between
/// is cut. A no under one name, or of one agreement, may end what stands on another: of the hosts it touches,
/// under any name of hers, consent is asked (judging_hosts.h); while it gives no decision they are suspended,
/// while it does not answer the leaf is tried again. The lease says no more than was applied. A row that does
/// not open is passed over: it lets nobody read, and keeps nobody's no from being followed.
class ConsentLeaves final : public audit::LeafHandler {
 public:
  explicit ConsentLeaves(const Vault& vault) : vault_(vault) {}
  /// Resumes when nothing is in flight; after the followers have stopped.
  Task<bool> Drain();

  /// Who is one human, erasures and holds in the order of the log: each reaches several persons. Other leaves
  /// in order by person.
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<absl::Status> Ended(Id128 person, HerNo no, audit::FollowedLeaf leaf, bool effects);
  Task<absl::Status> CloseShares(Id128 person, HerNo no, absl::Time said);
  Task<absl::StatusOr<bool>> CloseSomeShares(Id128 person, HerNo no, absl::Time said);
  Task<absl::Status> CloseHosts(Id128 person, HerNo no, absl::Time said);
  Task<absl::Status> CloseHost(Id128 person, std::string institution, absl::Time said, HerNo no);
  Task<absl::Status> Linked(audit::FollowedLeaf leaf, bool effects);
  Task<absl::Status> Restricted(Id128 person, uint64_t index, bool effects);
  Task<absl::Status> JudgeHostsOfAll(std::vector<Id128> names, HerNo no);
  Task<absl::Status> Hold(audit::FollowedLeaf leaf);
  Task<absl::Status> Erase(Id128 person, audit::FollowedLeaf leaf);

  const Vault& vault_;
};

}  // namespace relais::vault
