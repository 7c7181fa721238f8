// A log of its own for measurements: the suite's audit log on the suite's store, with keys that are the same
// in every process, so that one builds it and another reads it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/log.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/random.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/memory_key_ring.h"
#include "common/storage/rocksdb/rocksdb_store.h"

namespace relais::bench {

struct AuditWorldOptions {
  std::string folder;             // the store, the last published checkpoint
  size_t subject_keys = 100'000;  // kept opened; what a service keeps
};

/// Everything but gRPC. Destroyed in the order that a service stops in.
class AuditWorld {
 public:
  static absl::StatusOr<std::unique_ptr<AuditWorld>> Open(const AuditWorldOptions& options);
  ~AuditWorld();
  AuditWorld(const AuditWorld&) = delete;
  AuditWorld& operator=(const AuditWorld&) = delete;

  /// What Open took: RocksDB, then the log's Create and Recover.
  [[nodiscard]] absl::Duration store_took() const { return store_took_; }
  [[nodiscard]] absl::Duration log_took() const { return log_took_; }

  [[nodiscard]] audit::Log& log() { return *log_; }
  [[nodiscard]] storage::RocksDbStore& store() { return *store_; }
  [[nodiscard]] ThreadPool& executor() { return executor_; }
  [[nodiscard]] SystemClock& clock() { return clock_; }
  [[nodiscard]] SystemRandom& random() { return random_; }
  [[nodiscard]] crypto::MemoryKeyRing& ring() { return ring_; }

 private:
  AuditWorld() = default;
  absl::Status Start(const AuditWorldOptions& options);

  SystemClock clock_;
  SystemRandom random_;
  ThreadPool executor_{3};  // as a service
  crypto::MemoryKeyRing ring_;
  std::unique_ptr<audit::Log> log_;
  std::unique_ptr<storage::RocksDbStore> store_;
  absl::Duration store_took_;
  absl::Duration log_took_;
};

std::string StorePathIn(const std::string& folder);

inline constexpr char kOrigin[] = "relais.test/bench/1";
/// Signs its checkpoints.
crypto::SigningKey SigningKey();

/// The n-th person, the same in every process.
audit::Subject PersonOf(uint64_t number);
/// A leaf as a recorded check leaves it, about the n-th person.
audit::Event CheckEvent(uint64_t person);

/// VmHWM of this process, in MB (10^6 bytes).
uint64_t PeakMegabytes();

}  // namespace relais::bench
