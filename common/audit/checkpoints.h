// Signs what is durable, at most every 50 ms, and keeps the last checkpoint given out where a roll-back of
// the store does not reach. Private to common/audit.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/log.h"
#include "common/audit/published_file.h"
#include "common/audit/sequencer.h"
#include "common/audit/waiters.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/merkle/checkpoint.h"

namespace relais::audit::internal {

struct SignedCheckpoint {
  uint64_t size = 0;
  std::string note;
};

/// Thread-safe. Signing happens in functions posted to the executor: at once after a quiet time, else 50 ms
/// after the last one, so that a durable leaf is provable within 50 ms and a signature. A checkpoint is given
/// out only once it is published (when there is a path).
class Checkpoints : public std::enable_shared_from_this<Checkpoints> {
 public:
  Checkpoints(std::string origin, std::vector<LogOptions::Signer> signers, std::string published_path,
              Clock& clock, Executor& executor);

  /// The last checkpoint published by an earlier process, verified; nullopt if there is none. DATA_LOSS when
  /// it is damaged, of another log or signed by no key of this one.
  [[nodiscard]] absl::StatusOr<std::optional<merkle::Checkpoint>> Published() const;
  /// The same of another origin whose key this process holds: the log that this one goes on from. The note
  /// too.
  struct PublishedNote {
    merkle::Checkpoint checkpoint;
    std::string note;
  };
  [[nodiscard]] absl::StatusOr<std::optional<PublishedNote>> PublishedBy(const std::string& origin) const;

  /// Something is durable.
  void Grown(uint64_t size, const merkle::Hash& root);
  /// The latest, of at least `min_size`; UNAVAILABLE after `wait`, or at once when stopped before.
  static Task<absl::StatusOr<SignedCheckpoint>> AtLeast(std::shared_ptr<Checkpoints> self, uint64_t min_size,
                                                        absl::Duration wait);
  /// Signs and publishes what is durable, with fsync, and wakes all who wait.
  void Stop();

 private:
  struct Head {
    uint64_t size = 0;
    merkle::Hash root{};
  };
  void ScheduleLocked();
  void Run();
  void SignOnce(bool sync);
  [[nodiscard]] absl::StatusOr<std::string> Sign(const Head& head) const;
  [[nodiscard]] absl::Status Publish(const std::string& note, bool sync);
  [[nodiscard]] std::optional<SignedCheckpoint> Latest() const;
  [[nodiscard]] bool stopped() const;

  const std::string origin_;
  const std::vector<LogOptions::Signer> signers_;
  const std::optional<PublishedFile> file_;
  Clock& clock_;
  Executor& executor_;
  const std::shared_ptr<Waiters> waiters_;

  std::mutex sign_mu_;  // one signature at a time; taken before mu_
  std::optional<absl::Duration> synced_at_;

  mutable std::mutex mu_;
  std::optional<Head> head_;
  std::optional<SignedCheckpoint> latest_;
  absl::Duration not_before_ = absl::ZeroDuration();  // monotonic
  bool scheduled_ = false;
  bool stopped_ = false;
  bool failing_ = false;
};

}  // namespace relais::audit::internal
