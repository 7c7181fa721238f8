// What the registry does for erasure and retention (common/audit/maintenance.h).
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/maintenance.h"
#include "services/consent/domain/retention.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe as far as maintenance's one worker needs.
class Keeper final : public audit::StateKeeper {
 public:
  /// `vault_followed`: whether the vault's log is known up to now, or there is none.
  Keeper(Registry& registry, const RetentionRules& rules, std::function<bool()> vault_followed)
      : registry_(registry), rules_(rules), vault_followed_(std::move(vault_followed)) {}

  /// Her partition goes whole; so do the claims of her own identifiers and her links to records. A sender
  /// record's claim stays, naming nobody; so do objections on record, which need no person (D-1.6).
  Task<absl::Status> EraseState(audit::Subject subject) override;
  /// Everybody who is one human with her by both histories: who is frozen for a link that is not listed, or
  /// has ended, is on her own (keeper_held.cc).
  absl::StatusOr<std::optional<std::vector<audit::Subject>>> NamesOf(const audit::Subject& person) override;
  /// Her sender records, which have leaves here.
  absl::StatusOr<std::vector<audit::Subject>> HeldWith(const audit::Subject& person) override;
  /// Every sealed row of her partition.
  Task<absl::Status> EachState(audit::Subject subject, audit::HeldSink& sink) override {
    return audit::KeepAll(StateOf(subject), sink);
  }
  /// Consent waits for others; nobody waits for it.
  Task<absl::Status> Acknowledge(Id128 /*erasure*/) override { co_return absl::OkStatus(); }
  /// Persons nobody has met for two years, and of the others the proof of agreements that ended five years
  /// ago; then objections' digests: some hundred partitions a step.
  Task<absl::StatusOr<bool>> Sweep() override;

 private:
  absl::StatusOr<std::vector<audit::v1::HeldState>> StateOf(const audit::Subject& subject);
  Task<absl::Status> Unclaim(Id128 person, std::string institution, v1::StoredRecord record);
  Task<absl::Status> UnlinkAll(Id128 person, std::string institution, v1::StoredRecord record);
  Task<absl::Status> UnlinkObjections(Id128 person);
  Task<absl::StatusOr<bool>> SweepPersons();
  Task<absl::StatusOr<bool>> SweepObjections();
  Task<absl::Status> SweepAgreements(Id128 person, absl::Time now);
  struct Proof {
    Id128 name;  // under which the agreement was given
    Id128 consent;
  };
  Task<absl::Status> SweepFrozenProofs(std::vector<Proof> proofs);
  [[nodiscard]] absl::StatusOr<bool> IsDue(const std::vector<Id128>& group, absl::Time now) const;
  Task<absl::Status> SweepPerson(Id128 person, absl::Time now);
  Task<absl::StatusOr<bool>> PurgeObjection(storage::Partition bucket, absl::Time now);

  Registry& registry_;
  const RetentionRules rules_;
  const std::function<bool()> vault_followed_;
  // Where the sweep is.
  enum class Stage { kPersons, kObjections } stage_ = Stage::kPersons;
  Id128 from_;
  uint64_t purged_ = 0;
  uint64_t purged_agreements_ = 0;
};

}  // namespace relais::consent
