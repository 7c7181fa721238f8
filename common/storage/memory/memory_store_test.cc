#include "common/storage/memory/memory_store.h"

#include <gmock/gmock.h>

#include "common/base/testing/sim_executor.h"
#include "common/storage/testing/store_conformance.h"

namespace relais::storage {
namespace {

using testing::CountingSequencer;
using ::testing::ElementsAre;
using testing::MakePartition;
using testing::Put;
using testing::WithLeaf;

class MemoryBackend final : public testing::Backend {
 public:
  explicit MemoryBackend(bool delay) : delay_(delay) {}

  void Open() override {
    sequencer_ = std::make_unique<CountingSequencer>();
    MemoryStore::Options options;
    if (delay_) {
      options.commit_delay = [n = std::make_shared<std::atomic<int>>(0)] {
        return absl::Microseconds((*n)++ % 3 * 100);
      };
    }
    store_ = std::make_unique<MemoryStore>(disk_, pool_, *sequencer_, std::move(options));
    ASSERT_TRUE(sequencer_->Restore(*store_).ok());
  }
  void Reopen() override {
    store_->Kill();
    Open();
  }
  Store& store() override { return *store_; }
  CountingSequencer& sequencer() override { return *sequencer_; }
  Executor& executor() override { return pool_; }
  void Break() override { store_->Kill(); }

 private:
  const bool delay_;
  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<CountingSequencer> sequencer_;
  std::unique_ptr<MemoryStore> store_;
  ThreadPool pool_{2};  // last: runs what is posted before the rest goes
};

}  // namespace

namespace testing {
INSTANTIATE_TEST_SUITE_P(
    Memory, StoreConformance,
    ::testing::Values(Case("AtOnce", [] { return std::make_unique<MemoryBackend>(false); }),
                      Case("Delayed", [] { return std::make_unique<MemoryBackend>(true); })),
    [](const auto& info) { return info.param.name; });
}  // namespace testing

namespace {

const Partition kOne = MakePartition(PartitionKind::kPerson, 1);
const Partition kTwo = MakePartition(PartitionKind::kPerson, 2);

// A simulated process on a disk that outlives it.
struct World {
  explicit World(MemoryStore::Options options = {}) : sim(7, absl::UnixEpoch()) { Boot(std::move(options)); }

  void Boot(MemoryStore::Options options) {
    sequencer = std::make_unique<CountingSequencer>();
    store = std::make_unique<MemoryStore>(disk, sim, *sequencer, std::move(options));
    ASSERT_TRUE(sequencer->Restore(*store).ok());
  }
  // Starts a commit; the returned place is filled once it is answered.
  std::shared_ptr<std::optional<absl::StatusOr<CommitResult>>> Begin(CommitRequest request) {
    auto answer = std::make_shared<std::optional<absl::StatusOr<CommitResult>>>();
    Start(store->Commit(std::move(request)),
          [answer](absl::StatusOr<CommitResult> result) { *answer = std::move(result); });
    return answer;
  }
  [[nodiscard]] bool Has(const Partition& partition) const { return store->Get(partition, "k")->has_value(); }
  [[nodiscard]] size_t Leaves() const { return store->LogScan(LogTable::kLeaves, "", "", 100)->size(); }

  relais::testing::SimExecutor sim;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  std::unique_ptr<CountingSequencer> sequencer;
  std::unique_ptr<MemoryStore> store;
};

TEST(MemoryStore, CommitsTakeTheTimeTheyAreGiven) {
  World world({.commit_delay = [] { return absl::Milliseconds(3); }});
  const auto answer = world.Begin(Put(kOne, "k", "v"));
  world.sim.RunFor(absl::Milliseconds(2));
  EXPECT_FALSE(answer->has_value());
  EXPECT_FALSE(world.Has(kOne));
  world.sim.RunFor(absl::Milliseconds(2));
  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->ok());
}

TEST(MemoryStore, AKilledStoreAnswersPendingCommitsAndLeavesTheDiskAlone) {
  World world({.commit_delay = [] { return absl::Milliseconds(3); }});
  const auto answer = world.Begin(WithLeaf(Put(kOne, "k", "v"), "leaf"));
  world.store->Kill();
  EXPECT_EQ(world.store->failure().message(), "store is closed");
  world.sim.RunFor(absl::Seconds(1));
  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*answer)->status()));
  EXPECT_EQ((*answer)->status().message(), "store is closed");
  const auto later = world.Begin(Put(kOne, "k", "v"));
  ASSERT_TRUE(later->has_value()) << "answered at once";
  EXPECT_TRUE(absl::IsUnavailable((*later)->status()));
  EXPECT_EQ(world.sequencer->counts().staged, 0);
  world.Boot({});
  EXPECT_FALSE(world.Has(kOne));
  EXPECT_EQ(world.Leaves(), 0);
}

TEST(MemoryStore, AKillBetweenCommitAndAnswerIsAppliedButNotAcknowledged) {
  World world;
  const auto answer = world.Begin(WithLeaf(Put(kOne, "k", "v"), "leaf"));
  ASSERT_TRUE(world.sim.RunUntil([&] { return world.disk->last_version() == 1; }, absl::Seconds(1)));
  EXPECT_FALSE(answer->has_value());
  world.store->Kill();
  world.sim.RunFor(absl::Seconds(1));
  EXPECT_TRUE(absl::IsUnavailable((*answer)->status()));
  world.Boot({});
  EXPECT_TRUE(world.Has(kOne));
  EXPECT_EQ(world.Leaves(), 1);
}

TEST(MemoryStore, ADestroyedStoreStillAnswersWhatWasPending) {
  World world;
  const auto answer = world.Begin(Put(kOne, "k", "v"));
  world.store.reset();
  world.sim.RunFor(absl::Seconds(1));
  EXPECT_TRUE(absl::IsUnavailable((*answer)->status()));
}

// Two commits in one call, a crash at each of the four steps: each commit is there with its leaf or not at
// all, and the order of the commits is the order of what survives.
TEST(MemoryStore, ACrashAtAnyStepKeepsBatchAndLeafTogether) {
  const std::vector<std::pair<bool, bool>> survivors = {
      {false, false}, {true, false}, {true, false}, {true, true}, {true, true}};
  for (uint64_t step = 0; step < survivors.size(); ++step) {
    SCOPED_TRACE(step);
    World world({.crash_at = [step](uint64_t s) { return s == step; }, .strict = true});
    std::vector<absl::StatusOr<CommitResult>> answers;
    std::vector<CommitRequest> requests = {WithLeaf(Put(kOne, "k", "v"), "1"),
                                           WithLeaf(Put(kTwo, "k", "v"), "2")};
    Start(world.store->CommitAll(std::move(requests)),
          [&](std::vector<absl::StatusOr<CommitResult>> results) { answers = std::move(results); });
    world.sim.RunFor(absl::Seconds(1));
    ASSERT_EQ(answers.size(), 2);
    const bool crashed = step < 4;
    EXPECT_EQ(answers[0].ok(), !crashed);
    EXPECT_EQ(answers[1].ok(), !crashed);
    EXPECT_EQ(world.sequencer->counts().committed, crashed ? 0 : 1);
    world.Boot({});
    EXPECT_EQ(world.Has(kOne), survivors[step].first);
    EXPECT_EQ(world.Has(kTwo), survivors[step].second);
    EXPECT_EQ(world.Leaves(), world.Has(kOne) + world.Has(kTwo));
  }
}

TEST(MemoryStore, AReaderNeverSeesAnUndecidedGroup) {
  // The sequencer is called while the group is being decided: whatever it reads is what was committed before.
  class Reader final : public Sequencer {
   public:
    LeafRange Stage(std::vector<LeafDraft> /*leaves*/, std::vector<LogRow>& /*rows*/) override {
      seen.push_back(store->Get(kOne, "k")->has_value());
      return {};
    }
    void Committed() override { seen.push_back(store->Get(kOne, "k")->has_value()); }
    void Abandoned() override {}
    MemoryStore* store = nullptr;
    std::vector<bool> seen;
  };
  relais::testing::SimExecutor sim(1, absl::UnixEpoch());
  Reader reader;
  MemoryStore store(std::make_shared<MemoryDisk>(), sim, reader, {});
  reader.store = &store;
  Start(store.CommitAll({Put(kOne, "k", "1"), Put(kOne, "k", "2")}), [](auto) {});
  sim.RunFor(absl::Seconds(1));
  EXPECT_THAT(reader.seen, ElementsAre(false, false, true));
}

TEST(MemoryStore, TheSameSeedGivesTheSameOrder) {
  const auto run = [](uint64_t seed) {
    relais::testing::SimExecutor sim(seed, absl::UnixEpoch());
    CountingSequencer sequencer;
    MemoryStore store(std::make_shared<MemoryDisk>(), sim, sequencer, {});
    for (int i = 0; i < 20; ++i) {
      Start(store.Commit(WithLeaf({.partition = kOne}, std::to_string(i))), [](auto) {});
    }
    sim.RunFor(absl::Seconds(1));
    std::string order;
    const auto rows = store.LogScan(LogTable::kLeaves, "", "", 100);
    for (const Store::LogEntry& row : *rows) {
      order += row.value + " ";
    }
    return order;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(MemoryStore, ACloneOfTheDiskGoesItsOwnWay) {
  World world;
  world.Begin(WithLeaf(Put(kOne, "k", "v"), "leaf"));
  world.sim.RunFor(absl::Seconds(1));
  const std::shared_ptr<MemoryDisk> backup = world.disk->Clone();
  world.Begin(WithLeaf(Put(kTwo, "k", "v"), "leaf"));
  world.sim.RunFor(absl::Seconds(1));
  EXPECT_EQ(world.Leaves(), 2);
  world.disk = backup;
  world.Boot({});
  EXPECT_TRUE(world.Has(kOne));
  EXPECT_FALSE(world.Has(kTwo));
  EXPECT_EQ(world.Leaves(), 1);
}

class BrokenSequencer final : public Sequencer {
 public:
  explicit BrokenSequencer(std::vector<LogRow> rows) : rows_(std::move(rows)) {}
  LeafRange Stage(std::vector<LeafDraft> leaves, std::vector<LogRow>& rows) override {
    rows.insert(rows.end(), rows_.begin(), rows_.end());
    return {.first = 0, .count = leaves.size(), .tree_size = leaves.size()};  // forgets what came before
  }
  void Committed() override {}
  void Abandoned() override {}

 private:
  const std::vector<LogRow> rows_;
};

void CommitStrictly(Sequencer& sequencer, std::vector<CommitRequest> requests) {
  relais::testing::SimExecutor sim(1, absl::UnixEpoch());
  MemoryStore store(std::make_shared<MemoryDisk>(), sim, sequencer, {.strict = true});
  Start(store.CommitAll(std::move(requests)), [](auto) {});
  sim.RunFor(absl::Seconds(1));
}

TEST(MemoryStoreDeathTest, StrictModeAbortsOnABrokenContract) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  CountingSequencer counting;
  CommitStrictly(counting, {WithLeaf(Put(kOne, "k", "v"), "leaf")});  // and lets a good one through
  EXPECT_DEATH(CommitStrictly(counting, {Put(kOne, "", "v")}), "a key is not 1 to 512 bytes");
  CommitRequest twice = Put(kOne, "k", "v");
  twice.batch.push_back(twice.batch.front());
  EXPECT_DEATH(CommitStrictly(counting, {twice}), "named twice");
  BrokenSequencer forgetful({});
  EXPECT_DEATH(
      CommitStrictly(forgetful, {WithLeaf(Put(kOne, "a", "v"), "1"), WithLeaf(Put(kOne, "b", "v"), "2")}),
      "places are not consecutive");
  BrokenSequencer stray({{.table = static_cast<LogTable>(kLogTables), .key = "k", .value = "v"}});
  EXPECT_DEATH(CommitStrictly(stray, {Put(kOne, "a", "v")}), "outside the log's tables");
}

}  // namespace
}  // namespace relais::storage
