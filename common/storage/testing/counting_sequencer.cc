#include "common/storage/testing/counting_sequencer.h"

#include <utility>

#include "common/base/status.h"
#include "common/storage/value_format.h"

namespace relais::storage::testing {

LeafRange CountingSequencer::Stage(std::vector<LeafDraft> leaves, std::vector<LogRow>& rows) {
  std::lock_guard lock(mu_);
  threads_.insert(std::this_thread::get_id());
  staging_ = true;
  ++counts_.staged;
  LeafRange range{.first = size_};
  for (LeafDraft& leaf : leaves) {
    if (!leaf.bytes.empty()) {
      const std::string index = EncodeBigEndian64(size_++);
      rows.push_back({.table = LogTable::kLeaves, .key = index, .value = std::move(leaf.bytes)});
      if (!leaf.subject.empty()) {
        rows.push_back({.table = LogTable::kSubjectLeaves, .key = leaf.subject + index, .value = ""});
        rows.push_back({.table = LogTable::kLeafSubjects, .key = index, .value = std::move(leaf.subject)});
      }
    }
    for (LogRow& row : leaf.rows) {
      rows.push_back(std::move(row));
    }
  }
  range.count = size_ - range.first;
  range.tree_size = size_;
  return range;
}

void CountingSequencer::EndGroup() {
  threads_.insert(std::this_thread::get_id());
  out_of_turn_ |= !staging_;
  staging_ = false;
}

void CountingSequencer::Committed() {
  std::lock_guard lock(mu_);
  EndGroup();
  ++counts_.committed;
  durable_size_ = size_;
}

void CountingSequencer::Abandoned() {
  std::lock_guard lock(mu_);
  EndGroup();
  ++counts_.abandoned;
  size_ = durable_size_;
}

absl::Status CountingSequencer::Restore(const Store& store) {
  ASSIGN_OR_RETURN(const std::optional<Store::LogEntry> last, store.LogLast(LogTable::kLeaves));
  std::lock_guard lock(mu_);
  if (last.has_value()) {
    ASSIGN_OR_RETURN(const uint64_t index, DecodeBigEndian64(last->key));
    size_ = durable_size_ = index + 1;
  }
  return absl::OkStatus();
}

CountingSequencer::Counts CountingSequencer::counts() const {
  std::lock_guard lock(mu_);
  return counts_;
}

uint64_t CountingSequencer::durable_size() const {
  std::lock_guard lock(mu_);
  return durable_size_;
}

size_t CountingSequencer::threads() const {
  std::lock_guard lock(mu_);
  return threads_.size();
}

bool CountingSequencer::out_of_turn() const {
  std::lock_guard lock(mu_);
  return out_of_turn_;
}

}  // namespace relais::storage::testing
