// Papers dropped in while consent could not be asked, or to who did not act for her (ADR 35, ADR 74): decided
// once both are otherwise.
#pragma once

#include <memory>
#include <vector>

#include "services/vault/background.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// The derived list of them: Bucket(`vault-pending`, "", ""), document id → person id.
[[nodiscard]] storage::CommitRequest SetPending(const Vault& vault, const Id128& document,
                                                const Id128& person, bool present);

/// Those of hers on that list.
[[nodiscard]] absl::StatusOr<std::vector<Id128>> PendingOf(const Vault& vault, const Id128& person);

/// Asks consent about each, every `expiry_scan`: on her agreement it becomes ACTIVE (DOCUMENT_CHANGED); where
/// consent says no it is destroyed (`REFUSED_DROP`), whether its host acts for her or not. While its host is
/// none that does, or consent cannot be asked, or what it answered may have been overtaken by a no of hers,
/// it stays, until the keeper's sweep ends it after kPendingConsent. A no that comes while the paper is made
/// visible is followed after that, as one that comes after a deposit.
class PendingDrops {
 public:
  explicit PendingDrops(const Vault& vault);

  void Start() { background_.Start(); }
  Task<bool> Stop();
  /// One look at all of them: how many were decided. An error of one does not keep the others.
  Task<absl::StatusOr<uint64_t>> Look();

 private:
  Task<absl::Duration> Turn();
  Task<absl::StatusOr<bool>> Decide(Id128 person, Id128 document);
  Task<absl::StatusOr<bool>> Write(Id128 person, Id128 document, bool permitted);

  const Vault& vault_;
  Background background_;
};

}  // namespace relais::vault
