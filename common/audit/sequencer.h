// Gives leaves their place and their time. Private to common/audit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "common/audit/fresh_actors.h"
#include "common/audit/recent_leaves.h"
#include "common/audit/subject_keys.h"
#include "common/base/clock.h"
#include "common/merkle/tree.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// What is durable.
struct Durable {
  uint64_t size = 0;
  merkle::Hash root{};
  absl::Time last_time = absl::UnixEpoch();  // of the last leaf
};

/// The tree's growing edge. Called on the store's writer only, but for Restore, which comes before.
///
/// For each leaf it writes: the leaf; the subtrees it completes, from level 1 up (level 0 is the hash of the
/// leaf itself); the draft's own rows; and for a leaf with a subject the two pointers, outside the hash. What
/// became durable it hands to `recent`, and who acted to `actors`, before `on_durable`.
class TreeSequencer final : public storage::Sequencer {
 public:
  /// `on_durable` is called on the writer, once per group.
  TreeSequencer(const Clock& clock, SubjectKeys& keys, RecentLeaves& recent, FreshActors& actors,
                std::function<void(const Durable&)> on_durable)
      : clock_(clock), keys_(keys), recent_(recent), actors_(actors), on_durable_(std::move(on_durable)) {}

  void Restore(merkle::Frontier range, absl::Time last_time);

  storage::LeafRange Stage(std::vector<storage::LeafDraft> leaves,
                           std::vector<storage::LogRow>& rows) override;
  void Committed() override;
  void Abandoned() override;

  /// Erasures that are remembered, the latest: what was drafted about such a subject before, and comes after,
  /// leaves neither key nor pointer. More than a store's queue can hold, and each is a commit of its own.
  static constexpr size_t kErasedRemembered = 8192;

 private:
  struct Edge {
    merkle::Frontier range;
    absl::Time last_time = absl::UnixEpoch();
  };
  void StageLeaf(storage::LeafDraft leaf, absl::Time time, std::vector<storage::LogRow>& rows);
  void StageDraftRows(std::vector<storage::LogRow> draft_rows, std::vector<storage::LogRow>& rows);
  [[nodiscard]] bool IsErased(const std::string& subject) const;
  void RememberErased();

  const Clock& clock_;
  SubjectKeys& keys_;
  RecentLeaves& recent_;
  FreshActors& actors_;
  const std::function<void(const Durable&)> on_durable_;
  Edge committed_;
  Edge staged_;
  std::vector<merkle::Node> completed_;  // scratch
  // Of this group: subjects whose key row, or whose tombstone, becomes durable with it.
  std::vector<std::string> new_subjects_;
  absl::flat_hash_set<std::string> erased_subjects_;
  // Of the groups before: the writer's own, so that a leaf costs no look into the keys, nor their lock.
  absl::flat_hash_set<std::string> erased_before_;
  std::deque<std::string> erased_order_;
  std::vector<RecentLeaves::Leaf> staged_leaves_;
  std::vector<FreshActors::Place> staged_actors_;
};

}  // namespace relais::audit::internal
