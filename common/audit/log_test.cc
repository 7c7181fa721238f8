#include "common/audit/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/audit/start.h"
#include "common/audit/testing/log_harness.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/verify.h"
#include "common/storage/rocksdb/rocksdb_store.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::audit {
namespace {

using ::testing::ElementsAre;
using testing::HarnessOptions;
using ::testing::HasSubstr;
using testing::LogHarness;
using testing::Person;
using testing::PlainEvent;
using testing::PoolLogHarness;
using testing::SimLogHarness;
using testing::SubjectEvent;

enum class Backend { kMemorySim, kMemoryPool, kRocksDb };

// Every case over every store, and over both executors.
class LogConformanceTest : public ::testing::TestWithParam<Backend> {
 protected:
  LogConformanceTest() {
    HarnessOptions options;
    options.published_path = folder_.path() + "/checkpoint";
    if (GetParam() == Backend::kRocksDb) {
      options.make_store = [this](Executor& executor, storage::Sequencer& sequencer) {
        return Open(executor, sequencer);
      };
    }
    if (GetParam() == Backend::kMemorySim) {
      harness_ = std::make_unique<SimLogHarness>(options);
    } else {
      harness_ = std::make_unique<PoolLogHarness>(options);
    }
  }
  absl::StatusOr<std::unique_ptr<storage::Store>> Open(Executor& executor, storage::Sequencer& sequencer) {
    storage::RocksDbOptions options;
    options.path = folder_.path() + "/store";
    auto store = storage::RocksDbStore::Open(options, executor, sequencer);
    if (!store.ok()) {
      return store.status();
    }
    return std::unique_ptr<storage::Store>(*std::move(store));
  }
  Log& log() { return harness_->log(); }
  void Restart() {
    harness_->Crash();
    const absl::Status status = harness_->Reopen();
    ASSERT_TRUE(status.ok()) << status;
  }
  // The root at every size, computed from the leaves alone.
  std::vector<merkle::Hash> Roots() {
    std::vector<merkle::Hash> roots = {merkle::EmptyRoot()};
    merkle::Frontier tree;
    const auto leaves = log().ReadLeaves(0, 10'000);
    EXPECT_TRUE(leaves.ok()) << leaves.status();
    for (const std::string& leaf : *leaves) {
      tree.Append(merkle::HashLeaf(leaf), nullptr);
      roots.push_back(tree.root());
    }
    return roots;
  }

  storage::testing::TempFolder folder_;
  std::unique_ptr<LogHarness> harness_;
};

std::string NameOf(const ::testing::TestParamInfo<Backend>& info) {
  switch (info.param) {
    case Backend::kMemorySim:
      return "MemorySim";
    case Backend::kMemoryPool:
      return "MemoryPool";
    case Backend::kRocksDb:
      return "RocksDb";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Backends, LogConformanceTest,
                         ::testing::Values(Backend::kMemorySim, Backend::kMemoryPool, Backend::kRocksDb),
                         NameOf);

TEST_P(LogConformanceTest, ProofsVerifyForEverySize) {
  for (int i = 0; i < 7; ++i) {
    harness_->Append({PlainEvent(), PlainEvent(), PlainEvent()});
  }
  Restart();
  harness_->AppendMany(4);
  const std::vector<merkle::Hash> roots = Roots();
  ASSERT_EQ(roots.size(), 26U);
  EXPECT_EQ(log().state().root, roots[25]);
  const auto leaves = log().ReadLeaves(0, 100);
  for (uint64_t size = 1; size <= 25; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      const auto proof = log().Inclusion(index, size);
      ASSERT_TRUE(proof.ok()) << proof.status();
      ASSERT_TRUE(
          merkle::VerifyInclusion(index, size, merkle::HashLeaf((*leaves)[index]), *proof, roots[size]).ok());
    }
    for (uint64_t old_size = 0; old_size <= size; ++old_size) {
      const auto proof = log().Consistency(old_size, size);
      ASSERT_TRUE(proof.ok()) << proof.status();
      ASSERT_TRUE(merkle::VerifyConsistency(old_size, size, roots[old_size], roots[size], *proof).ok());
    }
  }
  EXPECT_TRUE(absl::IsOutOfRange(log().Inclusion(0, 26).status()));
  EXPECT_TRUE(absl::IsOutOfRange(log().Consistency(1, 26).status()));
  EXPECT_FALSE(log().Inclusion(5, 5).ok());
}

TEST_P(LogConformanceTest, StateAndCheckpointSurviveRestarts) {
  EXPECT_EQ(log().state().size, 0U);
  EXPECT_EQ(log().state().root, merkle::EmptyRoot());
  for (int restart = 0; restart < 4; ++restart) {
    harness_->Append({SubjectEvent(Person(1)), PlainEvent()});
    const LogState before = log().state();
    Restart();
    EXPECT_EQ(log().state().size, before.size);
    EXPECT_EQ(log().state().root, before.root);
    const auto note = harness_->Run(log().Checkpoint(before.size));
    ASSERT_TRUE(note.ok()) << note.status();
    const std::vector<merkle::NoteVerifier> verifiers = {{log().origin(), harness_->verify_key().key}};
    const auto checkpoint = merkle::OpenCheckpoint(*note, log().origin(), verifiers);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->root, before.root);
  }
  EXPECT_EQ(log().Revision(8), "relais.test/test/1:8");
}

TEST_P(LogConformanceTest, ReceiptsVerifyOffline) {
  harness_->Append({PlainEvent(), SubjectEvent(Person(1)), PlainEvent()});
  for (uint64_t index = 0; index < 3; ++index) {
    const auto proof = harness_->Run(log().Prove(index, true));
    ASSERT_TRUE(proof.ok()) << proof.status();
    const auto verified = VerifyProof(*proof, {harness_->verify_key()});
    ASSERT_TRUE(verified.ok()) << verified.status();
    ASSERT_TRUE(verified->details.has_value());
    EXPECT_FALSE(verified->details->has_subject());
  }
  EXPECT_TRUE(harness_->Run(log().Prove(0, false))->leaf_key().empty());
  EXPECT_TRUE(absl::IsNotFound(harness_->Run(log().Prove(3, false)).status()));
}

TEST_P(LogConformanceTest, ReadsInOrderWithBounds) {
  harness_->Append({SubjectEvent(Person(1)), PlainEvent(), SubjectEvent(Person(2)), SubjectEvent(Person(1))});
  EXPECT_EQ(log().ReadLeaves(0, 2)->size(), 2U);
  EXPECT_EQ(log().ReadLeaves(3, 100)->size(), 1U);
  EXPECT_TRUE(log().ReadLeaves(4, 100)->empty());
  EXPECT_TRUE(log().ReadLeaves(400, 100)->empty());
  const auto opened = log().ReadOpened(1, 10);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(opened->size(), 3U);
  EXPECT_EQ((*opened)[0].index, 1U);
  EXPECT_FALSE((*opened)[0].details.has_subject());
  EXPECT_EQ((*opened)[1].details.subject().id(), Person(2).id.ToBytes());
  EXPECT_THAT(*log().LeavesOf(Person(1), 0, 10), ElementsAre(0, 3));
  EXPECT_THAT(*log().LeavesOf(Person(1), 1, 10), ElementsAre(3));
  EXPECT_THAT(*log().LeavesOf(Person(1), 0, 1), ElementsAre(0));
  EXPECT_THAT(*log().LeavesOf(Person(9), 0, 10), ElementsAre());
}

TEST_P(LogConformanceTest, OpensLeavesHereAndThere) {
  harness_->Append({SubjectEvent(Person(1)), PlainEvent(), SubjectEvent(Person(2)), SubjectEvent(Person(1))});
  const auto opened = log().OpenAt({3, 0, 1});
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(opened->size(), 3U);
  EXPECT_EQ(opened->at(0).index, 3U);
  EXPECT_EQ(opened->at(0).details.subject().id(), Person(1).id.ToBytes());
  EXPECT_EQ(opened->at(1).bytes, log().ReadLeaves(0, 1)->at(0));
  EXPECT_FALSE(opened->at(2).details.has_subject());
  EXPECT_TRUE(log().OpenAt({})->empty());
  EXPECT_EQ(log().OpenAt({4}).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_P(LogConformanceTest, ActorOpensUntilItsMonthIsDestroyed) {
  harness_->Append(PlainEvent());
  const Leaf leaf = *ParseLeaf((*log().ReadLeaves(0, 1))[0]);
  EXPECT_EQ(log().Actor(leaf)->agent(), "agent-1");
  ASSERT_TRUE(harness_->ring().Destroy("audit-month/" + MonthName(leaf.time), 1).ok());
  EXPECT_TRUE(absl::IsNotFound(log().Actor(leaf).status()));
  EXPECT_TRUE(log().ReadOpened(0, 1).ok());
}

TEST_P(LogConformanceTest, ErasedSubjectIsUnreadableAndProofsHold) {
  harness_->Append({SubjectEvent(Person(1)), SubjectEvent(Person(2))});
  auto erase = log().Draft(PlainEvent());
  erase->rows = *log().keys().EraseRows(Person(1));
  storage::CommitRequest commit;
  commit.leaves.push_back(*erase);
  ASSERT_TRUE(harness_->Run(harness_->store().Commit(std::move(commit))).ok());
  for (int life = 0; life < 2; ++life) {
    const auto opened = log().ReadOpened(0, 10);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ((*opened)[0].opening, OpenedLeaf::Opening::kErased);
    EXPECT_EQ((*opened)[0].details.ByteSizeLong(), 0U);
    EXPECT_EQ((*opened)[1].opening, OpenedLeaf::Opening::kOpened);
    const auto proof = harness_->Run(log().Prove(0, true));
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_TRUE(proof->leaf_key().empty());
    EXPECT_TRUE(VerifyProof(*proof, {harness_->verify_key()}).ok());
    Restart();
  }
}

// What was kept of the drafting is what the store and the keys give.
TEST_P(LogConformanceTest, ReadsTheSameFromMemoryAndFromTheStore) {
  harness_->Append({SubjectEvent(Person(1)), PlainEvent()});
  std::vector<std::string> lives;
  for (int life = 0; life < 2; ++life) {
    const auto opened = log().ReadOpened(0, 10);
    ASSERT_TRUE(opened.ok()) << opened.status();
    std::string all;
    for (const OpenedLeaf& leaf : *opened) {
      EXPECT_EQ(leaf.opening, OpenedLeaf::Opening::kOpened);
      all += leaf.bytes + leaf.leaf.header.SerializeAsString() + leaf.leaf.sealed_r +
             leaf.details.SerializeAsString();
    }
    EXPECT_EQ(log().ReadLeaves(1, 1)->at(0), opened->at(1).bytes);
    lives.push_back(std::move(all));
    Restart();
  }
  EXPECT_EQ(lives[0], lives[1]);
}

// A leaf as the index sees it, whether it was kept as drafted or has to be opened.
std::string AsText(const LeafForIndex& leaf) {
  return std::to_string(leaf.index) + leaf.leaf->header.SerializeAsString() +
         leaf.leaf->details.SerializeAsString() + (leaf.leaf->names_actor ? "+" : "-") +
         (leaf.actor == nullptr
              ? std::string()
              : leaf.actor->agent + "/" + leaf.actor->certificate + "/" + MonthName(leaf.actor->month));
}

TEST_P(LogConformanceTest, TheIndexTakesWhatWasDraftedOnce) {
  Event nobody = PlainEvent();
  nobody.actor.Clear();
  nobody.actor.set_motive("motive");
  Event certified = PlainEvent();
  certified.categories = {"HOUSING", "BUDGET"};
  certified.details.mutable_recipient()->set_institution("caf");
  certified.actor.set_certificate("00ff");
  EXPECT_TRUE(log().TakeForIndex(0, 10)->empty());
  harness_->Append(PlainEvent());
  EXPECT_EQ(log().TakeForIndex(0, 10)->size(), 1U);  // from here on actors are kept
  harness_->Append({SubjectEvent(Person(1)), nobody, certified});
  std::vector<std::string> seen;
  for (int look = 0; look < 3; ++look) {  // as drafted; with part R opened; from the store
    if (look == 2) {
      Restart();
    }
    const auto leaves = log().TakeForIndex(1, 10);
    ASSERT_TRUE(leaves.ok()) << leaves.status();
    ASSERT_EQ(leaves->size(), 3U);
    std::string all;
    for (const LeafForIndex& leaf : *leaves) {
      all += AsText(leaf);
    }
    seen.push_back(std::move(all));
    EXPECT_EQ(leaves->at(0).leaf->details.subject().id(), Person(1).id.ToBytes());
    EXPECT_EQ(leaves->at(1).actor, nullptr);
    ASSERT_NE(leaves->at(2).actor, nullptr);
    EXPECT_EQ(leaves->at(2).actor->certificate, "00ff");
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
  EXPECT_EQ(log().TakeForIndex(2, 1)->at(0).index, 2U);
  EXPECT_TRUE(log().TakeForIndex(4, 10)->empty());
}

TEST_P(LogConformanceTest, TheIndexSeesNobodyOfADestroyedMonth) {
  harness_->Append(PlainEvent());
  EXPECT_NE(log().TakeForIndex(0, 1)->at(0).actor, nullptr);
  harness_->Append(PlainEvent());
  const Leaf leaf = *ParseLeaf((*log().ReadLeaves(1, 1))[0]);
  ASSERT_TRUE(harness_->ring().Destroy("audit-month/" + MonthName(leaf.time), 1).ok());
  log().ForgetMonth(absl::ToCivilMonth(leaf.time, absl::UTCTimeZone()));
  const auto leaves = log().TakeForIndex(0, 10);
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  ASSERT_EQ(leaves->size(), 2U);
  EXPECT_EQ(leaves->at(0).actor, nullptr);
  EXPECT_EQ(leaves->at(1).actor, nullptr);
}

TEST_P(LogConformanceTest, TheIndexSeesNothingOfTheErased) {
  harness_->Append({SubjectEvent(Person(1)), SubjectEvent(Person(2))});
  EXPECT_EQ(log().TakeForIndex(0, 1)->at(0).leaf->details.relation(), "DESK");
  auto erase = log().Draft(PlainEvent());
  erase->rows = *log().keys().EraseRows(Person(1));
  storage::CommitRequest commit;
  commit.leaves.push_back(*erase);
  ASSERT_TRUE(harness_->Run(harness_->store().Commit(std::move(commit))).ok());
  for (int life = 0; life < 2; ++life) {
    const auto leaves = log().TakeForIndex(0, 10);
    ASSERT_TRUE(leaves.ok()) << leaves.status();
    EXPECT_EQ(leaves->at(0).leaf->details.ByteSizeLong(), 0U);
    EXPECT_EQ(leaves->at(0).leaf->header.institution(), "ville-paris");
    ASSERT_NE(leaves->at(0).actor, nullptr) << "part R is under the month's key";
    EXPECT_EQ(leaves->at(1).leaf->details.relation(), "DESK");
    Restart();
  }
}

TEST_P(LogConformanceTest, OpensOnlyTheClassesThatAreWanted) {
  Event plain = PlainEvent();
  plain.details.set_denial_reason("REASON_NO_GROUND");
  harness_->Append({SubjectEvent(Person(1)), plain});
  for (int life = 0; life < 2; ++life) {
    const auto opened = log().ReadOpened(
        0, 10, [](audit::v1::EventClass c) { return c == audit::v1::EVENT_CLASS_CALL_REFUSED; });
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_EQ(opened->size(), 2U);
    EXPECT_EQ(opened->at(0).opening, OpenedLeaf::Opening::kWithheld);
    EXPECT_EQ(opened->at(0).hash, merkle::HashLeaf(log().ReadLeaves(0, 1)->at(0)));
    EXPECT_TRUE(opened->at(0).bytes.empty());
    EXPECT_FALSE(opened->at(1).hash.has_value());
    EXPECT_EQ(opened->at(0).details.ByteSizeLong(), 0U);
    EXPECT_EQ(opened->at(1).opening, OpenedLeaf::Opening::kOpened);
    EXPECT_NE(opened->at(1).details.ByteSizeLong(), 0U);
    Restart();
  }
}

TEST_P(LogConformanceTest, RecordsItsStarts) {
  ASSERT_TRUE(harness_->Run(RecordStart(log(), harness_->store(), "service/test", 3)).ok());
  Restart();
  ASSERT_TRUE(harness_->Run(RecordStart(log(), harness_->store(), "service/test", 4)).ok());
  const auto opened = log().ReadOpened(0, 10);
  ASSERT_EQ(opened->size(), 3U);
  EXPECT_EQ((*opened)[0].leaf.header.event_class(), audit::v1::EVENT_CLASS_LOG_OPENED);
  EXPECT_EQ((*opened)[1].leaf.header.event_class(), audit::v1::EVENT_CLASS_SERVICE_STARTED);
  EXPECT_EQ((*opened)[2].leaf.header.event_class(), audit::v1::EVENT_CLASS_SERVICE_STARTED);
  EXPECT_EQ((*opened)[2].leaf.header.directory_version(), 4U);
  EXPECT_TRUE((*opened)[2].leaf.header.test());
}

TEST_P(LogConformanceTest, WaitForGrowthEndsWithALeafATimeoutOrTheLog) {
  EXPECT_EQ(harness_->Run(log().WaitForGrowth(0, absl::Milliseconds(1))), 0U);
  harness_->Append(PlainEvent());
  EXPECT_EQ(harness_->Run(log().WaitForGrowth(0, absl::Hours(1))), 1U);
  harness_->executor().PostAfter(absl::Milliseconds(5), [this] { log().Stop(); });
  EXPECT_EQ(harness_->Run(log().WaitForGrowth(1, absl::Minutes(30))), 1U);
}

// What needs real threads.
class LogThreadsTest : public LogConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Backends, LogThreadsTest, ::testing::Values(Backend::kMemoryPool, Backend::kRocksDb),
                         NameOf);

TEST_P(LogThreadsTest, ManyAuthorsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (uint64_t i = 0; i < 50; ++i) {
        harness_->Append({SubjectEvent(Person(i % 7)), PlainEvent()});
        if (i % 10 == static_cast<uint64_t>(t)) {
          EXPECT_TRUE(harness_->Run(log().Prove(log().state().size - 1, true)).ok());
          EXPECT_TRUE(log().ReadOpened(i, 20).ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  ASSERT_EQ(log().state().size, 400U);
  EXPECT_EQ(Roots().back(), log().state().root);
  absl::Time last = absl::InfinitePast();
  const auto opened = log().ReadOpened(0, 1000);
  ASSERT_TRUE(opened.ok()) << opened.status();
  for (const OpenedLeaf& leaf : *opened) {
    EXPECT_EQ(leaf.opening, OpenedLeaf::Opening::kOpened);
    EXPECT_LE(last, leaf.leaf.time);
    last = leaf.leaf.time;
  }
  Restart();
  EXPECT_EQ(Roots().back(), log().state().root);
}

TEST(LogRollBackTest, LosingPublishedLeavesIsRefused) {
  const storage::testing::TempFolder folder;
  SimLogHarness harness({.published_path = folder.path() + "/checkpoint"});
  harness.AppendMany(3);
  const auto backup = harness.disk()->Clone();
  harness.AppendMany(2);
  ASSERT_TRUE(harness.Run(harness.log().Checkpoint(5)).ok());
  harness.Crash();
  harness.disk() = backup;
  const absl::Status status = harness.Reopen();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("rolled back"));
}

TEST(LogRollBackTest, AnotherHistoryIsRefused) {
  const storage::testing::TempFolder folder;
  SimLogHarness harness({.published_path = folder.path() + "/checkpoint"});
  harness.AppendMany(3);
  const auto backup = harness.disk()->Clone();
  harness.AppendMany(2);
  ASSERT_TRUE(harness.Run(harness.log().Checkpoint(5)).ok());
  harness.Crash();
  // The same number of leaves and more, but others.
  harness.disk() = backup;
  harness.options().published_path.clear();
  ASSERT_TRUE(harness.Reopen().ok());
  harness.AppendMany(4);
  harness.Crash();
  harness.options().published_path = folder.path() + "/checkpoint";
  const absl::Status status = harness.Reopen();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("forked"));
}

TEST(LogRollBackTest, LosingLeavesThatNobodySawIsNot) {
  const storage::testing::TempFolder folder;
  SimLogHarness harness({.published_path = folder.path() + "/checkpoint"});
  harness.AppendMany(3);
  ASSERT_TRUE(harness.Run(harness.log().Checkpoint(3)).ok());
  harness.AppendMany(5);
  harness.Crash();
  EXPECT_TRUE(harness.Reopen().ok());
  EXPECT_EQ(harness.log().state().size, 8U);
}

TEST(LogClockTest, AJumpBackStopsWritesButNotReads) {
  SimLogHarness harness;
  harness.AppendMany(1);
  EXPECT_TRUE(harness.log().ClockStatus().ok());
  const absl::Time last = ParseLeaf((*harness.log().ReadLeaves(0, 1))[0])->time;
  harness.Crash();
  HarnessOptions earlier;
  earlier.start = last - absl::Seconds(10);
  SimLogHarness behind(earlier);
  behind.Crash();
  behind.disk() = harness.disk();
  ASSERT_TRUE(behind.Reopen().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(behind.log().ClockStatus()));
  EXPECT_EQ(behind.log().Now(), last);
  behind.sim().RunFor(absl::Seconds(9));
  EXPECT_TRUE(behind.log().ClockStatus().ok());
}

TEST(LogOptionsTest, RefusesWhatCannotWork) {
  relais::testing::SimExecutor sim(1, absl::UnixEpoch());
  relais::testing::SeededRandom random(1);
  crypto::MemoryKeyRing ring;
  const auto key = crypto::SigningKey::Generate(random);
  const auto create = [&](const std::string& origin, std::vector<LogOptions::Signer> signers,
                          crypto::KeyRing* key_ring) {
    LogOptions options;
    options.origin = origin;
    options.signers = std::move(signers);
    options.ring = key_ring;
    return Log::Create(std::move(options), sim, random, sim).status();
  };
  EXPECT_TRUE(create("o/1", {{"", key}}, &ring).ok());
  EXPECT_FALSE(create("", {{"", key}}, &ring).ok());
  EXPECT_FALSE(create("o/1", {}, &ring).ok());
  EXPECT_FALSE(create("o/1", {{"other", key}}, &ring).ok());
  EXPECT_FALSE(create("o/1", {{"", key}}, nullptr).ok());
}

// The process dies before and after every step of a commit of three groups; whatever is there afterwards is
// one whole log with every leaf that was acknowledged.
TEST(LogCrashTest, EveryStepLeavesAWholeLog) {
  for (uint64_t step = 0; step < 8; ++step) {
    HarnessOptions options;
    bool armed = false;
    uint64_t seen = 0;
    options.store.crash_at = [&armed, &seen, step](uint64_t) { return armed && seen++ == step; };
    SimLogHarness harness(options);
    harness.AppendMany(5);
    armed = true;
    uint64_t acknowledged = 5;
    while (harness.TryAppend({SubjectEvent(Person(1)), PlainEvent(), PlainEvent()}).ok()) {
      acknowledged += 3;
    }
    armed = false;
    harness.Crash();
    ASSERT_TRUE(harness.Reopen().ok());
    const uint64_t size = harness.log().state().size;
    EXPECT_GE(size, acknowledged);
    EXPECT_EQ((size - 5) % 3, 0U);
    merkle::Frontier tree;
    const auto opened = harness.log().ReadOpened(0, 100);
    ASSERT_TRUE(opened.ok()) << opened.status();
    for (const OpenedLeaf& leaf : *opened) {
      tree.Append(merkle::HashLeaf(leaf.bytes), nullptr);
      EXPECT_EQ(leaf.opening, OpenedLeaf::Opening::kOpened);
    }
    EXPECT_EQ(tree.root(), harness.log().state().root);
    harness.AppendMany(1);
    EXPECT_TRUE(harness.Run(harness.log().Prove(size, true)).ok());
  }
}

}  // namespace
}  // namespace relais::audit
