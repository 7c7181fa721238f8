#include "common/audit/sequencer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/audit/leaf.h"
#include "common/audit/testing/log_harness.h"
#include "common/base/testing/fake_clock.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/memory_key_ring.h"

namespace relais::audit::internal {
namespace {

using storage::LogTable;

class SequencerTest : public ::testing::Test {
 protected:
  SequencerTest() : keys_(*SubjectKeys::Open(ring_, random_, 100)) {}

  storage::LeafDraft Draft() {
    storage::LeafDraft draft;
    Event event = testing::PlainEvent();
    event.event_id = random_.Id();
    draft.bytes = *SealLeaf(event, random_.Bytes(16), false, key_, key_);
    return draft;
  }
  std::vector<storage::LeafDraft> Drafts(size_t count) {
    std::vector<storage::LeafDraft> drafts;
    for (size_t i = 0; i < count; ++i) {
      drafts.push_back(Draft());
    }
    return drafts;
  }

  relais::testing::FakeClock clock_{absl::FromUnixSeconds(1'800'000'000) + absl::Nanoseconds(123)};
  relais::testing::SeededRandom random_{3};
  crypto::MemoryKeyRing ring_;
  Secret key_{std::string(32, 'k')};
  std::unique_ptr<SubjectKeys> keys_;
  std::vector<Durable> durable_;
  relais::testing::SimExecutor timers_{3, clock_.Now()};
  RecentLeaves recent_;
  std::shared_ptr<FreshActors> actors_ = std::make_shared<FreshActors>(clock_, timers_);
  TreeSequencer sequencer_{clock_, *keys_, recent_, *actors_,
                           [this](const Durable& d) { durable_.push_back(d); }};
};

TEST_F(SequencerTest, GivesConsecutivePlacesAndWritesEachNodeOnce) {
  std::map<std::string, std::string> nodes;
  merkle::Frontier expected;
  for (int commit = 0; commit < 9; ++commit) {
    std::vector<storage::LogRow> rows;
    const auto range = sequencer_.Stage(Drafts(3), rows);
    EXPECT_EQ(range.first, static_cast<uint64_t>(commit) * 3);
    EXPECT_EQ(range.count, 3U);
    EXPECT_EQ(range.tree_size, static_cast<uint64_t>(commit) * 3 + 3);
    for (const storage::LogRow& row : rows) {
      if (row.table == LogTable::kNodes) {
        EXPECT_EQ(row.key.size(), 10U);
        EXPECT_TRUE(nodes.emplace(row.key, *row.value).second);
      } else if (row.table == LogTable::kLeaves) {
        expected.Append(merkle::HashLeaf(*row.value), nullptr);
      }
    }
    sequencer_.Committed();
    EXPECT_EQ(durable_.back().root, expected.root());
  }
  // 27 leaves: 13 + 6 + 3 + 1 complete subtrees above the leaves.
  EXPECT_EQ(nodes.size(), 23U);
}

TEST_F(SequencerTest, AbandonedGroupsLeaveNoTrace) {
  std::vector<storage::LogRow> rows;
  (void)sequencer_.Stage(Drafts(5), rows);
  sequencer_.Committed();
  (void)sequencer_.Stage(Drafts(4), rows);
  (void)sequencer_.Stage(Drafts(4), rows);
  clock_.Advance(absl::Hours(1));
  sequencer_.Abandoned();
  const auto range = sequencer_.Stage({}, rows);
  EXPECT_EQ(range.tree_size, 5U);
  EXPECT_EQ(durable_.size(), 1U);
}

TEST_F(SequencerTest, TimesNeverDecrease) {
  const auto time_of = [&] {
    std::vector<storage::LogRow> rows;
    (void)sequencer_.Stage(Drafts(1), rows);
    sequencer_.Committed();
    for (const storage::LogRow& row : rows) {
      if (row.table == LogTable::kLeaves) {
        return ParseLeaf(*row.value)->time;
      }
    }
    return absl::InfinitePast();
  };
  const absl::Time first = time_of();
  EXPECT_EQ(first, absl::FromUnixSeconds(1'800'000'000));
  clock_.SetCivil(first - absl::Hours(1));
  EXPECT_EQ(time_of(), first);
  clock_.SetCivil(first + absl::Seconds(1));
  EXPECT_EQ(time_of(), first + absl::Seconds(1));
}

TEST_F(SequencerTest, WritesPointersBesideALeafWithSubject) {
  storage::LeafDraft draft = Draft();
  draft.subject = testing::Person(1).Encode();
  std::vector<storage::LogRow> rows;
  (void)sequencer_.Stage({draft}, rows);
  const std::string index(8, '\0');
  int pointers = 0;
  for (const storage::LogRow& row : rows) {
    if (row.table == LogTable::kSubjectLeaves) {
      EXPECT_EQ(row.key, draft.subject + index);
      ++pointers;
    } else if (row.table == LogTable::kLeafSubjects) {
      EXPECT_EQ(row.key, index);
      EXPECT_EQ(row.value, draft.subject);
      ++pointers;
    }
  }
  EXPECT_EQ(pointers, 2);
}

TEST_F(SequencerTest, WhoActedIsHandedOverOnceDurable) {
  (void)actors_->Take(0, 1);  // somebody takes
  const auto draft_of = [this](const std::string& agent) {
    storage::LeafDraft draft = Draft();
    draft.drafted = std::make_shared<const Drafted>(
        Drafted{std::make_shared<const DraftedLeaf>(),
                std::make_shared<const DraftedActor>(DraftedActor{agent, "", clock_.Now()})});
    return draft;
  };
  std::vector<storage::LogRow> rows;
  (void)sequencer_.Stage({draft_of("lost")}, rows);
  sequencer_.Abandoned();
  (void)sequencer_.Stage({Draft(), draft_of("kept")}, rows);
  EXPECT_EQ(actors_->Take(0, 2), (std::vector<FreshActors::Actor>{nullptr, nullptr}));
  sequencer_.Committed();
  const std::vector<FreshActors::Actor> actors = actors_->Take(0, 3);
  EXPECT_EQ(actors.at(0), nullptr);
  ASSERT_NE(actors.at(1), nullptr);
  EXPECT_EQ(actors.at(1)->agent, "kept");
  EXPECT_EQ(actors.at(2), nullptr);
  const RecentLeaves::Leaf recent = recent_.Read(1, 1).at(0);
  EXPECT_NE(recent->drafted, nullptr);
  EXPECT_EQ(recent->hash, merkle::HashLeaf(recent->bytes));
}

// A leaf and a key that were drafted before an erasure and come after it.
TEST_F(SequencerTest, WhatComesAfterAnErasureLeavesNoTraceOfTheSubject) {
  const Subject her = testing::Person(1);
  const auto erase = [](const Subject& subject) {
    storage::LeafDraft draft;
    draft.rows.push_back(SubjectKeys::TombstoneRow(subject));
    return draft;
  };
  // Tables of rows about her, tombstones not counted.
  const auto stage_late = [&] {
    storage::LeafDraft late = Draft();
    late.subject = her.Encode();
    late.rows.push_back({LogTable::kSubjectKeys, her.Encode(), std::string(1 + 4 + 32, '\1')});
    late.drafted = std::make_shared<const Drafted>(Drafted{std::make_shared<const DraftedLeaf>(), nullptr});
    std::vector<storage::LogRow> rows;
    (void)sequencer_.Stage({late}, rows);
    return std::count_if(rows.begin(), rows.end(), [](const storage::LogRow& row) {
      return row.table == LogTable::kSubjectKeys || row.table == LogTable::kSubjectLeaves ||
             row.table == LogTable::kLeafSubjects;
    });
  };
  std::vector<storage::LogRow> rows;
  EXPECT_EQ(stage_late(), 3);
  sequencer_.Committed();
  EXPECT_NE(recent_.Read(0, 1).at(0)->drafted, nullptr);

  (void)sequencer_.Stage({erase(her)}, rows);
  EXPECT_EQ(stage_late(), 0) << "in the group of the erasure";
  sequencer_.Abandoned();
  EXPECT_EQ(stage_late(), 3) << "the erasure was not";
  sequencer_.Abandoned();

  (void)sequencer_.Stage({erase(her)}, rows);
  sequencer_.Committed();
  EXPECT_EQ(stage_late(), 0) << "in a later group";
  sequencer_.Committed();
  EXPECT_EQ(recent_.Read(0, 1).at(0)->drafted, nullptr);
  EXPECT_EQ(recent_.Read(1, 1).at(0)->drafted, nullptr);
}

TEST_F(SequencerTest, TheLeafIsPutFromTheBytesThatAreKept) {
  std::vector<storage::LogRow> rows;
  (void)sequencer_.Stage(Drafts(1), rows);
  sequencer_.Committed();
  const RecentLeaves::Leaf recent = recent_.Read(0, 1).at(0);
  ASSERT_EQ(rows.at(0).table, LogTable::kLeaves);
  EXPECT_EQ(&*rows.at(0).value, &recent->bytes);
  EXPECT_EQ(merkle::HashLeaf(*rows.at(0).value), recent->hash);
}

TEST_F(SequencerTest, NothingIsAnnouncedWithoutLeaves) {
  std::vector<storage::LogRow> rows;
  (void)sequencer_.Stage({}, rows);
  sequencer_.Committed();
  EXPECT_TRUE(durable_.empty());
  EXPECT_TRUE(rows.empty());
}

}  // namespace
}  // namespace relais::audit::internal
