#include "common/audit/index_run.h"

#include <algorithm>

#include "common/audit/leaf.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {
constexpr size_t kRowsPerCommit = 1000;
}  // namespace

uint64_t IndexRun::limit() const { return std::min(first_ + kRunLeaves, (segment() + 1) * kSegmentLeaves); }

void IndexRun::Note(const std::string& month, const IndexedValue& value, uint64_t index) {
  postings_[{month, value.dimension}][value.value].push_back(index);
}

absl::Status IndexRun::AddActor(const OpenedLeaf& leaf) {
  const absl::StatusOr<OpenedActor> opened = log_.OpenActor(leaf.leaf);
  if (absl::IsNotFound(opened.status())) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(opened.status());
  const std::vector<IndexedValue> values = ActorValuesOf(leaf.leaf.header, opened->actor);
  if (values.empty()) {
    return absl::OkStatus();
  }
  const std::string month = MonthName(opened->month);
  if (month_keys_.count(month) == 0) {
    absl::StatusOr<Secret> key = log_.DeriveMonthKey(opened->month, kIndexKeyInfo);
    if (absl::IsNotFound(key.status())) {
      return absl::OkStatus();  // destroyed since
    }
    RETURN_IF_ERROR(key.status());
    month_keys_.emplace(month, *std::move(key));
  }
  for (const IndexedValue& value : values) {
    Note(month, value, leaf.index);
  }
  return absl::OkStatus();
}

absl::Status IndexRun::Add(const OpenedLeaf& leaf) {
  if (leaf.index != next_ || leaf.index >= limit()) {
    return absl::InternalError("index: a run of leaves with a gap");
  }
  for (const IndexedValue& value : ValuesOf(leaf.leaf.header, leaf.details)) {
    Note("", value, leaf.index);
  }
  RETURN_IF_ERROR(AddActor(leaf));
  audit::v1::MonthKeyDestroyed destroyed;
  if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED &&
      leaf.details.payload().UnpackTo(&destroyed)) {
    destroyed_.insert(destroyed.month());
  }
  ++next_;
  return absl::OkStatus();
}

const Secret& IndexRun::KeyOf(const std::string& month) const {
  return month.empty() ? key_ : month_keys_.at(month);
}

std::vector<std::string> IndexRun::Catalogued() const {
  std::vector<std::string> keys;
  for (const auto& [place, postings] : postings_) {
    keys.push_back(CatalogKey(generation_, place.first, place.second, segment()));
  }
  return keys;
}

void IndexRun::AddCommits(const Place& place, const Postings& postings,
                          std::vector<storage::CommitRequest>& commits) const {
  const Secret& key = KeyOf(place.first);
  const storage::Partition partition{storage::PartitionKind::kIndexBucket,
                                     IndexPartition(key, generation_, place.second, segment())};
  size_t rows = kRowsPerCommit;
  for (const auto& [value, indices] : postings) {
    if (rows == kRowsPerCommit) {
      commits.emplace_back().partition = partition;
      rows = 0;
    }
    commits.back().batch.push_back(
        {PostingKey(ValueHash(key, place.second, value), first_), EncodePostings(first_, indices)});
    ++rows;
  }
}

std::vector<storage::CommitRequest> IndexRun::Commits(const absl::flat_hash_set<std::string>& known) const {
  std::vector<storage::CommitRequest> commits;
  storage::CommitRequest catalogue;
  catalogue.partition = {storage::PartitionKind::kIndexBucket, IndexMeta(key_)};
  for (const auto& [place, postings] : postings_) {
    std::string row = CatalogKey(generation_, place.first, place.second, segment());
    if (known.count(row) == 0) {
      catalogue.batch.push_back(
          {std::move(row),
           EncodeCatalogValue(IndexPartition(KeyOf(place.first), generation_, place.second, segment()))});
    }
  }
  if (!catalogue.batch.empty()) {
    commits.push_back(std::move(catalogue));
  }
  for (const auto& [place, postings] : postings_) {
    AddCommits(place, postings, commits);
  }
  return commits;
}

}  // namespace relais::audit::internal
