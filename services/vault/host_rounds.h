// Hosts, looked at again (ADR 51): those that consent gave no decision about, until it does; and all of them
// once a day, so that what was passed over when consent's log was followed is made up for. On the same way
// shares that ran out are written so (expired_shares.h).
#pragma once

#include <optional>

#include "services/vault/background.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. A look every `settings.host_scan`, and a step of a round while one is under way; a round
/// begins with the service and `settings.host_round` after the last one began. Without consent's log there is
/// nothing to judge. Where consent does not answer the rest waits for the next look; one person about whom it
/// does not, keeps no other.
class HostRounds {
 public:
  static constexpr size_t kPersonsPerStep = 500;

  explicit HostRounds(const Vault& vault);

  void Start() { background_.Start(); }
  Task<bool> Stop();

 private:
  Task<absl::Duration> Turn();
  Task<absl::Status> LookAtUnjudged();
  Task<absl::Status> Step();

  const Vault& vault_;
  Background background_;
  // The worker's.
  absl::Duration due_ = -absl::InfiniteDuration();  // monotonic: when the next round begins
  std::optional<Id128> from_;                       // where the one under way is; nullopt: none is
};

}  // namespace relais::vault
