// Counts what uploads count for in their institution's sums. Everybody's uploads change the same total,
// guarded: one by one, of many at once, one would win and the others begin again.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/task.h"
#include "services/vault/store.h"

namespace relais::vault {

struct Vault;

/// Thread-safe. What comes while a commit of the same institution is under way is in the next one, together.
class Counting {
 public:
  explicit Counting(const Vault& vault) : vault_(vault) {}
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

  /// Durable on OK; idempotent. DATA_LOSS: what it counts for there does not read, and others' is counted.
  /// ABORTED: something else changed the sums too often.
  Task<absl::Status> Count(std::string institution, VaultStore::CountedChange change);

 private:
  // nullopt: it is this one's turn to commit what waits, its own among it.
  using Answer = std::optional<absl::Status>;
  struct Waiting {
    VaultStore::CountedChange change;
    OneShot<Answer> answer;
  };

  // False: nobody commits there, so the caller does.
  bool Joins(const std::string& institution, const Waiting& waiting);
  std::vector<Waiting> NextOf(const std::string& institution);
  void HandOver(const std::string& institution);
  Task<std::vector<absl::Status>> Commit(std::string institution,
                                         std::vector<VaultStore::CountedChange> changes);

  const Vault& vault_;
  std::mutex mu_;
  std::map<std::string, std::deque<Waiting>> waiting_;  // where somebody commits
};

}  // namespace relais::vault
