#include "common/audit/index.h"

#include <algorithm>
#include <utility>

#include "absl/time/civil_time.h"
#include "common/audit/big_endian.h"
#include "common/audit/index_core.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

using internal::IndexCore;
using internal::IndexCorePtr;
using internal::Waiters;

constexpr size_t kRowsAtOnce = 1000;
// A leaf is drafted a moment before it gets its time, in the month before perhaps.
constexpr absl::Duration kDraftAge = absl::Hours(1);
// Fewer candidates than this are looked at sooner than another value is looked up.
constexpr size_t kFewCandidates = 2;

Task<bool> WaitIndexedIn(IndexCorePtr core, uint64_t size, absl::Duration wait) {
  const Waiters::Ticket ticket(core->indexed_waiters, size);
  if (core->indexed < size && !core->stopping) {
    const OneShot<bool> woken = ticket.Wait(wait);
    co_await woken;
  }
  co_return core->indexed >= size;
}

Task<bool> StopIn(IndexCorePtr core) {
  core->stopping = true;
  core->ended->WakeAll();
  core->indexed_waiters->WakeAll();
  while (true) {
    const Waiters::Ticket ticket(core->idle);
    if (!core->running) {
      co_return true;
    }
    const OneShot<bool> woken = ticket.Wait(absl::Seconds(1));
    co_await woken;
  }
}

absl::StatusOr<absl::Time> TimeOf(Log& log, uint64_t index) {
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, log.ReadLeaves(index, 1));
  if (leaves.empty()) {
    return absl::DataLossError("index: a leaf that was indexed is not in the log");
  }
  ASSIGN_OR_RETURN(const Leaf leaf, ParseLeaf(leaves[0]));
  return leaf.time;
}

// The keys of the months in which leaves [first, end) were sealed, as far as they are not destroyed.
absl::StatusOr<std::vector<Secret>> MonthKeysOf(Log& log, uint64_t first, uint64_t end) {
  ASSIGN_OR_RETURN(const absl::Time from, TimeOf(log, first));
  ASSIGN_OR_RETURN(const absl::Time to, TimeOf(log, end - 1));
  std::vector<Secret> keys;
  const absl::CivilMonth last = absl::ToCivilMonth(to, absl::UTCTimeZone());
  for (auto month = absl::ToCivilMonth(from - kDraftAge, absl::UTCTimeZone()); month <= last; ++month) {
    absl::StatusOr<Secret> key =
        log.DeriveMonthKey(absl::FromCivil(month, absl::UTCTimeZone()), internal::kIndexKeyInfo);
    if (key.ok()) {
      keys.push_back(*std::move(key));
    } else if (!absl::IsNotFound(key.status())) {
      return key.status();
    }
  }
  return keys;
}

// Smaller: fewer leaves are likely to have one value of it.
int Commonness(Dimension dimension) {
  constexpr Dimension kRarestFirst[] = {
      Dimension::kAgent,     Dimension::kCertificate, Dimension::kDenialReason,
      Dimension::kRecipient, Dimension::kInstitution, Dimension::kEventClass,
      Dimension::kPurpose,   Dimension::kCategory,    Dimension::kGround,
      Dimension::kRelation,  Dimension::kDecision,    Dimension::kDirectoryVersion};
  return static_cast<int>(std::find(std::begin(kRarestFirst), std::end(kRarestFirst), dimension) -
                          std::begin(kRarestFirst));
}

// One look into one segment.
class SegmentReader {
 public:
  SegmentReader(const IndexCore& core, uint64_t segment, uint64_t end)
      : core_(core), generation_(core.generation), segment_(segment), end_(end) {}

  // Ascending, each once, below the end.
  absl::StatusOr<std::vector<uint64_t>> Have(const Index::AnyOf& any) {
    std::vector<uint64_t> indices;
    for (const IndexedValue& value : any) {
      RETURN_IF_ERROR(Append(value, indices));
    }
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    indices.erase(std::lower_bound(indices.begin(), indices.end(), end_), indices.end());
    return indices;
  }

 private:
  absl::Status Append(const IndexedValue& value, std::vector<uint64_t>& indices) {
    if (!internal::IsMonthly(value.dimension)) {
      return AppendUnder(core_.key, value, indices);
    }
    if (!months_read_) {
      ASSIGN_OR_RETURN(months_, MonthKeysOf(core_.log, segment_ * Index::kSegment, end_));
      months_read_ = true;
    }
    for (const Secret& key : months_) {
      RETURN_IF_ERROR(AppendUnder(key, value, indices));
    }
    return absl::OkStatus();
  }

  absl::Status AppendUnder(const Secret& key, const IndexedValue& value,
                           std::vector<uint64_t>& indices) const {
    const storage::Partition partition{storage::PartitionKind::kIndexBucket,
                                       internal::IndexPartition(key, generation_, value.dimension, segment_)};
    const std::string prefix = internal::ValueHash(key, value.dimension, value.value);
    std::string from;
    do {
      ASSIGN_OR_RETURN(const storage::Page page, core_.store.Scan(partition, prefix, from, kRowsAtOnce));
      for (const storage::KeyedEntry& entry : page.entries) {
        if (entry.key.size() != prefix.size() + sizeof(uint64_t)) {
          return absl::DataLossError("index: malformed key");
        }
        const uint64_t first = ReadBigEndian64(std::string_view(entry.key).substr(prefix.size()));
        RETURN_IF_ERROR(internal::DecodePostings(first, entry.entry.value, indices));
      }
      from = page.next;
    } while (!from.empty());
    return absl::OkStatus();
  }

  const IndexCore& core_;
  const uint32_t generation_;
  const uint64_t segment_;
  const uint64_t end_;
  bool months_read_ = false;
  std::vector<Secret> months_;
};

}  // namespace

Index::Index(Log& log, storage::Store& store, Executor& executor)
    : core_(std::make_shared<IndexCore>(log, store, executor)) {}

Index::~Index() {
  core_->stopping = true;
  core_->ended->WakeAll();
}

void Index::Start(bool rebuild) {
  core_->running = true;
  Spawn(core_->executor, internal::FollowForIndex(core_, rebuild));
}

Task<bool> Index::Stop() { return StopIn(core_); }
uint64_t Index::indexed() const { return core_->indexed; }
Task<bool> Index::WaitIndexed(uint64_t size, absl::Duration wait) { return WaitIndexedIn(core_, size, wait); }

absl::StatusOr<std::vector<uint64_t>> Index::Find(uint64_t segment, const std::vector<AnyOf>& all) const {
  const uint64_t first = segment * kSegment;
  const uint64_t end = std::min<uint64_t>(core_->indexed, first + kSegment);
  std::vector<uint64_t> found;
  if (end <= first || all.empty()) {
    return found;
  }
  std::vector<const AnyOf*> order;
  order.reserve(all.size());
  for (const AnyOf& any : all) {
    order.push_back(&any);
  }
  std::sort(order.begin(), order.end(), [](const AnyOf* a, const AnyOf* b) {
    return Commonness(a->front().dimension) < Commonness(b->front().dimension);
  });
  SegmentReader reader(*core_, segment, end);
  for (size_t i = 0; i < order.size() && (i == 0 || found.size() > kFewCandidates); ++i) {
    ASSIGN_OR_RETURN(std::vector<uint64_t> have, reader.Have(*order[i]));
    if (i == 0) {
      found = std::move(have);
      continue;
    }
    std::vector<uint64_t> both;
    std::set_intersection(found.begin(), found.end(), have.begin(), have.end(), std::back_inserter(both));
    found = std::move(both);
  }
  return found;
}

}  // namespace relais::audit
