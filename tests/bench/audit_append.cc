#include "tests/bench/audit_append.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "tests/bench/audit_world.h"
#include "tests/bench/raw_rocksdb.h"

namespace relais::bench {
namespace {

// One acknowledgement in so many is followed until its leaf is provable.
constexpr uint64_t kFollowed = 20;

struct Shared {
  explicit Shared(AuditWorld& a_world) : world(a_world) {}

  AuditWorld& world;
  uint64_t persons = 1;
  absl::Duration from;  // commits that end in [from, until) count
  absl::Duration until;
  std::atomic<uint64_t> next = 0;
  std::mutex mu;
  absl::Status error;
  std::vector<absl::Duration> commits;
  std::vector<absl::Duration> proofs;

  [[nodiscard]] absl::Duration Now() const { return world.clock().Monotonic(); }
  void Fail(const absl::Status& status) {
    std::lock_guard lock(mu);
    error.Update(status);
  }
  [[nodiscard]] bool failed() {
    std::lock_guard lock(mu);
    return !error.ok();
  }
};

Task<bool> FollowUp(Shared& shared, uint64_t index, absl::Duration acknowledged) {
  const absl::StatusOr<std::string> checkpoint = co_await shared.world.log().Checkpoint(index + 1);
  if (!checkpoint.ok()) {
    shared.Fail(checkpoint.status());
    co_return false;
  }
  const absl::Duration took = shared.Now() - acknowledged;
  std::lock_guard lock(shared.mu);
  shared.proofs.push_back(took);
  co_return true;
}

Task<bool> Append(Shared& shared, std::shared_ptr<std::atomic<int>> following) {
  co_await ResumeOn(shared.world.executor());
  while (shared.Now() < shared.until && !shared.failed()) {
    const uint64_t number = shared.next.fetch_add(1);
    const absl::Duration begin = shared.Now();
    const audit::Event event = CheckEvent(number * 7919 % shared.persons);
    absl::StatusOr<storage::LeafDraft> draft = shared.world.log().Draft(event);
    if (!draft.ok()) {
      shared.Fail(draft.status());
      co_return false;
    }
    storage::CommitRequest commit;
    commit.partition = {storage::PartitionKind::kPerson, event.subject->id};
    commit.leaves.push_back(*std::move(draft));
    const absl::StatusOr<storage::CommitResult> result =
        co_await shared.world.store().Commit(std::move(commit));
    if (!result.ok()) {
      shared.Fail(result.status());
      co_return false;
    }
    const absl::Duration end = shared.Now();
    if (end < shared.from || end >= shared.until) {
      continue;
    }
    if (number % kFollowed == 0) {
      following->fetch_add(1);
      Start(FollowUp(shared, result->leaves.first, end), [following](bool) { following->fetch_sub(1); });
    }
    std::lock_guard lock(shared.mu);
    shared.commits.push_back(end - begin);
  }
  co_return true;
}

absl::Duration Percentile(std::vector<absl::Duration>& values, size_t percent) {
  if (values.empty()) {
    return absl::InfiniteDuration();
  }
  const size_t at = std::min(values.size() - 1, values.size() * percent / 100);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

absl::StatusOr<AppendFigure> Run(const AppendLoad& load) {
  AuditWorldOptions options;
  options.folder = load.folder;
  ASSIGN_OR_RETURN(const std::unique_ptr<AuditWorld> world, AuditWorld::Open(options));
  Shared shared(*world);
  shared.persons = load.persons;
  shared.from = shared.Now() + load.warm_up;
  shared.until = shared.from + load.duration;
  auto following = std::make_shared<std::atomic<int>>(0);
  std::vector<Task<bool>> callers;
  for (int i = 0; i < load.callers; ++i) {
    callers.push_back(Append(shared, following));
  }
  BlockOn(WhenAll(world->executor(), std::move(callers)));
  while (following->load() > 0) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  RETURN_IF_ERROR(shared.error);
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, world->log().ReadLeaves(0, 1));
  AppendFigure figure;
  figure.per_second = static_cast<double>(shared.commits.size()) / absl::ToDoubleSeconds(load.duration);
  figure.p50 = Percentile(shared.commits, 50);
  figure.p99 = Percentile(shared.commits, 99);
  figure.proofs = shared.proofs.size();
  figure.provable_p50 = Percentile(shared.proofs, 50);
  figure.provable_p99 = Percentile(shared.proofs, 99);
  figure.leaf_bytes = leaves.at(0).size();
  return figure;
}

}  // namespace

absl::StatusOr<AppendFigure> MeasureAppends(const AppendLoad& load) {
  std::error_code ignored;
  std::filesystem::remove_all(load.folder, ignored);
  absl::StatusOr<AppendFigure> figure = Run(load);
  std::filesystem::remove_all(load.folder, ignored);
  if (!figure.ok()) {
    return figure;
  }
  RawLoad raw;
  raw.folder = load.folder;
  raw.leaf_bytes = figure->leaf_bytes;
  raw.duration = absl::Seconds(4);
  ASSIGN_OR_RETURN(const RawFigure ceiling, MeasureRaw(raw));
  figure->raw_per_second = ceiling.acts_per_second;
  return figure;
}

}  // namespace relais::bench
