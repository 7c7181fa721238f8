#include "common/audit/followed_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "common/audit/subject_keys.h"
#include "common/audit/testing/log_harness.h"
#include "common/storage/testing/damaged_store.h"
#include "relais/consent/v1/person_events.pb.h"

namespace relais::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Id128 Human(char name) { return *Id128::FromBytes(std::string(Id128::kSize, name)); }

// Applied to a service's own store, as a follower does; which leaves, in which order, is the test's.
class FollowedLinksTest : public ::testing::Test {
 public:
  static FollowedLeaf Leaf(char about, audit::v1::EventClass event_class) {
    FollowedLeaf leaf;
    leaf.header.set_event_class(event_class);
    leaf.opening = audit::v1::TailLeaf::OPENING_OPENED;
    leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
    leaf.details.mutable_subject()->set_id(Human(about).ToBytes());
    return leaf;
  }
  static FollowedLeaf Linked(char stays, char comes, char link = '1') {
    consent::v1::PersonsLinked payload;
    payload.set_link_id(Human(link).ToHex());
    payload.set_canonical_id(Human(stays).ToBytes());
    payload.set_linked_id(Human(comes).ToBytes());
    FollowedLeaf leaf = Leaf(stays, audit::v1::EVENT_CLASS_PERSONS_LINKED);
    leaf.details.mutable_payload()->PackFrom(payload);
    return leaf;
  }
  static FollowedLeaf Split(char stays, char leaves, char link = '1') {
    consent::v1::PersonsSplit payload;
    payload.set_link_id(Human(link).ToHex());
    payload.set_canonical_id(Human(stays).ToBytes());
    payload.set_linked_id(Human(leaves).ToBytes());
    FollowedLeaf leaf = Leaf(leaves, audit::v1::EVENT_CLASS_PERSONS_SPLIT);
    leaf.details.mutable_payload()->PackFrom(payload);
    return leaf;
  }

 protected:
  std::vector<Id128> Apply(FollowedLeaf leaf) {
    absl::StatusOr<std::vector<Id128>> names = harness_.Run(links_.Apply(std::move(leaf)));
    EXPECT_TRUE(names.ok()) << names.status();
    return names.value_or(std::vector<Id128>());
  }
  std::string NamesOf(char person) const {
    const absl::StatusOr<std::vector<Id128>> names = links_.NamesOf(Human(person));
    EXPECT_TRUE(names.ok()) << names.status();
    std::string text;
    for (const Id128& name : names.value_or(std::vector<Id128>())) {
      text += name.bytes()[0];
    }
    std::sort(text.begin() + 1, text.end());
    return text;
  }
  [[nodiscard]] size_t Rows(char person) {
    return harness_.store()
        .Scan({storage::PartitionKind::kPerson, Human(person)}, "", "", 1000)
        ->entries.size();
  }

  testing::SimLogHarness harness_;
  FollowedLinks links_{harness_.store(), harness_.log()};
};

TEST_F(FollowedLinksTest, FromEveryNameTheSame) {
  EXPECT_EQ(NamesOf('a'), "a");
  Apply(Linked('a', 'b', '1'));
  Apply(Linked('a', 'c', '2'));
  EXPECT_EQ(NamesOf('a'), "abc");
  EXPECT_EQ(NamesOf('b'), "bac");
  EXPECT_EQ(NamesOf('c'), "cab");
  Apply(Split('a', 'b', '1'));
  EXPECT_EQ(NamesOf('a'), "ac");
  EXPECT_EQ(NamesOf('b'), "b");
}

TEST_F(FollowedLinksTest, SaysWhomItConcerns) {
  EXPECT_THAT(Apply(Linked('a', 'c', '2')), UnorderedElementsAre(Human('a'), Human('c')));
  EXPECT_THAT(Apply(Linked('a', 'b', '1')), UnorderedElementsAre(Human('a'), Human('b'), Human('c')));
  // One that names nobody concerns all who are one human with whom it is about.
  EXPECT_THAT(Apply(Leaf('c', audit::v1::EVENT_CLASS_PERSONS_SPLIT)),
              UnorderedElementsAre(Human('a'), Human('b'), Human('c')));
  EXPECT_THAT(Apply(Split('a', 'b', '1')), UnorderedElementsAre(Human('a'), Human('b'), Human('c')));
  EXPECT_THAT(Apply(Leaf('d', audit::v1::EVENT_CLASS_PERSONS_LINKED)), ElementsAre(Human('d')));
  FollowedLeaf nobody;
  nobody.header.set_event_class(audit::v1::EVENT_CLASS_PERSONS_SPLIT);
  EXPECT_THAT(Apply(nobody), IsEmpty());
}

// Who goes along with somebody is linked to her by the same link: its end at one is no end at the other.
TEST_F(FollowedLinksTest, TheSameLinkGoesOnWithAnother) {
  Apply(Linked('a', 'b', '1'));
  Apply(Linked('a', 'c', '2'));
  Apply(Split('a', 'b', '1'));
  Apply(Split('a', 'c', '2'));
  Apply(Linked('b', 'c', '2'));
  EXPECT_EQ(NamesOf('a'), "a");
  EXPECT_EQ(NamesOf('b'), "bc");
  EXPECT_EQ(NamesOf('c'), "cb");
  Apply(Split('b', 'c', '2'));
  EXPECT_EQ(NamesOf('c'), "c");
}

// Leaves about different persons may be applied in any order, and all of them again after a crash.
TEST_F(FollowedLinksTest, WhateverTheOrderAndHoweverOften) {
  std::vector<int> order = {0, 1, 2, 3, 4};
  do {
    testing::SimLogHarness harness;
    FollowedLinks links(harness.store(), harness.log());
    const std::vector<FollowedLeaf> leaves = {Linked('a', 'b', '1'), Linked('a', 'c', '2'),
                                              Split('a', 'b', '1'), Split('a', 'c', '2'),
                                              Linked('b', 'c', '2')};
    for (int round = 0; round < 2; ++round) {
      for (const int i : order) {
        ASSERT_TRUE(harness.Run(links.Apply(leaves[i])).ok());
      }
    }
    EXPECT_THAT(*links.NamesOf(Human('a')), ElementsAre(Human('a')));
    EXPECT_THAT(*links.NamesOf(Human('b')), ElementsAre(Human('b'), Human('c')));
    EXPECT_THAT(*links.NamesOf(Human('c')), ElementsAre(Human('c'), Human('b')));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(FollowedLinksTest, NothingIsKeptAboutWhoIsErased) {
  harness_.log().keys().Freeze({Subject::Kind::kPerson, Human('b')});
  Apply(Linked('a', 'b'));
  EXPECT_EQ(Rows('a') + Rows('b'), 0u);
  harness_.log().keys().Unfreeze({Subject::Kind::kPerson, Human('b')});
  Apply(Linked('a', 'b'));
  EXPECT_EQ(Rows('b'), 1u);
}

TEST_F(FollowedLinksTest, ForgottenSheIsNobodysName) {
  Apply(Linked('a', 'b', '1'));
  Apply(Linked('a', 'c', '2'));
  ASSERT_TRUE(harness_.Run(links_.Forget(Human('b'))).ok());
  EXPECT_EQ(NamesOf('a'), "ac");
  EXPECT_EQ(NamesOf('c'), "ca");
  ASSERT_TRUE(harness_.Run(links_.Forget(Human('b'))).ok()) << "again";
  ASSERT_TRUE(harness_.Run(links_.Forget(Human('d'))).ok()) << "who was nobody's";
  ASSERT_TRUE(harness_.Run(links_.Forget(Human('a'))).ok());
  EXPECT_EQ(NamesOf('c'), "c");
}

TEST_F(FollowedLinksTest, ARowThatDoesNotReadNamesNobodyAndStopsNothing) {
  Apply(Linked('a', 'c', '2'));
  storage::CommitRequest damage;
  damage.partition = {storage::PartitionKind::kPerson, Human('a')};
  damage.batch.push_back({"with/damaged", "three"});
  ASSERT_TRUE(harness_.Run(harness_.store().Commit(std::move(damage))).ok());
  EXPECT_THAT(Apply(Linked('a', 'b', '1')), UnorderedElementsAre(Human('a'), Human('b'), Human('c')));
  EXPECT_EQ(NamesOf('a'), "abc");
  const auto known = links_.ReadableNamesOf(Human('b'));
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_THAT(known->names, UnorderedElementsAre(Human('a'), Human('b'), Human('c')));
  EXPECT_FALSE(known->all) << "that row may name another";
  EXPECT_TRUE(harness_.Run(links_.Forget(Human('a'))).ok());
  EXPECT_TRUE(links_.ReadableNamesOf(Human('b'))->all);
  EXPECT_EQ(NamesOf('b'), "b");
}

TEST_F(FollowedLinksTest, WhoIsErasedIsForgottenWhereHerOwnRowDoesNotSayToo) {
  Apply(Linked('a', 'b', '1'));
  Apply(Linked('a', 'c', '2'));
  const storage::Partition hers{storage::PartitionKind::kPerson, Human('a')};
  const auto rows = harness_.store().Scan(hers, "with/", "", 10);
  ASSERT_EQ(rows->entries.size(), 2u);
  for (const storage::KeyedEntry& row : rows->entries) {
    storage::CommitRequest damage;
    damage.partition = hers;
    damage.batch.push_back({row.key, "three"});
    ASSERT_TRUE(harness_.Run(harness_.store().Commit(std::move(damage))).ok());
  }
  ASSERT_TRUE(harness_.Run(links_.Forget(Human('a'))).ok());
  EXPECT_EQ(NamesOf('b'), "b");
  EXPECT_EQ(NamesOf('c'), "c");
}

// A block of the disk that does not read.
TEST(FollowedLinks, WhoIsErasedIsForgottenWhereHerRowsDoNotReadAtAll) {
  storage::testing::DamagedStore* disk = nullptr;
  testing::HarnessOptions options;
  options.make_store = [&disk](
                           Executor& executor,
                           storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
    auto store = std::make_unique<storage::testing::DamagedStore>(std::make_unique<storage::MemoryStore>(
        std::make_shared<storage::MemoryDisk>(), executor, sequencer, storage::MemoryStore::Options{}));
    disk = store.get();
    return std::unique_ptr<storage::Store>(std::move(store));
  };
  testing::SimLogHarness harness(std::move(options));
  FollowedLinks links(harness.store(), harness.log());
  for (const auto& [other, link] : {std::pair('b', '1'), std::pair('c', '2')}) {
    ASSERT_TRUE(harness.Run(links.Apply(FollowedLinksTest::Linked('a', other, link))).ok());
  }
  disk->Damage({storage::PartitionKind::kPerson, Human('a')}, "with/", "with0");
  ASSERT_TRUE(absl::IsDataLoss(links.NamesOf(Human('a')).status()));
  const auto known = links.ReadableNamesOf(Human('b'));
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_THAT(known->names, ElementsAre(Human('b'), Human('a')));
  EXPECT_FALSE(known->all);
  ASSERT_TRUE(harness.Run(links.Forget(Human('a'))).ok());
  EXPECT_THAT(*links.NamesOf(Human('b')), ElementsAre(Human('b')));
  EXPECT_THAT(*links.NamesOf(Human('c')), ElementsAre(Human('c')));
}

TEST_F(FollowedLinksTest, WhatNobodyCanReadIsPassedOver) {
  FollowedLeaf nobody = Leaf('a', audit::v1::EVENT_CLASS_PERSONS_LINKED);
  nobody.details.mutable_subject()->set_id("no id");
  EXPECT_THAT(Apply(nobody), IsEmpty());
  FollowedLeaf leaf = Linked('a', 'b');
  consent::v1::PersonsLinked payload;
  payload.set_link_id("not an id");
  payload.set_canonical_id(Human('a').ToBytes());
  payload.set_linked_id(Human('b').ToBytes());
  leaf.details.mutable_payload()->PackFrom(payload);
  EXPECT_THAT(Apply(leaf), ElementsAre(Human('a')));
  EXPECT_EQ(Rows('a'), 0u);
}

}  // namespace
}  // namespace relais::audit
