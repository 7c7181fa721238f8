#include "common/audit/follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/audit/cursor.h"
#include "common/audit/testing/fake_tail_source.h"
#include "common/audit/testing/log_harness.h"
#include "common/audit/testing/recording_handler.h"

namespace relais::audit {
namespace {

using ::testing::ElementsAre;
using testing::FakeTailSource;
using testing::Person;
using testing::PlainEvent;
using testing::PoolLogHarness;
using testing::RecordingHandler;
using testing::SimLogHarness;
using testing::SubjectEvent;

constexpr char kOrigin[] = "relais.test/peer/1";

FollowerOptions Options(absl::Duration lease = absl::Seconds(2)) {
  FollowerOptions options;
  options.name = "peer";
  options.window = 8;
  options.lease = lease;
  options.probe_interval = absl::Milliseconds(100);
  return options;
}

class FollowerTest : public ::testing::Test {
 protected:
  ~FollowerTest() override { StopFollower(); }

  void Follow(FollowerOptions options = Options()) {
    StopFollower();
    follower_ = Follower::Create(std::move(options), source_, handler_, harness_.store(), harness_.sim(),
                                 harness_.random(), harness_.sim());
    const absl::Status started = follower_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  void StopFollower() {
    if (follower_ != nullptr) {
      (void)harness_.Run(follower_->Stop());
      follower_.reset();
    }
  }
  void RunFor(absl::Duration duration) { harness_.sim().RunFor(duration); }

  SimLogHarness harness_;  // for its executor and its store
  FakeTailSource source_{harness_.sim(), kOrigin};
  RecordingHandler handler_{harness_.sim()};
  std::unique_ptr<Follower> follower_;
};

TEST_F(FollowerTest, AppliesEverythingInOrder) {
  source_.AppendMany(20);
  Follow();
  EXPECT_TRUE(harness_.Run(follower_->WaitApplied(20, absl::Seconds(5))));
  source_.AppendMany(5);
  EXPECT_TRUE(harness_.Run(follower_->WaitApplied(25, absl::Seconds(5))));
  EXPECT_FALSE(harness_.Run(follower_->WaitApplied(26, absl::Seconds(5))));
  std::vector<uint64_t> expected(25);
  for (uint64_t i = 0; i < 25; ++i) {
    expected[i] = i;
  }
  std::vector<uint64_t> applied = handler_.applied();
  std::sort(applied.begin(), applied.end());
  EXPECT_EQ(applied, expected);
  EXPECT_EQ(handler_.effects().size(), 25U);
}

TEST_F(FollowerTest, SameKeyIsAppliedInOrderAndOthersAtOnce) {
  handler_.delay = absl::Milliseconds(10);
  for (int i = 0; i < 40; ++i) {
    source_.Append(std::string(1, static_cast<char>('a' + i % 3)) + ":" + std::to_string(i));
  }
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(40, absl::Seconds(5))));
  EXPECT_EQ(handler_.by_key().size(), 3U);
  for (const auto& [key, indices] : handler_.by_key()) {
    EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end())) << key;
  }
  EXPECT_EQ(handler_.max_running(), 3U);
}

TEST_F(FollowerTest, AFailingLeafHoldsItsKeyAndTheCursorOnly) {
  handler_.Stick(1);
  source_.Append("a:0");
  source_.Append("b:1");
  source_.Append("a:2");
  source_.Append("b:3");
  Follow();
  RunFor(absl::Seconds(20));
  EXPECT_THAT(handler_.applied(), ElementsAre(0, 2));
  EXPECT_EQ(follower_->applied(), 1U);
  EXPECT_GT(handler_.attempts(1), 5);
  EXPECT_LT(handler_.attempts(1), 20);
  EXPECT_EQ(handler_.attempts(3), 0);
  EXPECT_FALSE(follower_->LeaseHeld());
  handler_.Stick(1, false);
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(4, absl::Seconds(10))));
  EXPECT_THAT(handler_.by_key()["b"], ElementsAre(1, 3));
}

TEST_F(FollowerTest, TheWindowIsBounded) {
  handler_.Stick(0);
  for (int i = 0; i < 100; ++i) {
    source_.Append(std::to_string(i) + ":x");
  }
  Follow();
  RunFor(absl::Seconds(5));
  EXPECT_LE(handler_.applied().size(), 7U);
}

TEST_F(FollowerTest, StopEndsWhileALeafFails) {
  handler_.Stick(0);
  source_.AppendMany(3);
  Follow();
  RunFor(absl::Seconds(5));
  const absl::Duration before = harness_.sim().Monotonic();
  EXPECT_TRUE(harness_.Run(follower_->Stop()));
  EXPECT_LE(harness_.sim().Monotonic() - before, absl::Seconds(1));
  follower_.reset();
}

TEST_F(FollowerTest, GoesOnFromTheCursorAfterAStop) {
  source_.AppendMany(11);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(11, absl::Seconds(5))));
  source_.AppendMany(2);
  Follow();
  EXPECT_EQ(follower_->applied(), 11U);
  EXPECT_FALSE(follower_->LeaseHeld());
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(13, absl::Seconds(5))));
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->LeaseHeld());
  EXPECT_EQ(handler_.attempts(10), 1);
  EXPECT_EQ(handler_.attempts(12), 1);
}

TEST_F(FollowerTest, UnopenedLeavesAreSkippedUnlessWanted) {
  source_.Append("0", audit::v1::TailLeaf::OPENING_WITHHELD);
  source_.Append("1");
  source_.Append("2", audit::v1::TailLeaf::OPENING_ERASED);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(3, absl::Seconds(5))));
  EXPECT_THAT(handler_.applied(), ElementsAre(1));
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->LeaseHeld());
  handler_.wants_unopened = true;
  source_.Append("3", audit::v1::TailLeaf::OPENING_ERASED);
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(4, absl::Seconds(5))));
  EXPECT_THAT(handler_.applied(), ElementsAre(1, 3));
}

TEST_F(FollowerTest, ARebuildHasNoEffectsTwice) {
  source_.AppendMany(6);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(6, absl::Seconds(5))));
  FollowerOptions rebuild = Options();
  rebuild.rebuild = true;
  Follow(rebuild);
  EXPECT_EQ(follower_->applied(), 0U);
  source_.AppendMany(2);
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(8, absl::Seconds(5))));
  EXPECT_EQ(handler_.applied().size(), 14U);
  EXPECT_EQ(handler_.effects().size(), 8U);
  // Nor when the rebuild itself was cut short.
  Follow(rebuild);
  handler_.Stick(3);
  RunFor(absl::Seconds(1));
  Follow();
  handler_.Stick(3, false);
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(8, absl::Seconds(10))));
  EXPECT_EQ(handler_.effects().size(), 8U);
}

TEST_F(FollowerTest, OutagesAreRiddenOut) {
  source_.AppendMany(3);
  source_.FailProbes(absl::UnavailableError("down"));
  source_.FailReads(absl::UnavailableError("down"));
  Follow();
  RunFor(absl::Minutes(5));
  EXPECT_TRUE(handler_.applied().empty());
  source_.FailReads(absl::OkStatus());
  source_.FailProbes(absl::OkStatus());
  EXPECT_TRUE(harness_.Run(follower_->WaitApplied(3, absl::Seconds(1))));
  EXPECT_FALSE(follower_->alarmed());
}

// --- The lease ---

TEST_F(FollowerTest, LeaseRunsFromTheSendTimeOfTheProbe) {
  source_.AppendMany(3);
  source_.DelayProbes(absl::Milliseconds(300));
  Follow();
  EXPECT_FALSE(follower_->LeaseHeld());
  RunFor(absl::Milliseconds(299));
  EXPECT_FALSE(follower_->LeaseHeld());
  RunFor(absl::Milliseconds(50));
  ASSERT_TRUE(follower_->LeaseHeld());
  EXPECT_EQ(follower_->LeaseUntil(), absl::Seconds(2));
}

TEST_F(FollowerTest, LeaseEndsWhenProbesFail) {
  source_.AppendMany(3);
  Follow();
  RunFor(absl::Seconds(10));
  ASSERT_TRUE(follower_->LeaseHeld());
  source_.FailProbes(absl::UnavailableError("down"));
  RunFor(absl::Milliseconds(1800));
  EXPECT_TRUE(follower_->LeaseHeld());
  RunFor(absl::Milliseconds(300));
  EXPECT_FALSE(follower_->LeaseHeld());
  source_.FailProbes(absl::OkStatus());
  RunFor(absl::Milliseconds(300));
  EXPECT_TRUE(follower_->LeaseHeld());
}

TEST_F(FollowerTest, NoLeaseWhileWhatTheAnswerNamedIsNotApplied) {
  source_.AppendMany(3);
  Follow();
  RunFor(absl::Seconds(1));
  ASSERT_TRUE(follower_->LeaseHeld());
  source_.HoldReadsAt(3);
  source_.AppendMany(1);
  RunFor(absl::Seconds(5));
  EXPECT_FALSE(follower_->LeaseHeld());
  handler_.Stick(3);
  source_.HoldReadsAt(std::nullopt);
  RunFor(absl::Seconds(1));
  EXPECT_FALSE(follower_->LeaseHeld());
  handler_.Stick(3, false);
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(4, absl::Seconds(10))));
  EXPECT_TRUE(follower_->LeaseHeld());
}

TEST_F(FollowerTest, LeaseHoldsUnderSteadyGrowth) {
  source_.DelayProbes(absl::Milliseconds(40));
  Follow();
  RunFor(absl::Seconds(1));
  for (int i = 0; i < 2000; ++i) {
    source_.AppendMany(1);
    RunFor(absl::Milliseconds(3));
    ASSERT_TRUE(follower_->LeaseHeld()) << i;
  }
}

TEST_F(FollowerTest, NoLeaseWhenNoneIsWanted) {
  source_.AppendMany(3);
  Follow(Options(absl::ZeroDuration()));
  RunFor(absl::Seconds(5));
  EXPECT_EQ(follower_->applied(), 3U);
  EXPECT_FALSE(follower_->LeaseHeld());
}

TEST_F(FollowerTest, AStoppedFollowerHoldsNoLease) {
  Follow();
  RunFor(absl::Seconds(1));
  ASSERT_TRUE(follower_->LeaseHeld());
  EXPECT_TRUE(harness_.Run(follower_->Stop()));
  EXPECT_FALSE(follower_->LeaseHeld());
  follower_.reset();
}

// --- Alarms ---

TEST_F(FollowerTest, ARollBackAlarms) {
  source_.AppendMany(5);
  Follow();
  RunFor(absl::Seconds(1));
  ASSERT_TRUE(follower_->LeaseHeld());
  source_.Truncate(4);
  RunFor(absl::Milliseconds(200));
  EXPECT_TRUE(follower_->alarmed());
  EXPECT_FALSE(follower_->LeaseHeld());
  EXPECT_EQ(follower_->LeaseUntil(), absl::ZeroDuration());
  const size_t reads = source_.reads();
  source_.AppendMany(10);
  RunFor(absl::Seconds(5));
  EXPECT_EQ(handler_.applied().size(), 5U);
  EXPECT_LE(source_.reads(), reads + 1);
  EXPECT_FALSE(harness_.Run(follower_->WaitApplied(6, absl::Minutes(1))));
}

TEST_F(FollowerTest, ARollBackWhileStoppedAlarms) {
  source_.AppendMany(5);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(5, absl::Seconds(5))));
  StopFollower();
  source_.Truncate(3);
  Follow();
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->alarmed());
  EXPECT_EQ(handler_.applied().size(), 5U);
}

TEST_F(FollowerTest, AForkAlarms) {
  source_.AppendMany(5);
  Follow();
  RunFor(absl::Seconds(1));
  source_.Fork(2, "another history");
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->alarmed());
  EXPECT_FALSE(follower_->LeaseHeld());
}

TEST_F(FollowerTest, AForkWhileStoppedGivesNoLease) {
  source_.AppendMany(5);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(5, absl::Seconds(5))));
  StopFollower();
  source_.Fork(2, "another history");
  source_.AppendMany(3);
  Follow();
  for (int i = 0; i < 1000; ++i) {
    RunFor(absl::Milliseconds(1));
    ASSERT_FALSE(follower_->LeaseHeld());
  }
  EXPECT_TRUE(follower_->alarmed());
}

TEST_F(FollowerTest, AnotherOriginAlarmsAlsoAfterARestart) {
  source_.AppendMany(5);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(5, absl::Seconds(5))));
  StopFollower();
  source_.SetOrigin("relais.test/other/1");
  Follow();
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->alarmed());
  EXPECT_FALSE(follower_->LeaseHeld());
}

TEST_F(FollowerTest, ALogThatGoesOnAfterALossIsFollowedIfItKeptWhatWasRead) {
  source_.AppendMany(5);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(5, absl::Seconds(5))));
  StopFollower();
  source_.SetOrigin("relais.test/peer/2");
  source_.AppendMany(2);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(7, absl::Seconds(5))));
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->LeaseHeld());
  EXPECT_FALSE(follower_->alarmed());
  StopFollower();
  Follow();  // under the origin that it remembers now
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->LeaseHeld());
}

TEST_F(FollowerTest, ALogThatLostWhatWasReadAlarmsUntilItIsRebuilt) {
  source_.AppendMany(5);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(5, absl::Seconds(5))));
  StopFollower();
  source_.SetOrigin("relais.test/peer/2");
  source_.Fork(3, "another history");
  source_.AppendMany(4);
  Follow();
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(follower_->alarmed());
  StopFollower();
  const size_t before = handler_.effects().size();
  FollowerOptions rebuild = Options();
  rebuild.rebuild = true;
  Follow(rebuild);
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(9, absl::Seconds(5))));
  EXPECT_FALSE(follower_->alarmed());
  EXPECT_EQ(handler_.effects().size(), before + 9) << "nobody knows any more which leaves had theirs";
}

TEST_F(FollowerTest, ADamagedCursorIsRefused) {
  source_.AppendMany(1);
  Follow();
  ASSERT_TRUE(harness_.Run(follower_->WaitApplied(1, absl::Seconds(5))));
  StopFollower();
  storage::CommitRequest damage;
  damage.partition = internal::CursorPartition("peer");
  damage.batch.push_back({"cursor", "nonsense"});
  ASSERT_TRUE(harness_.Run(harness_.store().Commit(std::move(damage))).ok());
  auto follower = Follower::Create(Options(), source_, handler_, harness_.store(), harness_.sim(),
                                   harness_.random(), harness_.sim());
  EXPECT_TRUE(absl::IsDataLoss(follower->Start()));
}

// --- Crashes ---

// The process dies at an arbitrary moment, again and again; nothing is skipped and nothing is applied out of
// order within a key, whatever is applied twice.
TEST(FollowerCrashTest, NothingIsSkippedAndOrderHoldsPerKey) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimLogHarness harness({.seed = seed});
    FakeTailSource source(harness.sim(), kOrigin);
    for (int i = 0; i < 300; ++i) {
      source.Append(std::string(1, static_cast<char>('a' + harness.sim().Below(5))) + ":" +
                    std::to_string(i));
    }
    std::vector<std::unique_ptr<RecordingHandler>> handlers;
    uint64_t applied = 0;
    for (int life = 0; applied < 300; ++life) {
      ASSERT_LT(life, 200);
      handlers.push_back(std::make_unique<RecordingHandler>(harness.sim()));
      RecordingHandler& handler = *handlers.back();
      handler.delay = absl::Milliseconds(harness.sim().Below(10));
      auto follower = Follower::Create(Options(), source, handler, harness.store(), harness.sim(),
                                       harness.random(), harness.sim());
      ASSERT_TRUE(follower->Start().ok());
      const uint64_t begin = follower->applied();
      EXPECT_LE(begin, applied);
      harness.sim().RunFor(absl::Milliseconds(static_cast<int64_t>(harness.sim().Below(400))));
      applied = std::max(applied, follower->applied());
      harness.Crash();
      (void)harness.Run(follower->Stop());
      std::vector<uint64_t> seen = handler.applied();
      std::sort(seen.begin(), seen.end());
      // Everything from the cursor up to the applied prefix was seen, once.
      EXPECT_TRUE(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
      for (uint64_t i = begin; i < follower->applied(); ++i) {
        ASSERT_EQ(seen.at(i - begin), i);
      }
      for (const auto& [key, indices] : handler.by_key()) {
        EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end()));
      }
      ASSERT_TRUE(harness.Reopen().ok());
    }
  }
}

// What a leaf that was refused says is never taken for applied, though it is in the tree that was read.
TEST_F(FollowerTest, ALeafThatDidNotPassIsNotCountedWithTheOnesBefore) {
  handler_.delay = absl::Seconds(2);
  source_.AppendMany(2);
  source_.HoldReadsAt(1);
  Follow();
  RunFor(absl::Milliseconds(500));  // leaf 0 is being applied, and two leaves are named with their root
  source_.Fork(1, "other");
  source_.HoldReadsAt(std::nullopt);
  RunFor(absl::Milliseconds(500));
  EXPECT_TRUE(follower_->alarmed());
  EXPECT_EQ(follower_->applied(), 0U);
  RunFor(absl::Seconds(5));
  EXPECT_EQ(follower_->applied(), 1U);
}

// --- The service's own log ---

TEST(FollowerLocalTest, FollowsItsOwnLogAndIsNotFedByItsCursor) {
  SimLogHarness harness;
  RecordingHandler handler(harness.sim());
  const auto source = LocalSource(harness.log());
  FollowerOptions options = Options(absl::ZeroDuration());
  options.name = "own";
  auto follower = Follower::Create(options, *source, handler, harness.store(), harness.sim(),
                                   harness.random(), harness.sim());
  ASSERT_TRUE(follower->Start().ok());
  harness.Append({SubjectEvent(Person(1)), PlainEvent()});
  harness.Append(SubjectEvent(Person(2)));
  ASSERT_TRUE(harness.Run(follower->WaitApplied(3, absl::Seconds(5))));
  harness.sim().RunFor(absl::Seconds(10));
  EXPECT_EQ(harness.log().state().size, 3U);
  EXPECT_FALSE(follower->alarmed());
  EXPECT_TRUE(harness.Run(follower->Stop()));
}

bool IsRefusal(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_CALL_REFUSED;
}

TEST(FollowerLocalTest, LeavesThatNobodyWantsCountByTheirHash) {
  SimLogHarness harness;
  RecordingHandler handler(harness.sim());
  FollowerOptions options = Options();
  options.name = "own";
  uint64_t size = 0;
  for (int life = 0; life < 3; ++life) {
    harness.Append({SubjectEvent(Person(1)), PlainEvent(), SubjectEvent(Person(2))});
    size += 3;
    if (life == 2) {
      harness.Crash();  // now they come from the store
      ASSERT_TRUE(harness.Reopen().ok());
    }
    const auto source = LocalSource(harness.log(), &IsRefusal);
    auto follower = Follower::Create(options, *source, handler, harness.store(), harness.sim(),
                                     harness.random(), harness.sim());
    ASSERT_TRUE(follower->Start().ok());
    ASSERT_TRUE(harness.Run(follower->WaitApplied(size, absl::Seconds(5))));
    harness.sim().RunFor(absl::Seconds(1));
    EXPECT_TRUE(follower->LeaseHeld()) << "the root of what was applied is the log's";
    EXPECT_FALSE(follower->alarmed());
    EXPECT_TRUE(harness.Run(follower->Stop()));
  }
  EXPECT_THAT(handler.applied(), ElementsAre(1, 4, 7));
  const auto source = LocalSource(harness.log(), &IsRefusal);
  const auto leaves = harness.Run(source->Read(0, 10, absl::Seconds(1)));
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  EXPECT_EQ(leaves->at(0).hash, merkle::HashLeaf(harness.log().ReadLeaves(0, 1)->at(0)));
  EXPECT_TRUE(leaves->at(0).bytes.empty());
  EXPECT_EQ(leaves->at(0).opening, audit::v1::TailLeaf::OPENING_WITHHELD);
  EXPECT_FALSE(leaves->at(1).hash.has_value());
}

TEST(FollowerLocalTest, GathersOnlyWhatNobodyWants) {
  SimLogHarness harness;
  const auto source = LocalSource(harness.log(), &IsRefusal);
  const auto took = [&](uint64_t from, size_t limit) {
    const absl::Duration before = harness.sim().Monotonic();
    EXPECT_TRUE(harness.Run(source->Read(from, limit, absl::Seconds(1))).ok());
    return harness.sim().Monotonic() - before;
  };
  harness.Append({SubjectEvent(Person(1)), SubjectEvent(Person(2))});
  EXPECT_EQ(took(0, 64), absl::Milliseconds(5));
  EXPECT_EQ(took(0, 4), absl::ZeroDuration()) << "that is enough";
  EXPECT_EQ(took(1, 1), absl::ZeroDuration());
  harness.Append(PlainEvent());
  EXPECT_EQ(took(0, 64), absl::ZeroDuration()) << "something is wanted";
  EXPECT_EQ(took(2, 64), absl::ZeroDuration());
  EXPECT_EQ(took(3, 64), absl::Seconds(1)) << "there is nothing";
}

TEST(FollowerLocalTest, RealThreads) {
  PoolLogHarness harness;
  RecordingHandler handler(harness.executor());
  const auto source = LocalSource(harness.log());
  FollowerOptions options = Options(absl::Seconds(30));
  options.name = "own";
  options.window = 64;
  auto follower = Follower::Create(options, *source, handler, harness.store(), harness.clock(),
                                   harness.random(), harness.executor());
  ASSERT_TRUE(follower->Start().ok());
  for (int i = 0; i < 100; ++i) {
    harness.Append({SubjectEvent(Person(static_cast<uint64_t>(i))), PlainEvent(), PlainEvent()});
  }
  ASSERT_TRUE(harness.Run(follower->WaitApplied(300, absl::Minutes(1))));
  // The answer to a probe that names all of it.
  for (int i = 0; i < 1000 && !follower->LeaseHeld(); ++i) {
    (void)harness.Run(follower->WaitApplied(301, absl::Milliseconds(20)));
  }
  EXPECT_TRUE(follower->LeaseHeld());
  EXPECT_EQ(handler.applied().size(), 300U);
  EXPECT_FALSE(follower->alarmed());
  EXPECT_TRUE(harness.Run(follower->Stop()));
  harness.Crash();
  EXPECT_EQ(follower->applied(), 300U);
}

TEST(EffectIdTest, NamesLogLeafAndEffect) {
  EXPECT_EQ(EffectId("relais.test/consent/1", 42, 3), "relais.test/consent/1:42:3");
}

}  // namespace
}  // namespace relais::audit
