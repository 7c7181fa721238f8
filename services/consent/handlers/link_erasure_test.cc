#include <gtest/gtest.h>

#include <map>
#include <string>

#include "services/consent/handlers/linking.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::AreOne;
using testing::Crashing;
using testing::Erase;
using testing::InStore;
using testing::kDeny;
using testing::kPermit;
using testing::Merge;
using testing::PoolWorld;
using testing::Recorded;
using testing::Ref;
using testing::Refuse;
using testing::Several;
using testing::SimWorld;
using testing::Split;
using testing::Two;

TEST(Merge, WhoIsErasedBeforeSheListedTheOtherReleasesHer) {
  int released = 0;
  for (uint64_t step = 0; step < 30; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const Two two(world);
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c1")).ok());
    *crashing.armed = true;
    if (Merge(world, two.a, two.b).ok()) {
      break;
    }
    world.Restart();
    Registry& registry = world.service().registry();
    const Id128 b = world.IdOf(two.b);
    if (!registry.store.LoadOwn(b)->state->linked_to() ||
        !registry.store.LoadOwn(world.IdOf(two.a))->state->links().empty()) {
      continue;
    }
    v1::EraseRequest erase;
    erase.set_request_id("e1");
    *erase.mutable_person() = two.a;
    erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
    ASSERT_TRUE(world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase)).ok());
    ASSERT_TRUE(world.Run(CompleteLink(registry.files(), b)).ok());  // as the follower does
    EXPECT_EQ(Recorded(world, two.b), kPermit) << step;
    EXPECT_EQ(world.Check(SimWorld::CheckFor(two.a)).status().code(), absl::StatusCode::kNotFound);
    ++released;
  }
  EXPECT_GE(released, 1);
}

TEST(Merge, ErasureOfOneErasesBoth) {
  for (const bool by_the_lower : {true, false}) {
    SimWorld world;
    const Two two(world);
    const Id128 a = world.IdOf(two.a);
    const Id128 b = world.IdOf(two.b);
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c1")).ok());
    ASSERT_TRUE(Merge(world, two.a, two.b).ok());
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c2")).ok());
    v1::EraseRequest erase;
    erase.set_request_id("e1");
    *erase.mutable_person() = by_the_lower ? two.a : two.b;
    erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
    const auto erased =
        world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase));
    ASSERT_TRUE(erased.ok()) << erased.status();
    for (const Ref& name : {two.a, two.b}) {
      EXPECT_EQ(world.Check(SimWorld::CheckFor(name)).status().code(), absl::StatusCode::kNotFound);
      EXPECT_EQ(world.Record(SimWorld::ConsentFor(name, "c9")).status().code(), absl::StatusCode::kNotFound);
    }
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
    for (const char kind : {'P', 'X'}) {
      const auto partitions =
          world.context().store.ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10000);
      for (const storage::Partition& partition : *partitions) {
        const auto page = world.context().store.Scan(partition, "", "", 1000);
        for (const auto& row : page->entries) {
          for (const Id128& id : {a, b}) {
            EXPECT_EQ((partition.Encode() + row.key + row.entry.value).find(id.ToBytes()), std::string::npos)
                << kind << " " << row.key;
          }
        }
      }
    }
  }
}

// The leaves that ask for it, by whom they are about: the id that a follower acknowledges (ADR 41).
std::map<std::string, std::string> Asked(SimWorld& world) {
  std::map<std::string, std::string> ids;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::v1::EraseRequested payload;
    if (leaf.details.payload().UnpackTo(&payload)) {
      EXPECT_TRUE(ids.emplace(leaf.details.subject().id(), payload.erasure_id()).second);
    }
  }
  return ids;
}

TEST(Merge, AnErasureWaitsUntilFollowersHaveErasedEveryName) {
  for (const bool by_the_lower : {true, false}) {
    SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
    const Two two(world);
    ASSERT_TRUE(Merge(world, two.a, two.b).ok());
    v1::EraseRequest erase;
    erase.set_request_id("e1");
    *erase.mutable_person() = by_the_lower ? two.a : two.b;
    erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
    const auto erased =
        world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase));
    ASSERT_TRUE(erased.ok()) << erased.status();
    std::map<std::string, std::string> asked = Asked(world);
    ASSERT_EQ(asked.size(), 2);
    const std::string named = asked[world.IdOf(erase.person()).ToBytes()];
    const std::string other = asked[world.IdOf(by_the_lower ? two.b : two.a).ToBytes()];
    EXPECT_EQ(named, erased->erasure_id());
    EXPECT_NE(other, named) << "a follower would take it for a repetition";
    for (const std::string& id : {named, other}) {
      ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
      EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 0);
      EXPECT_EQ(Asked(world).size(), 2) << "both leaves open until both are erased there";
      v1::AcknowledgeErasureRequest acknowledge;
      acknowledge.set_erasure_id(id);
      ASSERT_TRUE(
          world.Run(world.service().erasures().AcknowledgeErasure(world.AsService("routing"), acknowledge))
              .ok());
      world.Restart();
    }
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
    EXPECT_TRUE(Asked(world).empty());
  }
}

// ---- retention (D-2.10)

void Sweep(SimWorld& world) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
}

// She is judged alone, and before her erasure is requested a link makes her one with somebody who was met.
TEST(Retention, WhoIsLinkedWhileSheIsJudgedIsJudgedAnew) {
  SimWorld world;
  const Two two(world);
  world.harness().sim().Skip(absl::Hours(24 * 700));
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c1")).ok());
  world.harness().sim().Skip(absl::Hours(24 * 32));
  bool linked = false;
  world.OnceDirectoryIsAsked([&] { linked = Merge(world, two.a, two.b).ok(); });
  Sweep(world);
  ASSERT_TRUE(linked);
  ASSERT_TRUE(AreOne(world, two.a, two.b));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 0);
  for (const Ref& name : {two.a, two.b}) {
    EXPECT_TRUE(world.Check(SimWorld::CheckFor(name)).ok());
  }
  world.harness().sim().Skip(absl::Hours(24 * 732));
  Sweep(world);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1) << "once nobody has met either for two years";
  EXPECT_FALSE(InStore(world, world.IdOf(two.b)));
}

TEST(Retention, WhatIsSaidOfRecordsAloneIsNoContact) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 4);
  const Ref met = world.NewPerson("met");
  world.harness().sim().Skip(absl::Hours(24 * 700));
  const auto merged = Merge(world, names[0], names[1]);
  ASSERT_TRUE(merged.ok()) << merged.status();
  ASSERT_TRUE(Merge(world, names[2], names[3], "m2").ok());
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  for (const auto event_class :
       {audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, audit::v1::EVENT_CLASS_CANDIDATE_DECIDED,
        audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED, audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED,
        audit::v1::EVENT_CLASS_WITHHELD_LISTED}) {
    for (const Ref& name : names) {
      world.harness().Append(audit::testing::SubjectEvent(PersonSubject(world.IdOf(name)), event_class));
    }
  }
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(met, "c1")).ok());
  world.harness().sim().Skip(absl::Hours(24 * 32));
  Sweep(world);
  for (const Ref& name : names) {
    EXPECT_FALSE(InStore(world, world.IdOf(name)));
  }
  EXPECT_TRUE(world.Check(SimWorld::CheckFor(met)).ok()) << "that the test can fail";
}

TEST(Retention, TheProofOfAFrozenAgreementGoesWithTheOthers) {
  SimWorld world;
  const Two two(world);
  const auto proofs = [&](const Ref& name) {
    return world.context().store.Scan(PersonPartition(world.IdOf(name)), "consent/", "", 100)->entries.size();
  };
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c-1")).ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok()) << merged.status();
  for (const char* request : {"c-2", "c-3", "c-4"}) {  // she is met every other year
    world.harness().sim().Skip(absl::Hours(24 * 690));
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, request)).ok());
  }
  world.harness().sim().Skip(absl::Hours(24 * 110));  // 6 years less some days since the first
  Sweep(world);
  EXPECT_EQ(proofs(two.b), 1u);
  world.harness().sim().Skip(absl::Hours(24 * 15));
  Sweep(world);
  EXPECT_EQ(proofs(two.b), 0u);
  EXPECT_EQ(proofs(two.a), 3u);
  const auto listed = [&](const Ref& name) {
    v1::ListConsentsRequest request;
    *request.mutable_person() = name;
    const auto response =
        world.Run(world.service().consents().ListConsents(world.As("ville-paris"), request));
    return response.ok() ? response->consents_size() : -1;
  };
  EXPECT_EQ(listed(two.a), 3) << "of one whose proof is gone the history still tells";
  audit::v1::Purged purged;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.details.payload().UnpackTo(&purged) && purged.rule() == "AGREEMENT_PROOF") {
      break;
    }
  }
  EXPECT_EQ(purged.rule(), "AGREEMENT_PROOF");
  EXPECT_EQ(purged.count(), 1u);
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  EXPECT_EQ(proofs(two.b), 0u) << "a split brings nothing back";
  EXPECT_EQ(listed(two.b), 0);
  EXPECT_EQ(proofs(two.a), 3u);
}

// At every step of a split each of the two is erased, and the other goes on with what she said.
TEST(Split, ErasedBetweenTwoCommitsNothingStaysAndNothingIsLost) {
  for (const bool of_root : {true, false}) {
    bool ended = false;
    for (uint64_t step = 0; step < 40 && !ended; ++step) {
      Crashing crashing(step);
      SimWorld world(crashing.options);
      const std::vector<Ref> names = Several(world, 3);
      const Ref& root = names[0];
      const Ref& leaver = names[1];
      const auto merged = Merge(world, root, leaver, "m1");
      ASSERT_TRUE(merged.ok());
      ASSERT_TRUE(Merge(world, leaver, names[2], "m2").ok());
      const auto yes = world.Record(SimWorld::ConsentFor(leaver, "c1"));
      ASSERT_TRUE(yes.ok());
      ASSERT_TRUE(Refuse(world, root, "r1").ok());
      *crashing.armed = true;
      ended = Split(world, merged->link_id()).ok();
      world.Restart();
      const auto own = world.service().registry().store.LoadOwn(world.IdOf(root));
      const Link* link = own->state->FindLink(*Id128::FromHex(merged->link_id()));
      if (link == nullptr || !link->until) {
        continue;  // they are one still
      }
      ASSERT_TRUE(Erase(world, of_root ? root : leaver).ok()) << step;
      ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
      if (of_root) {
        EXPECT_FALSE(InStore(world, world.IdOf(root))) << step;
        for (const Ref& name : {leaver, names[2]}) {
          EXPECT_EQ(Recorded(world, name), kDeny) << step << ": said while they were one";
        }
        EXPECT_TRUE(AreOne(world, leaver, names[2])) << step;
        v1::GetConsentRequest get;
        *get.mutable_person() = leaver;
        get.set_consent_id(yes->consent_id());
        EXPECT_TRUE(world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get)).ok())
            << step;
      } else {
        EXPECT_FALSE(InStore(world, world.IdOf(leaver))) << step;
        EXPECT_FALSE(InStore(world, world.IdOf(names[2]))) << step << ": one with her";
        EXPECT_EQ(Recorded(world, root), kDeny) << step;
        const auto rows = world.context().store.Scan(PersonPartition(world.IdOf(root)), "", "", 100);
        for (const auto& row : rows->entries) {
          EXPECT_FALSE(row.key.starts_with("of/") || row.key.starts_with("split/")) << step << row.key;
        }
      }
    }
    EXPECT_TRUE(ended);
  }
}

TEST(Merge, InterruptedAndErasedLeavesNoTrace) {
  for (const bool of_a : {true, false}) {
    bool ended = false;
    for (uint64_t step = 0; step < 30 && !ended; ++step) {
      Crashing crashing(step);
      SimWorld world(crashing.options);
      const Two two(world);
      *crashing.armed = true;
      ended = Merge(world, two.a, two.b).ok();
      world.Restart();
      const Ref& gone = of_a ? two.a : two.b;
      ASSERT_TRUE(Erase(world, gone).ok()) << step;
      ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
      EXPECT_FALSE(InStore(world, world.IdOf(gone))) << step << of_a;
    }
    EXPECT_TRUE(ended);
  }
}
}  // namespace
}  // namespace relais::consent
