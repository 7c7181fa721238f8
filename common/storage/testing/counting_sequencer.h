// The least a log can be: numbers leaves, writes their rows, and notices a store that breaks the protocol.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "common/storage/store.h"

namespace relais::storage::testing {

/// Writes a leaf to kLeaves, its subject to kLeafSubjects and kSubjectLeaves, and the draft's own rows.
/// Thread-safe to look at while a store uses it.
class CountingSequencer final : public Sequencer {
 public:
  LeafRange Stage(std::vector<LeafDraft> leaves, std::vector<LogRow>& rows) override;
  void Committed() override;
  void Abandoned() override;

  /// Goes on from the leaves in `store`; before its first commit.
  absl::Status Restore(const Store& store);

  struct Counts {
    uint64_t staged = 0;     // calls of Stage
    uint64_t committed = 0;  // groups
    uint64_t abandoned = 0;
  };
  [[nodiscard]] Counts counts() const;
  /// Of the log as far as it is durable.
  [[nodiscard]] uint64_t durable_size() const;
  /// Threads that called.
  [[nodiscard]] size_t threads() const;
  /// Committed or Abandoned came without a Stage before it.
  [[nodiscard]] bool out_of_turn() const;

 private:
  void EndGroup();

  mutable std::mutex mu_;
  uint64_t size_ = 0;
  uint64_t durable_size_ = 0;
  bool staging_ = false;
  bool out_of_turn_ = false;
  Counts counts_;
  std::set<std::thread::id> threads_;
};

}  // namespace relais::storage::testing
