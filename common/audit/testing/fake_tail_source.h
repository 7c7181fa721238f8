// A log to follow that does what a test wants: grows, fails, lies, forgets. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/audit/follower.h"
#include "common/audit/waiters.h"

namespace relais::audit::testing {

class FakeTailSource final : public TailSource {
 public:
  FakeTailSource(Executor& executor, std::string origin);

  Task<absl::StatusOr<std::vector<FollowedLeaf>>> Read(uint64_t from, size_t limit,
                                                       absl::Duration wait) override;
  Task<absl::StatusOr<LogState>> Probe(std::string nonce) override;

  /// Adds a leaf; `bytes` are what is hashed and need be no real leaf.
  void Append(std::string bytes, audit::v1::TailLeaf::Opening opening = audit::v1::TailLeaf::OPENING_OPENED);
  void AppendMany(size_t count);
  /// Replaces the leaf at `index`: another history of the same length.
  void Fork(uint64_t index, std::string bytes);
  /// Forgets all leaves from `size` on: a roll-back.
  void Truncate(uint64_t size);
  void SetOrigin(std::string origin);

  /// Every Read (Probe) fails with this until it is OK again.
  void FailReads(absl::Status status);
  void FailProbes(absl::Status status);
  /// Leaves beyond this size cannot be read yet, though probes already name them. nullopt: no bound.
  void HoldReadsAt(std::optional<uint64_t> size);
  /// Probes take the state at once and answer this much later.
  void DelayProbes(absl::Duration delay);

  [[nodiscard]] LogState state() const;
  [[nodiscard]] size_t reads() const;
  [[nodiscard]] size_t probes() const;

 private:
  [[nodiscard]] uint64_t ReadableLocked() const;
  [[nodiscard]] LogState StateLocked() const;

  Executor& executor_;
  const std::shared_ptr<audit::internal::Waiters> growth_;
  mutable std::mutex mu_;
  std::string origin_;
  std::vector<FollowedLeaf> leaves_;
  absl::Status read_status_;
  absl::Status probe_status_;
  std::optional<uint64_t> hold_;
  absl::Duration probe_delay_ = absl::ZeroDuration();
  size_t reads_ = 0;
  size_t probes_ = 0;
};

}  // namespace relais::audit::testing
