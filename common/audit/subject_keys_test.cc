#include "common/audit/subject_keys.h"

#include <gtest/gtest.h>

#include <thread>

#include "common/audit/testing/log_harness.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/encoding.h"
#include "common/crypto/memory_key_ring.h"

namespace relais::audit {
namespace {

using testing::Person;
using testing::PlainEvent;
using testing::SimLogHarness;
using testing::SubjectEvent;

class SubjectKeysTest : public ::testing::Test {
 protected:
  std::unique_ptr<SubjectKeys> Open(size_t entries = 100) {
    auto keys = SubjectKeys::Open(ring_, random_, entries);
    EXPECT_TRUE(keys.ok()) << keys.status();
    return *std::move(keys);
  }
  relais::testing::SeededRandom random_{7};
  crypto::MemoryKeyRing ring_;
};

TEST_F(SubjectKeysTest, GivesRowsUntilDurable) {
  const auto keys = Open();
  const auto first = keys->GetOrCreate(Person(1));
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->rows.size(), 1U);
  EXPECT_EQ(first->rows[0].key, Person(1).Encode());
  const auto second = keys->GetOrCreate(Person(1));
  EXPECT_EQ(second->secret.ExposeSecret(), first->secret.ExposeSecret());
  EXPECT_EQ(second->rows[0].value, first->rows[0].value);
  keys->MarkDurable(Person(1).Encode());
  const auto third = keys->GetOrCreate(Person(1));
  EXPECT_EQ(third->secret.ExposeSecret(), first->secret.ExposeSecret());
  EXPECT_TRUE(third->rows.empty());
}

TEST_F(SubjectKeysTest, RowFormat) {
  const auto keys = Open();
  const auto key = keys->GetOrCreate(Person(1));
  const std::string row = *key->rows[0].value;
  // 0x01, epoch 1, salt 24, commitment 32, key 32, tag 16.
  EXPECT_EQ(row.size(), 1U + 4 + 24 + 32 + 32 + 16);
  EXPECT_EQ(crypto::HexEncode(row.substr(0, 5)), "0100000001");
  EXPECT_FALSE(SubjectKeys::IsTombstone(row));
  EXPECT_TRUE(SubjectKeys::IsTombstone(*crypto::HexDecode("0100000000")));
}

TEST_F(SubjectKeysTest, EachSubjectHasItsOwnKeyAndKindsAreDistinct) {
  const auto keys = Open();
  Subject record = Person(1);
  record.kind = Subject::Kind::kSenderRecord;
  EXPECT_NE(keys->GetOrCreate(Person(1))->secret.ExposeSecret(),
            keys->GetOrCreate(Person(2))->secret.ExposeSecret());
  EXPECT_NE(keys->GetOrCreate(Person(1))->secret.ExposeSecret(),
            keys->GetOrCreate(record)->secret.ExposeSecret());
}

TEST_F(SubjectKeysTest, PendingKeysStayHoweverSmallTheCache) {
  const auto keys = Open(1);
  const std::string key(keys->GetOrCreate(Person(0))->secret.ExposeSecret());
  for (uint64_t i = 1; i < 500; ++i) {
    ASSERT_TRUE(keys->GetOrCreate(Person(i)).ok());
  }
  EXPECT_EQ(keys->GetOrCreate(Person(0))->secret.ExposeSecret(), key);
}

TEST_F(SubjectKeysTest, TwoCallersGetTheSameKey) {
  const auto keys = Open(10'000);
  std::vector<std::vector<std::string>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&keys, &mine] {
      for (uint64_t i = 0; i < 300; ++i) {
        mine.emplace_back(keys->GetOrCreate(Person(i))->secret.ExposeSecret());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const auto& other : seen) {
    EXPECT_EQ(other, seen[0]);
  }
}

TEST_F(SubjectKeysTest, SealedStateIsBoundToSubjectAndContext) {
  const auto keys = Open();
  const auto sealed = keys->SealState(Person(1), "partition/key", "secret words");
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_EQ(sealed->find("secret words"), std::string::npos);
  EXPECT_EQ((*sealed)[0], 0x01);
  const auto opened = keys->OpenState(Person(1), "partition/key", *sealed);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(*opened, "secret words");
  EXPECT_FALSE(keys->OpenState(Person(1), "partition/other", *sealed).ok());
  ASSERT_TRUE(keys->GetOrCreate(Person(2)).ok());
  EXPECT_FALSE(keys->OpenState(Person(2), "partition/key", *sealed).ok());
  EXPECT_TRUE(absl::IsNotFound(keys->OpenState(Person(3), "partition/key", *sealed).status()));
  EXPECT_FALSE(keys->OpenState(Person(1), "partition/key", "").ok());
}

TEST_F(SubjectKeysTest, NoKeyIsNotFound) {
  const auto keys = Open();
  EXPECT_TRUE(absl::IsNotFound(keys->Get(Person(1)).status()));
}

TEST(SubjectKeysLogTest, KeysSurviveARestartAndEviction) {
  SimLogHarness harness({.subject_cache_entries = 1});
  harness.Append(SubjectEvent(Person(1)));
  const std::string key(harness.log().keys().Get(Person(1))->ExposeSecret());
  for (uint64_t i = 2; i < 20; ++i) {
    harness.Append(SubjectEvent(Person(i)));
  }
  EXPECT_EQ(harness.log().keys().Get(Person(1))->ExposeSecret(), key);
  harness.Crash();
  ASSERT_TRUE(harness.Reopen().ok());
  EXPECT_EQ(harness.log().keys().Get(Person(1))->ExposeSecret(), key);
  EXPECT_TRUE(harness.log().keys().GetOrCreate(Person(1))->rows.empty());
}

TEST(SubjectKeysLogTest, ErasedSubjectGetsNoNewKey) {
  SimLogHarness harness;
  harness.Append({SubjectEvent(Person(1)), SubjectEvent(Person(2))});
  // Drafted before the erasure, committed after it.
  auto late = harness.log().Draft(SubjectEvent(Person(1)));
  ASSERT_TRUE(late.ok());
  auto rows = harness.log().keys().EraseRows(Person(1));
  ASSERT_TRUE(rows.ok()) << rows.status();
  auto erased = harness.log().Draft(PlainEvent());
  erased->rows = *rows;
  storage::CommitRequest commit;
  commit.leaves.push_back(*erased);
  ASSERT_TRUE(harness.Run(harness.store().Commit(std::move(commit))).ok());

  const auto check = [&] {
    EXPECT_TRUE(absl::IsFailedPrecondition(harness.log().keys().GetOrCreate(Person(1)).status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(harness.log().Draft(SubjectEvent(Person(1))).status()));
    EXPECT_TRUE(absl::IsNotFound(harness.log().keys().Get(Person(1)).status()));
    EXPECT_TRUE(harness.log().LeavesOf(Person(1), 0, 10)->empty());
    EXPECT_TRUE(harness.log().keys().EraseRows(Person(1))->empty());
    EXPECT_TRUE(harness.log().keys().Get(Person(2)).ok());
  };
  check();
  storage::CommitRequest after;
  after.leaves.push_back(*late);
  ASSERT_TRUE(harness.Run(harness.store().Commit(std::move(after))).ok());
  check();
  harness.Crash();
  ASSERT_TRUE(harness.Reopen().ok());
  check();
  EXPECT_TRUE(absl::IsNotFound(harness.log().keys().EraseRows(Person(3)).status()));
}

TEST(SubjectKeysLogTest, KeyDraftedBeforeAnErasureInTheSameGroupDoesNotComeBack) {
  SimLogHarness harness;
  // The key is pending in this draft: it carries the row.
  auto late = harness.log().Draft(SubjectEvent(Person(1)));
  ASSERT_EQ(late->rows.size(), 1U);
  auto erased = harness.log().Draft(PlainEvent());
  erased->rows = *harness.log().keys().EraseRows(Person(1));
  storage::CommitRequest commit;
  commit.leaves.push_back(*erased);
  commit.leaves.push_back(*late);
  ASSERT_TRUE(harness.Run(harness.store().Commit(std::move(commit))).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(harness.log().keys().GetOrCreate(Person(1)).status()));
  harness.Crash();
  ASSERT_TRUE(harness.Reopen().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(harness.log().keys().GetOrCreate(Person(1)).status()));
}

TEST(SubjectKeysLogTest, PointersOfALongLifeAreErasedInSeveralCommits) {
  SimLogHarness harness;
  std::vector<Event> events(700, SubjectEvent(Person(1)));
  harness.Append(events);
  harness.Append(events);
  int commits = 0;
  for (;; ++commits) {
    auto rows = harness.log().keys().EraseRows(Person(1));
    ASSERT_TRUE(rows.ok()) << rows.status();
    ASSERT_LE(rows->size(), SubjectKeys::kEraseRows);
    if (rows->empty()) {
      break;
    }
    auto draft = harness.log().Draft(PlainEvent());
    draft->rows = *std::move(rows);
    storage::CommitRequest commit;
    commit.leaves.push_back(*std::move(draft));
    ASSERT_TRUE(harness.Run(harness.store().Commit(std::move(commit))).ok());
  }
  EXPECT_EQ(commits, 2);
  EXPECT_FALSE(harness.store().LogLast(storage::LogTable::kLeafSubjects)->has_value());
  EXPECT_FALSE(harness.store().LogLast(storage::LogTable::kSubjectLeaves)->has_value());
}

TEST(SubjectKeysLogTest, DestroyedEpochKeyErases) {
  SimLogHarness harness;
  harness.Append(SubjectEvent(Person(1)));
  harness.Crash();
  ASSERT_TRUE(harness.ring().Destroy("audit-epoch", 1).ok());
  ASSERT_TRUE(harness.Reopen().ok());
  EXPECT_TRUE(absl::IsNotFound(harness.log().keys().Get(Person(1)).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(harness.log().keys().GetOrCreate(Person(1)).status()));
  const auto opened = harness.log().ReadOpened(0, 10);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)[0].opening, OpenedLeaf::Opening::kErased);
}

}  // namespace
}  // namespace relais::audit
