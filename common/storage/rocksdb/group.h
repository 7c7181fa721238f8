// Decides and writes one group of commits: preconditions, the sequencer, one write, one fsync.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/storage/rocksdb/database.h"
#include "common/storage/rocksdb/version_cache.h"
#include "common/storage/store.h"

namespace relais::storage {

/// For the writer thread alone. Versions: each commit takes the number after the last one; the last number
/// used is written with every group, so numbers strictly increase across restarts too. (The numbers of a
/// group that failed may be given again: nobody can have seen them.)
class GroupWriter {
 public:
  using Result = std::optional<absl::StatusOr<CommitResult>>;
  struct Item {
    CommitRequest* request;  // consumed
    Result* result;          // set
  };

  GroupWriter(Database& database, Sequencer& sequencer, const RocksDbOptions& options, uint64_t last_version)
      : database_(database),
        sequencer_(sequencer),
        fsync_(options.fsync),
        versions_(options.version_cache_bytes),
        last_version_(last_version) {}

  /// OK: every item is answered, and what succeeded is durable. Else the store failed: results are
  /// meaningless, whether the group is on disk is unknown until the next start, and Run must not be called
  /// again.
  absl::Status Run(const std::vector<Item>& items);

 private:
  void Prefetch(const std::vector<Item>& items);
  absl::StatusOr<std::optional<uint64_t>> CurrentVersion(const std::string& key);
  // `keys`: of the request's preconditions, encoded.
  absl::Status CheckPreconditions(const CommitRequest& request, const std::string* keys);
  CommitResult Stage(CommitRequest& request);
  absl::Status Decide(const std::vector<Item>& items, size_t* staged);

  Database& database_;
  Sequencer& sequencer_;
  const bool fsync_;
  VersionCache versions_;
  uint64_t last_version_;
  rocksdb::WriteBatch batch_;
  std::vector<LogRow> rows_;       // reused between commits
  std::vector<std::string> keys_;  // of the group's preconditions, in their order, encoded
};

}  // namespace relais::storage
