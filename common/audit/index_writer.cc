#include <algorithm>
#include <utility>

#include "common/audit/index_core.h"
#include "common/audit/index_run.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {

constexpr absl::Duration kIdle = absl::Milliseconds(250);
// What comes in this time is indexed together: fewer rows, fewer commits.
constexpr absl::Duration kGather = absl::Milliseconds(100);
constexpr absl::Duration kRetry = absl::Milliseconds(200);
constexpr size_t kReadAtOnce = 256;
constexpr size_t kRowsAtOnce = 1000;
constexpr int kFailuresBeforeWarning = 5;

Task<void> Pause(IndexCorePtr core, absl::Duration delay) {
  const Waiters::Ticket ticket(core->ended);
  if (core->stopping) {
    co_return;
  }
  const OneShot<bool> woken = ticket.Wait(delay);
  co_await woken;
}

Task<absl::Status> CommitInOrder(IndexCorePtr core, std::vector<storage::CommitRequest> commits) {
  const std::vector<absl::StatusOr<storage::CommitResult>> results =
      co_await core->store.CommitAll(std::move(commits));
  for (const absl::StatusOr<storage::CommitResult>& result : results) {
    CO_RETURN_IF_ERROR(result.status());
  }
  co_return absl::OkStatus();
}

storage::CommitRequest StateCommit(const IndexCore& core, uint64_t indexed) {
  storage::CommitRequest commit;
  commit.partition = core.meta();
  commit.batch.push_back({std::string(kIndexStateKey), EncodeIndexState({core.generation, indexed})});
  return commit;
}

Task<absl::Status> Commit(IndexCorePtr core, storage::CommitRequest commit) {
  const absl::StatusOr<storage::CommitResult> result = co_await core->store.Commit(std::move(commit));
  co_return result.status();
}

// Removes every row of a partition.
Task<absl::Status> EmptyPartition(IndexCorePtr core, storage::Partition partition) {
  while (!core->stopping) {
    CO_ASSIGN_OR_RETURN(const storage::Page page, core->store.Scan(partition, "", "", kRowsAtOnce));
    if (page.entries.empty()) {
      co_return absl::OkStatus();
    }
    storage::CommitRequest commit;
    commit.partition = partition;
    for (const storage::KeyedEntry& entry : page.entries) {
      commit.batch.push_back({entry.key, std::nullopt});
    }
    const absl::Status status = co_await Commit(core, std::move(commit));
    CO_RETURN_IF_ERROR(status);
  }
  co_return absl::UnavailableError("stopping");
}

// Removes the partitions listed under `prefix`, but those listed under `kept`.
Task<absl::Status> DropListed(IndexCorePtr core, std::string prefix, std::string kept) {
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page, core->store.Scan(core->meta(), prefix, from, kRowsAtOnce));
    for (const storage::KeyedEntry& entry : page.entries) {
      if (!kept.empty() && entry.key.compare(0, kept.size(), kept) == 0) {
        continue;
      }
      CO_ASSIGN_OR_RETURN(const Id128 id, DecodeCatalogValue(entry.entry.value));
      const storage::Partition partition{storage::PartitionKind::kIndexBucket, id};
      const absl::Status emptied = co_await EmptyPartition(core, partition);
      CO_RETURN_IF_ERROR(emptied);
      storage::CommitRequest forget;
      forget.partition = core->meta();
      forget.batch.push_back({entry.key, std::nullopt});
      const absl::Status forgotten = co_await Commit(core, std::move(forget));
      CO_RETURN_IF_ERROR(forgotten);
      core->catalogued.erase(entry.key);
    }
    from = page.next;
  } while (!from.empty());
  co_return absl::OkStatus();
}

absl::Status ReadCatalogue(IndexCore& core) {
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     core.store.Scan(core.meta(), CatalogPrefix(core.generation), from, kRowsAtOnce));
    for (const storage::KeyedEntry& entry : page.entries) {
      core.catalogued.insert(entry.key);
    }
    from = page.next;
  } while (!from.empty());
  return absl::OkStatus();
}

// Where following goes on. What a former generation wrote is removed, also when that was interrupted.
Task<absl::Status> Open(IndexCorePtr core, bool rebuild) {
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                      core->store.Get(core->meta(), kIndexStateKey));
  IndexState state;
  if (entry.has_value()) {
    CO_ASSIGN_OR_RETURN(state, DecodeIndexState(entry->value));
  }
  if (state.indexed > core->log.state().size) {
    log::Warn("the indexes know more leaves than the log has: they are made anew",
              {log::Field::Count("indexed", static_cast<int64_t>(state.indexed))});
    rebuild = true;
  }
  if (rebuild && entry.has_value()) {
    core->generation = state.generation + 1;
    storage::CommitRequest begin = StateCommit(*core, 0);
    const absl::Status begun = co_await Commit(core, std::move(begin));
    CO_RETURN_IF_ERROR(begun);
    state = {core->generation, 0};
  }
  core->generation = state.generation;
  core->indexed = state.indexed;
  core->indexed_waiters->Wake(state.indexed);
  CO_RETURN_IF_ERROR(ReadCatalogue(*core));
  const absl::Status dropped =
      co_await DropListed(core, std::string(kCatalogPrefix), CatalogPrefix(core->generation));
  co_return dropped;
}

Task<absl::Status> Write(IndexCorePtr core, const IndexRun& run) {
  std::vector<storage::CommitRequest> commits = run.Commits(core->catalogued);
  const bool drops = !run.destroyed_months().empty();
  if (!drops) {
    commits.push_back(StateCommit(*core, run.next()));
  }
  const absl::Status rows = co_await CommitInOrder(core, std::move(commits));
  CO_RETURN_IF_ERROR(rows);
  for (std::string& key : run.Catalogued()) {
    core->catalogued.insert(std::move(key));
  }
  for (const std::string& month : run.destroyed_months()) {
    const absl::Status dropped = co_await DropListed(core, CatalogPrefix(core->generation, month), "");
    CO_RETURN_IF_ERROR(dropped);
  }
  if (drops) {
    storage::CommitRequest end = StateCommit(*core, run.next());
    const absl::Status ended = co_await Commit(core, std::move(end));
    CO_RETURN_IF_ERROR(ended);
  }
  core->indexed = run.next();
  core->indexed_waiters->Wake(run.next());
  co_return absl::OkStatus();
}

Task<absl::Status> IndexSome(IndexCorePtr core) {
  const uint64_t first = core->indexed;
  const uint64_t size = co_await core->log.WaitForGrowth(first, kIdle);
  if (size <= first || core->stopping) {
    co_return absl::OkStatus();
  }
  if (size - first < kRunLeaves) {
    co_await Pause(core, kGather);
  }
  IndexRun run(core->log, core->key, core->generation, first);
  while (run.next() < run.limit() && !core->stopping) {
    co_await ResumeOn(core->executor);
    const size_t room = std::min<uint64_t>(kReadAtOnce, run.limit() - run.next());
    CO_ASSIGN_OR_RETURN(const std::vector<LeafForIndex> leaves, core->log.TakeForIndex(run.next(), room));
    if (leaves.empty()) {
      break;
    }
    for (const LeafForIndex& leaf : leaves) {
      CO_RETURN_IF_ERROR(run.Add(leaf));
    }
  }
  const absl::Status written = co_await Write(core, run);
  co_return written;
}

}  // namespace

Task<void> FollowForIndex(IndexCorePtr core, bool rebuild) {
  bool open = false;
  int failures = 0;
  while (!core->stopping) {
    absl::Status status;
    if (open) {
      status = co_await IndexSome(core);
    } else {
      status = co_await Open(core, rebuild);
      open = status.ok();
    }
    failures = status.ok() ? 0 : failures + 1;
    if (failures == kFailuresBeforeWarning && !core->stopping) {
      log::Warn("the log cannot be indexed now: queries read more", {log::Field::Code(status)});
    }
    if (!status.ok()) {
      co_await Pause(core, kRetry);
    }
  }
  core->running = false;
  core->idle->WakeAll();
}

}  // namespace relais::audit::internal
