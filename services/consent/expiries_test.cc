#include "services/consent/expiries.h"

#include <gtest/gtest.h>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/testing/linking.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using audit::v1::EVENT_CLASS_CONSENT_EXPIRED;
using testing::SimWorld;

constexpr absl::Duration kPeriod = absl::Hours(10);

v1::RecordConsentRequest EndingSoon(SimWorld& world, const common::v1::PersonRef& person,
                                    const std::string& request_id, absl::Duration period = kPeriod) {
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, request_id);
  *request.mutable_valid_until() = TimeTo(world.harness().clock().Now() + period);
  return request;
}

int Look(SimWorld& world) { return world.Run(world.service().expiries().LookOnce()); }

std::vector<audit::OpenedLeaf> ExpiryLeaves(SimWorld& world) {
  std::vector<audit::OpenedLeaf> found;
  for (audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == EVENT_CLASS_CONSENT_EXPIRED) {
      found.push_back(std::move(leaf));
    }
  }
  return found;
}

TEST(Expiries, OneEventAtTheEndOfAPeriod) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto recorded = world.Record(EndingSoon(world, person, "c1"));
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  ASSERT_TRUE(world.Record(EndingSoon(world, person, "later", kPeriod * 3)).ok());
  world.harness().sim().RunFor(kPeriod - absl::Minutes(1));
  EXPECT_EQ(Look(world), 0);
  world.harness().sim().RunFor(absl::Minutes(2));
  EXPECT_EQ(Look(world), 1);
  EXPECT_EQ(Look(world), 0);
  const auto leaves = ExpiryLeaves(world);
  ASSERT_EQ(leaves.size(), 1u);
  v1::ConsentExpired payload;
  ASSERT_TRUE(leaves[0].details.payload().UnpackTo(&payload));
  EXPECT_EQ(payload.consent_id(), recorded->consent_id());
  EXPECT_LE(TimeFrom(payload.ended()), leaves[0].leaf.time);
  EXPECT_EQ(leaves[0].details.subject().id(), world.IdOf(person).ToBytes());
  EXPECT_EQ(leaves[0].leaf.header.institution(), "service/consent");
  EXPECT_EQ(leaves[0].leaf.header.purpose(), "RIGHTS_OPENING");
  EXPECT_EQ(leaves[0].leaf.header.event_id(),
            ExpiryEventId(*Id128::FromHex(recorded->consent_id()), TimeFrom(payload.ended())).ToBytes());
}

TEST(Expiries, SayNothingOfWhatSheTookBack) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(EndingSoon(world, person, "c1")).ok());
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  // What she agreed to afterwards does expire.
  ASSERT_TRUE(world.Record(EndingSoon(world, person, "c2")).ok());
  world.harness().sim().RunFor(kPeriod * 2);
  EXPECT_EQ(Look(world), 1);
  EXPECT_EQ(Look(world), 0);
}

TEST(Expiries, ADecisionNeedsNoEvent) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(EndingSoon(world, person, "c1")).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_PERMIT);
  world.harness().sim().RunFor(kPeriod);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_DENY);
  ASSERT_EQ(Look(world), 1);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_DENY);
}

// The process dies before and after each commit of recording and of expiring.
TEST(Expiries, OnceWhateverStepTheProcessDiesAt) {
  for (uint64_t step = 0; step < 8; ++step) {
    auto options = SimWorld::DefaultOptions();
    auto armed = std::make_shared<bool>(false);
    auto seen = std::make_shared<uint64_t>(0);
    options.store.crash_at = [armed, seen, step](uint64_t) { return *armed && (*seen)++ == step; };
    SimWorld world(options);
    const common::v1::PersonRef person = world.NewPerson("case-1");
    const v1::RecordConsentRequest request = EndingSoon(world, person, "c1");
    *armed = true;
    if (!world.Record(request).ok()) {
      world.Restart();
      ASSERT_TRUE(world.Record(request).ok()) << step;
    }
    world.harness().sim().RunFor(kPeriod + absl::Hours(2));
    if (Look(world) == 0) {
      world.Restart();
      Look(world);
    }
    EXPECT_EQ(ExpiryLeaves(world).size(), 1u) << step;
    world.harness().sim().RunFor(absl::Hours(2));
    EXPECT_EQ(Look(world), 0) << step;
    EXPECT_EQ(ExpiryLeaves(world).size(), 1u) << step;
  }
}

TEST(Expiries, OfManyAtOnceAndByItself) {
  SimWorld world;
  for (int i = 0; i < 250; ++i) {
    const common::v1::PersonRef person = world.NewPerson("case-" + std::to_string(i));
    ASSERT_TRUE(world.Record(EndingSoon(world, person, "c" + std::to_string(i))).ok());
  }
  ASSERT_TRUE(world.service().Start().ok());
  world.harness().sim().RunFor(kPeriod + absl::Minutes(3));
  EXPECT_EQ(ExpiryLeaves(world).size(), 250u);
  EXPECT_TRUE(world.Run(world.service().Stop()));
}

// ADR 40: the end stands under the name that the agreement is of, whoever renewed it, and is said of her.
TEST(Expiries, WhatWasRenewedUnderAnotherNameEndsUnderItsOwn) {
  SimWorld world;
  const testing::Two two(world);
  const v1::RecordConsentRequest request = EndingSoon(world, two.b, "c1");
  const auto given = world.Record(request);
  ASSERT_TRUE(given.ok());
  const auto merged = testing::Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  v1::RenewConsentRequest renew;
  renew.set_request_id("n1");
  *renew.mutable_person() = two.a;
  renew.set_consent_id(given->consent_id());
  *renew.mutable_valid_until() = request.valid_until();  // to the same end
  renew.set_method(v1::METHOD_SIGNED_PAPER);
  renew.mutable_notice()->set_id("notice-1");
  renew.mutable_notice()->set_version("2");
  ASSERT_TRUE(world.Run(world.service().consents().RenewConsent(world.As("ville-paris"), renew)).ok());
  ASSERT_TRUE(testing::Split(world, merged->link_id()).ok());
  world.harness().sim().RunFor(kPeriod + absl::Hours(2));
  EXPECT_EQ(Look(world), 1);
  const auto leaves = ExpiryLeaves(world);
  ASSERT_EQ(leaves.size(), 1u);
  EXPECT_EQ(leaves[0].details.subject().id(), world.IdOf(two.b).ToBytes());
}

}  // namespace
}  // namespace relais::consent
