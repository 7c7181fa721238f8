// What the vault does for erasure, legal holds and retention (common/audit/maintenance.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "common/audit/followed_links.h"
#include "common/audit/follower.h"
#include "common/audit/maintenance.h"
#include "services/vault/background.h"
#include "services/vault/vault.h"

namespace relais::vault {

class Keeper final : public audit::StateKeeper {
 public:
  Keeper(const Vault& vault, audit::Follower& own)
      : vault_(vault),
        own_(own),
        links_(vault.context.store, vault.context.log),
        copying_(vault.context.executor, [this] { return CopyTexts(); }) {}

  /// From here on the follower of the vault's own log is waited for.
  void FollowingStarted() { following_ = true; }
  /// The worker that copies texts for legal holds, behind the follower that placed them (ADR 70). Stop ends a
  /// copy after the piece it is at; the next start goes on from there.
  void StartCopying() { copying_.Start(); }
  Task<bool> StopCopying();

  /// Open readings are cut; then her bytes, every derived row that names her, and her partition with her keys
  /// and records. While she is frozen nothing of hers opens, and with her keys every paper is gone, in this
  /// store; what backups hold ends with the epoch of keys.
  Task<absl::Status> EraseState(audit::Subject subject) override;
  /// Nobody (keeper_held.cc).
  absl::StatusOr<std::vector<audit::Subject>> HeldWith(const audit::Subject& person) override;
  /// What is said of her papers, her shares, requests and hosts. What does not read is named `unreadable/…`.
  Task<absl::Status> EachState(audit::Subject subject, audit::HeldSink& sink) override;
  /// Every version's text (held_texts.h).
  Task<absl::Status> EachText(audit::Subject subject, audit::HeldSink& sink) override;
  void TextsAreDue() override { copying_.Wake(); }
  Task<absl::Status> Acknowledge(Id128 erasure) override;
  /// Papers dropped in that nobody decided about within 30 days: some hundred persons a step.
  Task<absl::StatusOr<bool>> Sweep() override;

 private:
  Task<absl::Duration> CopyTexts();
  Task<absl::StatusOr<uint64_t>> SweepPerson(Id128 person, absl::Time due_before);

  const Vault& vault_;
  audit::Follower& own_;
  audit::FollowedLinks links_;
  std::atomic<bool> following_ = false;
  // Where the sweep is.
  Id128 from_;
  uint64_t purged_ = 0;
  Background copying_;
};

}  // namespace relais::vault
