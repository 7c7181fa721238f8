#include "services/consent/handlers/linking.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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

TEST(Merge, HerNoUnderEitherNameCountsUnderBoth) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  ASSERT_TRUE(Refuse(world, two.b, "r1").ok());
  ASSERT_EQ(Recorded(world, two.a), kPermit) << "two persons still";
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok()) << merged.status();
  for (const Ref& name : {two.a, two.b}) {
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(name)), kDeny);
    EXPECT_EQ(Recorded(world, name), kDeny);
  }
  // She answers it under either name.
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c2")).ok());
  for (const Ref& name : {two.a, two.b}) {
    EXPECT_EQ(Recorded(world, name), kPermit);
  }
  ASSERT_TRUE(world.WithdrawAll(two.a, "w1").ok());
  for (const Ref& name : {two.a, two.b}) {
    EXPECT_EQ(Recorded(world, name), kDeny);
  }
}

TEST(Merge, ALinkNeverAMove) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c1")).ok());
  ASSERT_TRUE(Merge(world, two.b, two.a).ok());  // in either order
  const Id128 a = world.IdOf(two.a);
  const Id128 b = world.IdOf(two.b);
  Store& store = world.service().registry().store;
  const auto frozen = store.LoadOwn(b);
  ASSERT_TRUE(frozen.ok());
  ASSERT_TRUE(frozen->state->linked_to().has_value()) << "the higher id is frozen";
  EXPECT_EQ(frozen->state->linked_to()->canonical, a);
  // An act under B's name goes to A's partition, and leaves B's as it is.
  const auto recorded = world.Record(SimWorld::ConsentFor(two.b, "c2"));
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  EXPECT_EQ(store.LoadOwn(b)->version, frozen->version);
  ASSERT_EQ(store.LoadOwn(a)->state->agreements().size(), 1u);
  EXPECT_EQ(store.LoadOwn(a)->state->agreements()[0].origin.of, b);
  EXPECT_EQ(store.Load(a)->state->agreements().size(), 2u);
  // Both are read whole, under either name; each handle names what it named.
  for (const Ref& name : {two.a, two.b}) {
    v1::ListConsentsRequest list;
    *list.mutable_person() = name;
    const auto listed = world.Run(world.service().consents().ListConsents(world.As("ville-paris"), list));
    ASSERT_TRUE(listed.ok()) << listed.status();
    EXPECT_EQ(listed->consents_size(), 2);
    v1::GetReceiptRequest receipt;
    *receipt.mutable_person() = name;
    for (const v1::Consent& consent : listed->consents()) {
      receipt.set_consent_id(consent.consent_id());
      const auto given = world.Run(world.service().receipts().GetReceipt(world.As("ville-paris"), receipt));
      EXPECT_TRUE(given.ok()) << given.status();
    }
    v1::ResolveRequest resolve;
    *resolve.mutable_person() = name;
    const auto resolved = world.Run(world.service().persons().Resolve(world.As("ville-paris"), resolve));
    ASSERT_TRUE(resolved.ok());
    EXPECT_EQ(resolved->person().handle(), name.handle());
  }
  // An act has a leaf about each of them: whoever follows one name learns of it.
  size_t about_a = 0;
  size_t about_b = 0;
  const Id128 event = *Id128::FromHex(recorded->consent_id());
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_id() == event.bytes()) {
      about_a += leaf.details.subject().id() == a.ToBytes() ? 1 : 0;
      about_b += leaf.details.subject().id() == b.ToBytes() ? 1 : 0;
    }
  }
  EXPECT_EQ(about_a, 1u);
  EXPECT_EQ(about_b, 1u);
}

TEST(Merge, NoLeafOfAnInstitutionHoldsAPersonsId) {
  SimWorld world;
  const Two two(world);
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  int of_the_registry = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    for (const Ref& name : {two.a, two.b}) {
      const bool held = leaf.details.payload().value().find(world.IdOf(name).ToBytes()) != std::string::npos;
      if (leaf.leaf.header.institution() == "service/consent") {
        of_the_registry += held ? 1 : 0;
      } else {
        EXPECT_FALSE(held) << "its DPO reads this leaf";
      }
    }
  }
  EXPECT_EQ(of_the_registry, 4) << "that the test can fail: two leaves, two ids each";
}

TEST(Merge, RenewedAndEndedUnderTheOtherName) {
  SimWorld world;
  const Two two(world);
  const auto given = world.Record(SimWorld::ConsentFor(two.b, "c1"));
  ASSERT_TRUE(given.ok());
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  v1::RenewConsentRequest renew;
  renew.set_request_id("n1");
  *renew.mutable_person() = two.a;
  renew.set_consent_id(given->consent_id());
  renew.set_method(v1::METHOD_SIGNED_PAPER);
  renew.mutable_notice()->set_id("notice-1");
  renew.mutable_notice()->set_version("2");
  world.harness().sim().RunFor(absl::Hours(24));
  const auto renewed = world.Run(world.service().consents().RenewConsent(world.As("ville-paris"), renew));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  v1::GetConsentRequest get;
  *get.mutable_person() = two.b;
  get.set_consent_id(given->consent_id());
  const auto read = world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->consent().renewals_size(), 1) << "one row, wherever it was written";
  EXPECT_EQ(world.service().registry().store.Load(world.IdOf(two.a))->state->agreements().size(), 1u);
}

// ADR 71: hers is what was agreed under any of her names, while they are one.
TEST(Merge, AskedAboutOneAgreementOfTheOtherName) {
  SimWorld world;
  const Two two(world);
  v1::RecordConsentRequest shorter = SimWorld::ConsentFor(two.b, "c1");
  shorter.mutable_valid_until()->set_seconds(
      absl::ToUnixSeconds(world.harness().clock().Now() + absl::Hours(24)));
  const auto under_b = world.Record(shorter);
  ASSERT_TRUE(under_b.ok()) << under_b.status();
  v1::CheckRequest check = SimWorld::CheckFor(two.a);
  check.set_consent_id(under_b->consent_id());
  EXPECT_EQ(world.Decision(check), kDeny) << "another person's";
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok()) << merged.status();
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c2")).ok());
  for (const Ref& name : {two.a, two.b}) {
    *check.mutable_person() = world.RawRef(world.IdOf(name));
    const auto response = world.Run(world.service().checks().Check(world.AsService("vault"), check));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->decision(), kPermit);
    EXPECT_EQ(response->categories(0).consent_id(), under_b->consent_id());
  }
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  *check.mutable_person() = two.a;
  EXPECT_EQ(world.Decision(check), kDeny) << "another person's again";
  *check.mutable_person() = two.b;
  EXPECT_EQ(world.Decision(check), kPermit);
}

TEST(Merge, OnceARequestAndRefusesWhatItShould) {
  SimWorld world;
  const Two two(world);
  const auto first = Merge(world, two.a, two.b);
  ASSERT_TRUE(first.ok());
  const auto again = Merge(world, two.a, two.b);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 2u) << "one about each";
  EXPECT_EQ(rpc::ReasonOf(Merge(world, two.b, two.a, "m2").status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(Merge(world, two.a, two.a, "m3").status().code(), absl::StatusCode::kInvalidArgument);
  // Somebody of whom the steward's institution has no record.
  const auto caf = world.Register("r9", "A-1", {}, "caf");
  ASSERT_TRUE(caf.ok());
  const Ref foreign = rpc::HandleFor(world.context(), "ville-paris", world.IdOf(caf->person(), "caf"));
  EXPECT_EQ(Merge(world, two.a, foreign, "m4").status().code(), absl::StatusCode::kNotFound);
}

TEST(Merge, ARequestFromBeforeIsFoundAgain) {
  SimWorld world;
  const Two two(world);
  const auto before = world.Record(SimWorld::ConsentFor(two.b, "c1"));
  ASSERT_TRUE(before.ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  const auto repeated = world.Record(SimWorld::ConsentFor(two.b, "c1"));
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->consent_id(), before->consent_id());
  const auto meanwhile = world.Record(SimWorld::ConsentFor(two.b, "c2"));
  ASSERT_TRUE(meanwhile.ok());
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  const auto after = world.Record(SimWorld::ConsentFor(two.b, "c2"));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->consent_id(), meanwhile->consent_id());
}

TEST(Merge, InterruptedAtEveryStepIsCompletedByWhoeverComes) {
  int interrupted = 0;
  for (uint64_t step = 0; step < 30; ++step) {
    for (const bool by_an_act : {false, true}) {
      Crashing crashing(step);
      SimWorld world(crashing.options);
      const Two two(world);
      ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
      ASSERT_TRUE(Refuse(world, two.b, "r1").ok());
      *crashing.armed = true;
      const bool done = Merge(world, two.a, two.b).ok();
      interrupted += done ? 0 : 1;
      world.Restart();
      // Under B's name her no counts at every step, whatever was interrupted.
      EXPECT_EQ(world.Decision(SimWorld::CheckFor(two.b)), kDeny) << step;
      if (by_an_act) {
        EXPECT_EQ(Recorded(world, two.b), kDeny) << step;
        ASSERT_TRUE(Refuse(world, two.b, "r2").ok()) << step;
        const auto own = world.service().registry().store.LoadOwn(world.IdOf(two.b));
        if (own->state->linked_to()) {
          EXPECT_EQ(Recorded(world, two.a), kDeny) << step << ": the link is complete by now";
        }
      }
      const auto merged = Merge(world, two.a, two.b);
      ASSERT_TRUE(merged.ok()) << step << ": " << merged.status();
      for (const Ref& name : {two.a, two.b}) {
        EXPECT_EQ(Recorded(world, name), kDeny) << step;
      }
      EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 2u) << step;
      if (done && by_an_act) {
        EXPECT_GE(interrupted, 6) << "claim, entry, two persons: before and after";
        return;
      }
    }
  }
  FAIL() << "it never ended";
}

TEST(Merge, AccessHistoryIsThatOfBoth) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  ASSERT_EQ(Recorded(world, two.a), kPermit);
  ASSERT_EQ(Recorded(world, two.b), kDeny);
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  ASSERT_EQ(Recorded(world, two.b), kPermit);
  v1::DeclareRequest declare;
  declare.set_request_id("d1");
  *declare.mutable_person() = two.b;
  declare.mutable_recipient()->set_institution("aphp");
  declare.add_categories("IDENTITY");
  declare.set_facts("inconsciente");
  declare.set_person_unable(true);
  declare.set_danger_serious(true);
  const auto declared = world.Run(world.service().emergencies().Declare(world.As("ville-paris"), declare));
  ASSERT_TRUE(declared.ok()) << declared.status();
  for (const Ref& name : {two.a, two.b}) {
    v1::ListDisclosuresRequest request;
    *request.mutable_person() = name;
    const auto listed =
        world.Run(world.service().disclosures().ListDisclosures(world.As("ville-paris"), request));
    ASSERT_TRUE(listed.ok()) << listed.status();
    int checks = 0;
    int emergencies = 0;
    for (const v1::Disclosure& entry : listed->disclosures()) {
      checks += entry.kind() == v1::DISCLOSURE_KIND_PERMITTED || entry.kind() == v1::DISCLOSURE_KIND_DENIED;
      emergencies += entry.kind() == v1::DISCLOSURE_KIND_EMERGENCY ? 1 : 0;
    }
    EXPECT_EQ(checks, 3);
    EXPECT_EQ(emergencies, 1) << "said once, though each has its leaf";
  }
}

// Whoever withdraws under one name and asks under the other, while they are linked and split all the time.
TEST(Merge, NoCheckPermitsAfterHerNoUnderTheOtherName) {
  PoolWorld world;
  const Two two(world);
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::atomic<int> asked = 0;
  // Others ask all the time, so that states are in the cache and versions move.
  std::thread others([&] {
    while (!stop) {
      for (const v1::CheckRequest& request :
           {PoolWorld::CheckFor(two.a, false), PoolWorld::CheckFor(two.b)}) {
        EXPECT_TRUE(BlockOn(world.service().checks().Check(world.As("ville-paris"), request)).ok());
      }
    }
  });
  for (int i = 0; i < 40; ++i) {
    const Ref& says = i % 2 == 0 ? two.a : two.b;
    const Ref& other = i % 2 == 0 ? two.b : two.a;
    const std::string n = std::to_string(i);
    const auto agreed = world.Record(PoolWorld::ConsentFor(says, "c" + n));
    const auto permitted = world.Check(PoolWorld::CheckFor(other, i % 3 == 0));
    const auto withdrawn = world.WithdrawAll(other, "w" + n);
    const auto denied = world.Check(PoolWorld::CheckFor(says, i % 3 == 0));
    ASSERT_TRUE(agreed.ok() && permitted.ok() && withdrawn.ok() && denied.ok())
        << agreed.status() << permitted.status() << withdrawn.status() << denied.status();
    asked += permitted->decision() == kPermit ? 1 : 0;
    wrong += denied->decision() == kPermit ? 1 : 0;
  }
  stop = true;
  others.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(asked, 40);
}

TEST(Merge, ARaceWithHerNoLosesNothing) {
  for (int round = 0; round < 10; ++round) {
    PoolWorld world;
    const Two two(world);
    ASSERT_TRUE(world.Record(PoolWorld::ConsentFor(two.a, "c1")).ok());
    std::thread refuses([&] {
      v1::RecordRefusalRequest request;
      request.set_request_id("r1");
      *request.mutable_person() = two.b;
      request.add_lines();
      EXPECT_TRUE(BlockOn(world.service().agreements().RecordRefusal(world.As("ville-paris"), request)).ok());
    });
    v1::MergeRequest request;
    request.set_request_id("m1");
    *request.mutable_person() = two.a;
    *request.mutable_other() = two.b;
    EXPECT_TRUE(BlockOn(world.service().links().Merge(world.As("ville-paris", "steward"), request)).ok());
    refuses.join();
    EXPECT_EQ(Recorded(world, two.a), kDeny) << round;
    EXPECT_EQ(world.Decision(PoolWorld::CheckFor(two.a)), kDeny) << round;
  }
}

TEST(Merge, NeverChained) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 4);
  ASSERT_TRUE(Refuse(world, names[3], "r1").ok());
  ASSERT_TRUE(Merge(world, names[2], names[3], "m1").ok());
  ASSERT_TRUE(Merge(world, names[1], names[3], "m2").ok());
  ASSERT_TRUE(Merge(world, names[2], names[0], "m3").ok());
  Store& store = world.service().registry().store;
  for (const size_t i : {0, 1, 3}) {
    const auto own = store.LoadOwn(world.IdOf(names[i]));
    ASSERT_TRUE(own->state->linked_to().has_value());
    EXPECT_EQ(own->state->linked_to()->canonical, world.IdOf(names[2])) << "who has others stays: " << i;
  }
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(names[0], "c1")).ok());
  for (const Ref& name : names) {
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(name)), kPermit) << "she answered her no";
    EXPECT_EQ(store.GroupOf(world.IdOf(name))->size(), 4u);
  }
  ASSERT_TRUE(Refuse(world, names[1], "r2").ok());
  for (const Ref& name : names) {
    EXPECT_EQ(Recorded(world, name), kDeny);
  }
}

// ADR 24: one to whom others are linked is not frozen, lest they stay with a third when she leaves.
TEST(Merge, WhoHasOthersIsNeverFrozen) {
  for (const size_t alone : {0, 1, 2}) {
    SimWorld world;
    const std::vector<Ref> names = Several(world, 3);
    const Ref& one = names[alone == 0 ? 1 : 0];
    const Ref& other = names[alone == 2 ? 1 : 2];
    ASSERT_TRUE(Refuse(world, one, "r1").ok());
    ASSERT_TRUE(Merge(world, one, other, "m1").ok());
    const auto with = Merge(world, names[alone], one, "m2");
    ASSERT_TRUE(with.ok()) << alone << with.status();
    for (const Ref& name : names) {
      EXPECT_EQ(Recorded(world, name), kDeny) << alone;
    }
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(names[alone], "c1")).ok());
    ASSERT_TRUE(Split(world, with->link_id()).ok());
    EXPECT_EQ(Recorded(world, names[alone]), kPermit) << alone << ": her own word";
    EXPECT_EQ(Recorded(world, one), kDeny) << alone;
    EXPECT_EQ(Recorded(world, other), kDeny) << alone << ": one with whom she was said to be";
    EXPECT_TRUE(AreOne(world, one, other)) << alone;
    EXPECT_FALSE(AreOne(world, names[alone], one)) << alone;
  }
}

TEST(Merge, TwoWhoBothHaveOthersAreRefused) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 4);
  const auto left = Merge(world, names[0], names[1], "m1");
  ASSERT_TRUE(left.ok());
  ASSERT_TRUE(Merge(world, names[2], names[3], "m2").ok());
  for (const auto& [one, other] : {std::pair(0, 2), std::pair(1, 3), std::pair(3, 0)}) {
    const auto refused = Merge(world, names[one], names[other], "x" + std::to_string(one));
    EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_WRONG_STATE);
    EXPECT_NE(refused.status().message().find("undo the links"), std::string::npos);
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 4u) << "nothing of it stays";
  ASSERT_TRUE(Split(world, left->link_id()).ok());
  world.harness().sim().RunFor(absl::Seconds(1));
  EXPECT_TRUE(Merge(world, names[0], names[2], "m3").ok());
}

// All that must hold whatever was linked and split at once.
template <typename World>
void ExpectSound(World& world, const std::vector<Ref>& names) {
  Store& store = world.service().registry().store;
  for (const Ref& name : names) {
    const Id128 id = world.IdOf(name);
    ASSERT_TRUE(world.Run(CompleteLink(world.service().registry().files(), id)).ok());
  }
  for (const Ref& name : names) {
    const Id128 id = world.IdOf(name);
    const auto own = store.LoadOwn(id);
    ASSERT_TRUE(own.ok());
    EXPECT_FALSE(own->state->linked_to() && own->state->HasLinked()) << "chained";
    if (own->state->linked_to()) {
      const auto root = store.LoadOwn(own->state->linked_to()->canonical);
      ASSERT_TRUE(root.ok());
      const Link* listed = root->state->FindLink(own->state->linked_to()->link);
      EXPECT_TRUE(listed != nullptr && !listed->until) << "frozen and not listed";
    }
    for (const Link& link : own->state->links()) {
      const auto other = store.LoadOwn(link.person);
      if (!link.until) {
        EXPECT_TRUE(other->state->linked_to() && other->state->linked_to()->link == link.id)
            << "listed and not frozen";
      }
      EXPECT_FALSE(world.context().store.Get(PersonPartition(id), "split/" + link.id.ToHex())->has_value())
          << "a row of a split that is over";
    }
    EXPECT_TRUE(store.LoadFresh(id).ok());
  }
}

TEST(Merge, ConcurrentMergesAndSplitsOfTheSameLeaveNobodyChained) {
  for (int round = 0; round < 12; ++round) {
    PoolWorld world;
    const std::vector<Ref> names = Several(world, 4);
    ASSERT_TRUE(world.Record(PoolWorld::ConsentFor(names[0], "c1")).ok());
    ASSERT_TRUE(Refuse(world, names[3], "r1").ok());
    const std::vector<std::pair<int, int>> pairs = {{0, 1}, {1, 2}, {2, 3}, {3, 0}};
    std::vector<std::thread> threads;
    for (const auto& [one, other] : pairs) {
      threads.emplace_back([&, one = one, other = other] {
        for (int i = 0; i < 3; ++i) {
          v1::MergeRequest merge;
          merge.set_request_id("m" + std::to_string(one) + std::to_string(i));
          *merge.mutable_person() = names[one];
          *merge.mutable_other() = names[other];
          const rpc::Call steward = world.As("ville-paris", "steward");
          const auto merged = BlockOn(world.service().links().Merge(steward, merge));
          if (!merged.ok()) {
            EXPECT_TRUE(rpc::ReasonOf(merged.status()) == common::v1::ERROR_REASON_WRONG_STATE ||
                        rpc::ReasonOf(merged.status()) == common::v1::ERROR_REASON_OVERLOADED)
                << merged.status();
            continue;
          }
          if ((one + i + round) % 3 == 0) {
            continue;
          }
          v1::SplitRequest split;
          split.set_request_id("s" + std::to_string(one) + std::to_string(i));
          split.set_link_id(merged->link_id());
          const auto parted = BlockOn(world.service().links().Split(steward, split));
          EXPECT_TRUE(parted.ok() || rpc::ReasonOf(parted.status()) == common::v1::ERROR_REASON_OVERLOADED ||
                      rpc::ReasonOf(parted.status()) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS)
              << parted.status();
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ExpectSound(world, names);
    EXPECT_EQ(Recorded(world, names[3]), kDeny) << round << ": she said no, and nothing since";
    if (AreOne(world, names[0], names[3])) {
      EXPECT_EQ(Recorded(world, names[0]), kDeny) << round;
    }
  }
}

// The call's own repetition, long after: what a steward took apart since is not linked by it.
TEST(Merge, ARequestFromBeforeASplitLinksNobodyAgain) {
  for (uint64_t step = 0; step < 30; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const Two two(world);
    *crashing.armed = true;
    const bool done = Merge(world, two.a, two.b, "m1").ok();
    world.Restart();
    if (done) {
      EXPECT_GE(step, 3u);
      return;
    }
    world.harness().sim().RunFor(absl::Seconds(1));
    auto other = Merge(world, two.a, two.b, "m2");
    if (!other.ok()) {
      continue;  // the first one is there by now
    }
    world.harness().sim().RunFor(absl::Seconds(1));
    ASSERT_TRUE(Split(world, other->link_id()).ok()) << step;
    if (step < 2) {
      continue;  // the request itself was not remembered: it is a new one
    }
    EXPECT_FALSE(Merge(world, two.a, two.b, "m1").ok()) << step;
    EXPECT_FALSE(AreOne(world, two.a, two.b)) << step;
  }
  FAIL() << "it never ended";
}
}  // namespace
}  // namespace relais::consent
