#include "common/audit/index_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {
constexpr size_t kRowsPerCommit = 1000;
}  // namespace

uint64_t IndexRun::limit() const { return std::min(first_ + kRunLeaves, (segment() + 1) * kSegmentLeaves); }

void IndexRun::Note(Dimensions& postings, Dimension dimension, std::string_view value, uint64_t index) {
  Postings& values = postings.at(static_cast<size_t>(dimension));
  // absl's own string_view: as it is packaged it is another type than the standard's.
  auto at = values.find(absl::string_view(value.data(), value.size()));
  if (at == values.end()) {
    at = values.try_emplace(std::string(value)).first;
  }
  at->second.push_back(index);
}

absl::StatusOr<IndexRun::Month*> IndexRun::MonthOf(absl::Time time) {
  auto at = months_.upper_bound(time);
  if (at == months_.begin() || time >= (--at)->second.end) {
    absl::StatusOr<Secret> key = log_.DeriveMonthKey(time, kIndexKeyInfo);
    if (!key.ok() && !absl::IsNotFound(key.status())) {
      return key.status();
    }
    const absl::CivilMonth month = absl::ToCivilMonth(time, absl::UTCTimeZone());
    Month made;
    made.name = MonthName(time);
    made.end = absl::FromCivil(month + 1, absl::UTCTimeZone());
    made.key = key.ok() ? *std::move(key) : Secret();
    at = months_.emplace(absl::FromCivil(month, absl::UTCTimeZone()), std::move(made)).first;
  }
  return at->second.key.empty() ? nullptr : &at->second;
}

absl::Status IndexRun::AddActor(const LeafForIndex& leaf) {
  if (leaf.actor == nullptr) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Month* const month, MonthOf(leaf.actor->month));
  if (month == nullptr) {
    return absl::OkStatus();  // destroyed since
  }
  VisitActorValues(leaf.leaf->header.institution(), leaf.actor->agent, leaf.actor->certificate,
                   [&](Dimension dimension, std::string_view value) {
                     Note(month->postings, dimension, value, leaf.index);
                   });
  return absl::OkStatus();
}

absl::Status IndexRun::Add(const LeafForIndex& leaf) {
  if (leaf.index != next_ || leaf.index >= limit()) {
    return absl::InternalError("index: a run of leaves with a gap");
  }
  const DraftedLeaf& said = *leaf.leaf;
  VisitValues(said.header, said.details, [&](Dimension dimension, std::string_view value) {
    Note(postings_, dimension, value, leaf.index);
  });
  RETURN_IF_ERROR(AddActor(leaf));
  if (said.header.event_class() == audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED) {
    audit::v1::MonthKeyDestroyed destroyed;
    if (said.details.payload().UnpackTo(&destroyed)) {
      destroyed_.insert(destroyed.month());
    }
  }
  ++next_;
  return absl::OkStatus();
}

template <typename Use>
void IndexRun::ForEach(const Use& use) const {
  const auto each = [&use](const std::string& month, const Secret& key, const Dimensions& postings) {
    for (size_t i = 0; i < postings.size(); ++i) {
      if (!postings[i].empty()) {
        use(month, key, static_cast<Dimension>(i), postings[i]);
      }
    }
  };
  each("", key_, postings_);
  for (const auto& [begin, month] : months_) {
    each(month.name, month.key, month.postings);
  }
}

std::vector<std::string> IndexRun::Catalogued() const {
  std::vector<std::string> keys;
  ForEach([&](const std::string& month, const Secret& /*key*/, Dimension dimension,
              const Postings& /*postings*/) {
    keys.push_back(CatalogKey(generation_, month, dimension, segment()));
  });
  return keys;
}

void IndexRun::AddCommits(const Secret& key, Dimension dimension, const Postings& postings,
                          std::vector<storage::CommitRequest>& commits) const {
  const storage::Partition partition{storage::PartitionKind::kIndexBucket,
                                     IndexPartition(key, generation_, dimension, segment())};
  size_t rows = kRowsPerCommit;
  for (const auto& [value, indices] : postings) {
    if (rows == kRowsPerCommit) {
      commits.emplace_back().partition = partition;
      rows = 0;
    }
    commits.back().batch.push_back(
        {PostingKey(ValueHash(key, dimension, value), first_), EncodePostings(first_, indices)});
    ++rows;
  }
}

std::vector<storage::CommitRequest> IndexRun::Commits(const absl::flat_hash_set<std::string>& known) const {
  std::vector<storage::CommitRequest> commits;
  storage::CommitRequest catalogue;
  catalogue.partition = {storage::PartitionKind::kIndexBucket, IndexMeta(key_)};
  ForEach(
      [&](const std::string& month, const Secret& key, Dimension dimension, const Postings& /*postings*/) {
        std::string row = CatalogKey(generation_, month, dimension, segment());
        if (known.count(row) == 0) {
          catalogue.batch.push_back(
              {std::move(row), EncodeCatalogValue(IndexPartition(key, generation_, dimension, segment()))});
        }
      });
  if (!catalogue.batch.empty()) {
    commits.push_back(std::move(catalogue));
  }
  ForEach([&](const std::string& /*month*/, const Secret& key, Dimension dimension,
              const Postings& postings) { AddCommits(key, dimension, postings, commits); });
  return commits;
}

}  // namespace relais::audit::internal
