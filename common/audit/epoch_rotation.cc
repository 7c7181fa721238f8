#include "common/audit/epoch_rotation.h"

#include <set>
#include <utility>

#include "common/audit/leaf_search.h"
#include "common/audit/meta_rows.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {

using storage::LogTable;

constexpr char kEpochKey[] = "audit-epoch";
constexpr size_t kKeySize = 32;
constexpr size_t kRowsAtOnce = 500;
constexpr size_t kErasuresPerLeaf = 500;
constexpr int kMostPasses = 5;

std::vector<storage::LeafDraft> One(storage::LeafDraft draft) {
  std::vector<storage::LeafDraft> drafts;
  drafts.push_back(std::move(draft));
  return drafts;
}

}  // namespace

absl::StatusOr<bool> EpochRotation::UnderWay(const storage::Store& store) {
  ASSIGN_OR_RETURN(const auto state, ReadMeta<audit::v1::StoredRotation>(store, kRotationKey));
  return !state.event_id().empty();
}

Task<absl::StatusOr<storage::CommitResult>> EpochRotation::Commit(std::vector<storage::LeafDraft> drafts) {
  storage::CommitRequest commit;
  commit.partition = partition_;
  commit.leaves = std::move(drafts);
  absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  co_return done;
}

Task<absl::StatusOr<uint64_t>> EpochRotation::Run() {
  co_await ResumeOn(executor_);
  CO_ASSIGN_OR_RETURN(state_, ReadMeta<audit::v1::StoredRotation>(store_, kRotationKey));
  if (state_.log_size() != 0) {  // said already
    CO_ASSIGN_OR_RETURN(const Id128 event, Id128::FromBytes(state_.event_id()));
    CO_ASSIGN_OR_RETURN(const uint64_t said,
                        FindLeaf(log_, state_.log_size() - 1, audit::v1::EVENT_CLASS_EPOCH_ROTATED, event));
    const absl::Status finished = co_await Finish(said);
    CO_RETURN_IF_ERROR(finished);
    co_return said;
  }
  if (state_.event_id().empty()) {
    const absl::Status begun = co_await Begin();
    CO_RETURN_IF_ERROR(begun);
  }
  CO_RETURN_IF_ERROR(TakeNextEpoch());
  const absl::Status wrapped = co_await WrapAnew();
  CO_RETURN_IF_ERROR(wrapped);
  CO_RETURN_IF_ERROR(store_.Compact());
  CO_RETURN_IF_ERROR(DestroyOld());
  absl::StatusOr<uint64_t> first = co_await Say();
  CO_RETURN_IF_ERROR(first.status());
  const absl::Status finished = co_await Finish(*first);
  CO_RETURN_IF_ERROR(finished);
  co_return first;
}

Task<absl::Status> EpochRotation::Begin() {
  state_.set_event_id(random_.Id().ToBytes());
  state_.set_from(log_.keys().epoch());
  std::vector<storage::LogRow> rows;
  rows.push_back(MetaRow(std::string(kRotationKey), state_));
  const absl::StatusOr<storage::CommitResult> begun = co_await Commit(One(RowsOnly(std::move(rows))));
  co_return begun.status();
}

absl::Status EpochRotation::TakeNextEpoch() {
  ASSIGN_OR_RETURN(uint32_t latest, ring_.Latest(kEpochKey));
  if (latest == state_.from()) {
    ASSIGN_OR_RETURN(latest, ring_.Add(kEpochKey, Secret(random_.Bytes(kKeySize))));
  }
  state_.set_to(latest);
  return log_.keys().UseEpoch(latest);
}

Task<absl::Status> EpochRotation::WrapAnew() {
  // What was staged before the new epoch was in use is visible after this.
  std::vector<storage::LeafDraft> none;
  const absl::StatusOr<storage::CommitResult> barrier = co_await Commit(std::move(none));
  CO_RETURN_IF_ERROR(barrier.status());
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const absl::StatusOr<Pass> made = co_await OnePass();
    CO_RETURN_IF_ERROR(made.status());
    if (made->renewed == 0) {
      state_.set_survivors(made->survivors);
      co_return absl::OkStatus();
    }
  }
  co_return absl::InternalError("keys of the old epoch keep coming");
}

Task<absl::StatusOr<EpochRotation::Pass>> EpochRotation::OnePass() {
  Pass pass;
  std::string from;
  for (;;) {
    co_await ResumeOn(executor_);
    if (stopping_) {
      co_return absl::UnavailableError("the service is stopping");
    }
    CO_ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> entries,
                        store_.LogScan(LogTable::kSubjectKeys, "", from, kRowsAtOnce));
    if (entries.empty()) {
      co_return pass;
    }
    std::vector<storage::LogRow> rows;
    for (const storage::Store::LogEntry& entry : entries) {
      from = entry.key + '\0';
      pass.survivors += SubjectKeys::IsTombstone(entry.value) ? 0 : 1;
      CO_ASSIGN_OR_RETURN(std::optional<std::string> renewed, log_.keys().Renewed(entry.key, entry.value));
      if (renewed.has_value()) {
        rows.push_back({LogTable::kSubjectKeys, entry.key, std::move(*renewed)});
      }
    }
    if (!rows.empty()) {
      pass.renewed += rows.size();
      const absl::StatusOr<storage::CommitResult> done = co_await Commit(One(RowsOnly(std::move(rows))));
      CO_RETURN_IF_ERROR(done.status());
    }
  }
}

// The old one even when the ring does not list it: an earlier try may have destroyed it there and not in its
// copy, which NOT_FOUND alone says.
absl::Status EpochRotation::DestroyOld() {
  std::set<uint32_t> going = {state_.from()};
  for (const crypto::KeyVersion& key : ring_.List()) {
    if (key.name == kEpochKey && key.version < state_.to()) {
      going.insert(key.version);
    }
  }
  for (const uint32_t version : going) {
    if (const absl::Status destroyed = ring_.Destroy(kEpochKey, version); !absl::IsNotFound(destroyed)) {
      RETURN_IF_ERROR(destroyed);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<audit::v1::StoredErasure>> EpochRotation::Ended(uint64_t said_from) const {
  std::vector<audit::v1::StoredErasure> ended;
  std::string from;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                     store_.LogScan(LogTable::kMeta, kErasedPrefix, from, kRowsAtOnce));
    if (rows.empty()) {
      return ended;
    }
    for (const storage::Store::LogEntry& row : rows) {
      from = row.key + '\0';
      audit::v1::StoredErasure stored;
      if (!stored.ParseFromString(row.value)) {
        return absl::DataLossError("log: a meta row does not parse");
      }
      if ((stored.epoch_leaf() == 0 || stored.epoch_leaf() > said_from) && stored.epoch() <= state_.from()) {
        ended.push_back(std::move(stored));
      }
    }
  }
}

Task<absl::StatusOr<uint64_t>> EpochRotation::Say() {
  CO_ASSIGN_OR_RETURN(const std::vector<audit::v1::StoredErasure> ended, Ended(UINT64_MAX));
  std::vector<storage::LeafDraft> drafts;
  size_t next = 0;
  do {
    audit::v1::EpochRotated payload;
    payload.set_destroyed_epoch(state_.from());
    payload.set_epoch(state_.to());
    payload.set_survivors(state_.survivors());
    for (; next < ended.size() && payload.erasure_ids_size() < static_cast<int>(kErasuresPerLeaf); ++next) {
      CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(ended[next].erasure_id()));
      payload.add_erasure_ids(id.ToHex());
    }
    Event event = event_;
    CO_ASSIGN_OR_RETURN(event.event_id, Id128::FromBytes(state_.event_id()));
    event.details.mutable_payload()->PackFrom(payload);
    CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, log_.Draft(event));
    drafts.push_back(std::move(draft));
  } while (next < ended.size());
  state_.set_log_size(log_.state().size + 1);
  drafts.back().rows.push_back(MetaRow(std::string(kRotationKey), state_));
  const absl::StatusOr<storage::CommitResult> said = co_await Commit(std::move(drafts));
  CO_RETURN_IF_ERROR(said.status());
  co_return said->leaves.first;
}

Task<absl::Status> EpochRotation::Finish(uint64_t first_leaf) {
  // In the order in which Say wrote them down, those that an earlier try reached included.
  CO_ASSIGN_OR_RETURN(std::vector<audit::v1::StoredErasure> ended, Ended(first_leaf));
  std::vector<storage::LogRow> rows;
  for (size_t i = 0; i < ended.size(); ++i) {
    ended[i].set_epoch_leaf(first_leaf + i / kErasuresPerLeaf + 1);
    rows.push_back(MetaRow(MetaKey(kErasedPrefix, ended[i].erasure_id()), ended[i]));
  }
  for (size_t at = 0; at < rows.size(); at += kRowsAtOnce) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(at + kRowsAtOnce, rows.size()));
    std::vector<storage::LogRow> some(begin, end);
    const absl::StatusOr<storage::CommitResult> done = co_await Commit(One(RowsOnly(std::move(some))));
    CO_RETURN_IF_ERROR(done.status());
  }
  std::vector<storage::LogRow> last;
  last.push_back(MetaRow(std::string(kRotationKey), std::nullopt));
  const absl::StatusOr<storage::CommitResult> finished = co_await Commit(One(RowsOnly(std::move(last))));
  co_return finished.status();
}

}  // namespace relais::audit::internal
