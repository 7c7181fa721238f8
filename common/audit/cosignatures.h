// What a log keeps of its witnesses: the checkpoint they are asked to cosign, and the last one they have.
//
// Kept in partition {kCursor, first 16 bytes of SHA-256("relais cosignatures")} (docs/formats.md,
// "Cosignatures"), keys "round" and "cosigned":
//
//   byte  0      0x01
//   bytes 1–8    when the round began, microseconds since 1970, big-endian
//   then         the checkpoint with the log's signatures and those of the witnesses so far, a signed note
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/log.h"
#include "common/base/clock.h"
#include "common/base/task.h"
#include "common/merkle/witness_policy.h"
#include "common/storage/store.h"

namespace relais::audit {

/// Witnesses come when they like, and the log grows meanwhile: a *round* keeps one checkpoint before them
/// until a quorum has cosigned it, at most kRoundLife (ADR 0009). Where no quorum is demanded, a round waits
/// for all of them. Sizes of rounds never decrease, restarts included, because the log's size does not.
///
/// Thread-safe. Bounded: two notes, each with a line per signer of the log and per witness of the policy.
/// Store, log and clock outlive it.
class Cosignatures {
 public:
  static constexpr absl::Duration kRoundLife = absl::Minutes(10);

  Cosignatures(storage::Store& store, Log& log, const Clock& clock)
      : store_(store), log_(log), clock_(clock) {}

  /// The checkpoint to be cosigned now, with the cosignatures it has.
  static Task<absl::StatusOr<std::string>> ToCosign(std::shared_ptr<Cosignatures> self);
  /// The newest with a quorum; else the one with as many as there are; else the latest.
  static Task<absl::StatusOr<std::string>> Cosigned(std::shared_ptr<Cosignatures> self,
                                                    merkle::WitnessPolicy policy);

  struct Added {
    uint64_t tree_size = 0;
    std::vector<std::string> witnesses;  // who has cosigned it by now
    bool quorum = false;
  };
  /// Keeps the cosignatures of the policy's witnesses on `note`; durable on OK. INVALID_ARGUMENT: no note, or
  /// no right cosignature of such a witness. FAILED_PRECONDITION: not the checkpoint that is being cosigned.
  static Task<absl::StatusOr<Added>> Add(std::shared_ptr<Cosignatures> self, std::string note,
                                         merkle::WitnessPolicy policy);

 private:
  struct Kept {
    absl::Time began;
    std::string note;
    merkle::UnverifiedNote parsed;
    uint64_t size = 0;
    std::optional<uint64_t> version;  // of its row; none while only offered
  };
  [[nodiscard]] absl::StatusOr<std::optional<Kept>> Read(std::string_view key) const;
  static absl::StatusOr<Kept> Make(absl::Time began, std::string note);
  static std::optional<std::string> Best(const std::optional<Kept>& round,
                                         const std::optional<Kept>& cosigned,
                                         const merkle::WitnessPolicy& policy);
  [[nodiscard]] bool Open(const Kept& round) const;
  [[nodiscard]] std::optional<Kept> Offered() const;
  Task<absl::StatusOr<Added>> AddOnce(merkle::UnverifiedNote offered, merkle::WitnessPolicy policy);

  storage::Store& store_;
  Log& log_;
  const Clock& clock_;
  mutable std::mutex mu_;
  std::optional<Kept> offered_;  // a round that has no cosignature yet
};

}  // namespace relais::audit
