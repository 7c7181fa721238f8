#include "common/audit/sequencer.h"

#include <algorithm>
#include <utility>

#include "common/audit/big_endian.h"
#include "common/audit/leaf.h"
#include "common/audit/tree_rows.h"

namespace relais::audit::internal {

using storage::LogRow;
using storage::LogTable;

void TreeSequencer::Restore(merkle::Frontier range, absl::Time last_time) {
  committed_ = {std::move(range), last_time};
  staged_ = committed_;
}

storage::LeafRange TreeSequencer::Stage(std::vector<storage::LeafDraft> leaves, std::vector<LogRow>& rows) {
  const uint64_t first = staged_.range.size();
  const auto count = static_cast<uint64_t>(std::count_if(
      leaves.begin(), leaves.end(), [](const storage::LeafDraft& leaf) { return !leaf.bytes.empty(); }));
  if (count > 0) {
    // One instant per commit: its leaves are one act. Whole microseconds, as the leaf says them.
    staged_.last_time = std::max(staged_.last_time, absl::FromUnixMicros(absl::ToUnixMicros(clock_.Now())));
  }
  for (storage::LeafDraft& leaf : leaves) {
    StageLeaf(std::move(leaf), staged_.last_time, rows);
  }
  return {first, count, staged_.range.size()};
}

void TreeSequencer::StageLeaf(storage::LeafDraft leaf, absl::Time time, std::vector<LogRow>& rows) {
  if (leaf.bytes.empty()) {
    StageDraftRows(std::move(leaf.rows), rows);
    return;
  }
  const uint64_t place = staged_.range.size();
  const std::string index = IndexKey(place);
  StampTime(leaf.bytes, time);
  completed_.clear();
  const merkle::Hash hash = merkle::HashLeaf(leaf.bytes);
  staged_.range.Append(hash, &completed_);
  auto recent = std::make_shared<RecentLeaf>(RecentLeaf{std::move(leaf.bytes), hash, leaf.subject, nullptr});
  for (const merkle::Node& node : completed_) {
    rows.push_back({LogTable::kNodes, NodeKey(node.id), std::string(merkle::AsBytes(node.hash))});
  }
  // The row shares the bytes that are kept.
  rows.push_back({LogTable::kLeaves, index, std::shared_ptr<const std::string>(recent, &recent->bytes)});
  StageDraftRows(std::move(leaf.rows), rows);
  const bool erased = !leaf.subject.empty() && IsErased(leaf.subject);
  if (const auto* const drafted = static_cast<const Drafted*>(leaf.drafted.get()); drafted != nullptr) {
    recent->drafted = erased ? nullptr : drafted->leaf;
    // Part R is under another key: who acted may be known whether or not the subject is erased.
    if (drafted->actor != nullptr) {
      staged_actors_.push_back({place, drafted->actor});
    }
  }
  staged_leaves_.push_back(std::move(recent));
  if (!leaf.subject.empty() && !erased) {
    rows.push_back({LogTable::kSubjectLeaves, leaf.subject + index, ""});
    rows.push_back({LogTable::kLeafSubjects, index, std::move(leaf.subject)});
  }
}

void TreeSequencer::StageDraftRows(std::vector<LogRow> draft_rows, std::vector<LogRow>& rows) {
  for (LogRow& row : draft_rows) {
    if (row.table == LogTable::kSubjectKeys) {
      if (row.value.has_value() && !SubjectKeys::IsTombstone(*row.value)) {
        // Drafted before the erasure and committed after it: the key must not come back.
        if (IsErased(row.key)) {
          continue;
        }
        // Wrapped before a rotation of the epoch began and written after it: no row of the old epoch may be
        // written once its survivors are being gathered. A row that cannot be renewed stays as it is, and
        // keeps the old key from being destroyed.
        if (absl::StatusOr<std::optional<std::string>> renewed = keys_.Renewed(row.key, *row.value);
            renewed.ok() && renewed->has_value()) {
          row.value = std::move(**renewed);
        }
        new_subjects_.push_back(row.key);
      } else {
        erased_subjects_.insert(row.key);
      }
    }
    rows.push_back(std::move(row));
  }
}

bool TreeSequencer::IsErased(const std::string& subject) const {
  return erased_subjects_.contains(subject) || erased_before_.contains(subject);
}

void TreeSequencer::RememberErased() {
  for (const std::string& subject : erased_subjects_) {
    if (erased_before_.insert(subject).second) {
      erased_order_.push_back(subject);
    }
  }
  while (erased_order_.size() > kErasedRemembered) {
    erased_before_.erase(erased_order_.front());
    erased_order_.pop_front();
  }
}

void TreeSequencer::Committed() {
  const uint64_t before = committed_.range.size();
  const bool grew = staged_.range.size() > before;
  committed_ = staged_;
  for (const std::string& subject : new_subjects_) {
    keys_.MarkDurable(subject);
  }
  if (grew) {
    recent_.Add(before, std::move(staged_leaves_));
  }
  // What was drafted is forgotten before the key is: whoever finds a draft finds it as long as it may be
  // known.
  if (!erased_subjects_.empty()) {
    recent_.Forget(erased_subjects_);
  }
  for (const std::string& subject : erased_subjects_) {
    keys_.MarkErased(subject);
  }
  RememberErased();
  actors_.Add(std::move(staged_actors_));
  staged_leaves_.clear();
  staged_actors_.clear();
  new_subjects_.clear();
  erased_subjects_.clear();
  if (grew) {
    on_durable_({committed_.range.size(), committed_.range.root(), committed_.last_time});
  }
}

void TreeSequencer::Abandoned() {
  staged_ = committed_;
  new_subjects_.clear();
  erased_subjects_.clear();
  staged_leaves_.clear();
  staged_actors_.clear();
}

}  // namespace relais::audit::internal
