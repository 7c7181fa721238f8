#include "services/consent/handlers/linking.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::PoolWorld;
using testing::SimWorld;

constexpr auto kPermit = common::v1::DECISION_PERMIT;
constexpr auto kDeny = common::v1::DECISION_DENY;
using Ref = common::v1::PersonRef;

template <typename World>
absl::StatusOr<v1::MergeResponse> Merge(World& world, const Ref& one, const Ref& other,
                                        const std::string& request_id = "m1") {
  v1::MergeRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = one;
  *request.mutable_other() = other;
  return world.Run(world.service().links().Merge(world.As("ville-paris", "steward"), request));
}

template <typename World>
absl::StatusOr<v1::SplitResponse> Split(World& world, const std::string& link,
                                        const std::string& request_id = "s1") {
  v1::SplitRequest request;
  request.set_request_id(request_id);
  request.set_link_id(link);
  return world.Run(world.service().links().Split(world.As("ville-paris", "steward"), request));
}

template <typename World>
absl::StatusOr<v1::RecordRefusalResponse> Refuse(World& world, const Ref& person,
                                                 const std::string& request_id) {
  v1::RecordRefusalRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.add_lines();  // everything
  return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request));
}

// A is the one with the lower id.
template <typename World>
struct Two {
  explicit Two(World& world) : a(world.NewPerson("case-1")), b(world.NewPerson("case-2")) {
    if (world.IdOf(b) < world.IdOf(a)) {
      std::swap(a, b);
    }
  }
  Ref a;
  Ref b;
};

template <typename World>
common::v1::Decision Recorded(World& world, const Ref& person) {
  const auto response = world.Check(World::CheckFor(person, false));
  World::Require(response.status());
  return response->decision();
}

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

TEST(Merge, NeverChained) {
  SimWorld world;
  std::vector<Ref> names;
  for (const char* identifier : {"case-1", "case-2", "case-3", "case-4"}) {
    names.push_back(world.NewPerson(identifier));
  }
  std::sort(names.begin(), names.end(),
            [&](const Ref& a, const Ref& b) { return world.IdOf(a) < world.IdOf(b); });
  ASSERT_TRUE(Refuse(world, names[3], "r1").ok());
  ASSERT_TRUE(Merge(world, names[2], names[3], "m1").ok());
  ASSERT_TRUE(Merge(world, names[1], names[3], "m2").ok());
  ASSERT_TRUE(Merge(world, names[2], names[0], "m3").ok());
  Store& store = world.service().registry().store;
  for (size_t i = 1; i < names.size(); ++i) {
    const auto own = store.LoadOwn(world.IdOf(names[i]));
    ASSERT_TRUE(own->state->linked_to().has_value());
    EXPECT_EQ(own->state->linked_to()->canonical, world.IdOf(names[0])) << i;
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

// A machine that stops before the store's step number `step` after `arm` was called.
struct Crashing {
  std::shared_ptr<bool> armed = std::make_shared<bool>(false);
  audit::testing::HarnessOptions options;
  explicit Crashing(uint64_t step) : options(SimWorld::DefaultOptions()) {
    auto base = std::make_shared<uint64_t>(0);
    options.store.crash_at = [armed = armed, base, step](uint64_t at) {
      if (!*armed) {
        *base = at + 1;
        return false;
      }
      return at >= *base + step;
    };
  }
};

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

TEST(Split, EachIsOnItsOwnAgainAndTellsWhatWasDisclosed) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_EQ(Recorded(world, two.b), kPermit) << "on the other's agreement";
  const auto of_b = world.Record(SimWorld::ConsentFor(two.b, "c2"));
  ASSERT_TRUE(of_b.ok());
  const auto split = Split(world, merged->link_id());
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_EQ(split->impact().cause(), v1::LINK_CAUSE_MERGED);
  EXPECT_TRUE(split->impact().has_until());
  ASSERT_EQ(split->impact().disclosures_size(), 1);
  EXPECT_EQ(split->impact().disclosures(0).recipient().institution(), "caf");
  EXPECT_EQ(split->impact().disclosures_total(), 1u);
  const auto again = Split(world, merged->link_id());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->written().revision(), split->written().revision());
  EXPECT_EQ(rpc::ReasonOf(Split(world, merged->link_id(), "s2").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(Split(world, std::string(32, '0'), "s3").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_SPLIT), 2u);
  // Each has the agreement given under its name, with its text.
  for (const auto& [name, id] : {std::pair(two.a, std::string()), std::pair(two.b, of_b->consent_id())}) {
    v1::ListConsentsRequest list;
    *list.mutable_person() = name;
    const auto listed = world.Run(world.service().consents().ListConsents(world.As("ville-paris"), list));
    ASSERT_TRUE(listed.ok()) << listed.status();
    ASSERT_EQ(listed->consents_size(), 1);
    if (!id.empty()) {
      EXPECT_EQ(listed->consents(0).consent_id(), id);
    }
  }
  // And from here on a word of the one is none of the other.
  ASSERT_TRUE(world.WithdrawAll(two.a, "w1").ok());
  EXPECT_EQ(Recorded(world, two.a), kDeny);
  EXPECT_EQ(Recorded(world, two.b), kPermit);
  // They may be linked once more.
  ASSERT_TRUE(Merge(world, two.a, two.b, "m2").ok());
  EXPECT_EQ(Recorded(world, two.b), kDeny);
}

TEST(Split, EveryNoSaidMeanwhileStaysWithBoth) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c2")).ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_TRUE(world.WithdrawAll(two.b, "w1").ok());
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  EXPECT_EQ(Recorded(world, two.a), kDeny);
  EXPECT_EQ(Recorded(world, two.b), kDeny);
}

TEST(Split, InterruptedAtEveryStepIsCompletedByItsRepetition) {
  for (uint64_t step = 0; step < 30; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const Two two(world);
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
    const auto merged = Merge(world, two.a, two.b);
    ASSERT_TRUE(merged.ok());
    const auto of_b = world.Record(SimWorld::ConsentFor(two.b, "c2"));
    ASSERT_TRUE(of_b.ok());
    *crashing.armed = true;
    const bool done = Split(world, merged->link_id()).ok();
    world.Restart();
    // An act in between completes it, or finds them linked still.
    ASSERT_EQ(Recorded(world, two.b), kPermit) << step;
    const auto split = Split(world, merged->link_id());
    ASSERT_TRUE(split.ok()) << step << ": " << split.status();
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_SPLIT), 2u) << step;
    ASSERT_TRUE(world.WithdrawAll(two.a, "w1").ok());
    EXPECT_EQ(Recorded(world, two.a), kDeny) << step;
    EXPECT_EQ(Recorded(world, two.b), kPermit) << step;
    v1::GetConsentRequest get;
    *get.mutable_person() = two.b;
    get.set_consent_id(of_b->consent_id());
    EXPECT_TRUE(world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get)).ok()) << step;
    if (done) {
      EXPECT_GE(step, 6u);
      return;
    }
  }
  FAIL() << "it never ended";
}

TEST(Split, OneOfThreeLeavesTheOthersLinked) {
  SimWorld world;
  std::vector<Ref> names;
  for (const char* identifier : {"case-1", "case-2", "case-3"}) {
    names.push_back(world.NewPerson(identifier));
  }
  std::sort(names.begin(), names.end(),
            [&](const Ref& a, const Ref& b) { return world.IdOf(a) < world.IdOf(b); });
  // The highest is linked to the middle one, says yes under that link, and both then to the lowest.
  const auto first = Merge(world, names[1], names[2], "m1");
  ASSERT_TRUE(first.ok());
  const auto yes = world.Record(SimWorld::ConsentFor(names[2], "c1"));
  ASSERT_TRUE(yes.ok());
  ASSERT_TRUE(Merge(world, names[0], names[1], "m2").ok());
  for (const Ref& name : names) {
    ASSERT_EQ(Recorded(world, name), kPermit);
  }
  ASSERT_TRUE(Split(world, first->link_id()).ok());
  // Her yes goes with her, from wherever it stood.
  EXPECT_EQ(Recorded(world, names[2]), kPermit);
  EXPECT_EQ(Recorded(world, names[0]), kDeny);
  EXPECT_EQ(Recorded(world, names[1]), kDeny);
  v1::GetConsentRequest get;
  *get.mutable_person() = names[2];
  get.set_consent_id(yes->consent_id());
  const auto text = world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get));
  EXPECT_TRUE(text.ok()) << text.status();
  Store& store = world.service().registry().store;
  EXPECT_EQ(store.GroupOf(world.IdOf(names[0]))->size(), 2u);
  EXPECT_EQ(store.GroupOf(world.IdOf(names[2]))->size(), 1u);
}

TEST(Split, WhatWasRenewedUnderTheOtherNameGoesBackRenewed) {
  SimWorld world;
  const Two two(world);
  const auto given = world.Record(SimWorld::ConsentFor(two.b, "c1"));
  ASSERT_TRUE(given.ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  world.harness().sim().RunFor(absl::Hours(24));
  v1::RenewConsentRequest renew;
  renew.set_request_id("n1");
  *renew.mutable_person() = two.a;
  renew.set_consent_id(given->consent_id());
  renew.set_method(v1::METHOD_SIGNED_PAPER);
  renew.mutable_notice()->set_id("notice-1");
  renew.mutable_notice()->set_version("2");
  ASSERT_TRUE(world.Run(world.service().consents().RenewConsent(world.As("ville-paris"), renew)).ok());
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  v1::GetConsentRequest get;
  *get.mutable_person() = two.b;
  get.set_consent_id(given->consent_id());
  const auto read = world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->consent().renewals_size(), 1);
  *get.mutable_person() = two.a;
  EXPECT_EQ(world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get)).status().code(),
            absl::StatusCode::kNotFound);
  const auto left = world.context().store.Get(PersonPartition(world.IdOf(two.a)),
                                              ConsentKey(*Id128::FromHex(given->consent_id())));
  EXPECT_FALSE(left->has_value()) << "nothing of hers stays there";
}

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

TEST(GetLinkImpact, OfAPersonOrALinkAndLeavesALeaf) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  ASSERT_EQ(Recorded(world, two.a), kPermit) << "from before: not under the link";
  world.harness().sim().RunFor(absl::Seconds(1));
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  world.harness().sim().RunFor(absl::Seconds(1));
  ASSERT_EQ(Recorded(world, two.b), kPermit);
  v1::GetLinkImpactRequest request;
  *request.mutable_person() = two.a;
  const rpc::Call steward = world.As("ville-paris", "steward");
  const auto impact = world.Run(world.service().links().GetLinkImpact(steward, request));
  ASSERT_TRUE(impact.ok()) << impact.status();
  ASSERT_EQ(impact->links_size(), 1);
  EXPECT_EQ(impact->links(0).link_id(), merged->link_id());
  EXPECT_FALSE(impact->links(0).has_until());
  EXPECT_EQ(impact->links(0).disclosures_size(), 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CANDIDATE_COMPARED), 2u);
  request.set_link_id(merged->link_id());
  EXPECT_TRUE(world.Run(world.service().links().GetLinkImpact(steward, request)).ok());
  EXPECT_EQ(world.Run(world.service().links().GetLinkImpact(steward, {})).status().code(),
            absl::StatusCode::kInvalidArgument);
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

}  // namespace
}  // namespace relais::consent
