// Closing the vault as the law says (D-3.4): three months' notice, or, without it, twelve months in which
// papers can be had.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/idempotency.h"
#include "services/vault/background.h"
#include "services/vault/domain/closure.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// The plan that a row holds; nullopt: none was announced.
[[nodiscard]] std::optional<ClosurePlan> PlanOf(const v1::StoredClosure& stored,
                                                const calendar::Paris& paris);
[[nodiscard]] v1::Closure ClosureOf(const ClosurePlan& plan, absl::Time announced);

/// Thread-safe. What a phase forbids is judged at each act (PhaseNow); nothing is destroyed because a vault
/// closes: that is an operator's act of its own (ADR 46). The worker says in the operators' log when a phase
/// begins.
class Closing {
 public:
  explicit Closing(const Vault& vault);

  void Start() { background_.Start(); }
  Task<bool> Stop();

  struct Announced {
    v1::Closure closure;
    storage::LeafRange leaves;
  };
  /// INVALID_FIELDS, naming the first day that is possible; for a day that takes from her what an earlier
  /// announcement gave.
  Task<absl::StatusOr<Announced>> Announce(rpc::Call call, rpc::Actor actor,
                                           v1::AnnounceClosureRequest request, rpc::Idempotency::Seen seen);

  [[nodiscard]] static storage::Partition Bucket(const rpc::ServiceContext& context);

 private:
  Task<absl::Duration> Turn();

  const Vault& vault_;
  Background background_;
  VaultPhase said_ = VaultPhase::kOpen;  // the worker's
};

}  // namespace relais::vault
