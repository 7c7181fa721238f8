// What a second review of links found (ADR 24, "What a second review found"), a case for each, which failed
// before: points 1, 2 and 6 to 10. Points 3 and 4: link_limits_test.cc; 5: link_restore_test.cc; what
// concerns histories alone: domain/links_test.cc.
#include <gtest/gtest.h>

#include <set>

#include "services/consent/convert.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/matches.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::AreOne;
using testing::kDeny;
using testing::kPermit;
using testing::Merge;
using testing::Recorded;
using testing::Ref;
using testing::Refuse;
using testing::Several;
using testing::SimWorld;
using testing::Split;
using testing::Two;

constexpr auto kWrongState = common::v1::ERROR_REASON_WRONG_STATE;

void Pass(SimWorld& world) { world.harness().sim().RunFor(absl::Seconds(1)); }

auto Withdraw(SimWorld& world, const Ref& person, const std::string& consent, const std::string& request_id) {
  v1::WithdrawConsentRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.set_consent_id(consent);
  return world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request));
}

std::string LinkOf(const absl::StatusOr<v1::MergeResponse>& merged) {
  SimWorld::Require(merged.status());
  return merged->link_id();
}

// ---- 1

TEST(LinkDefects, AWithdrawalOfOneAgreementEndsNoOtherAfterASplit) {
  SimWorld world;
  const Two two(world);
  v1::RecordConsentRequest to_cpam = SimWorld::ConsentFor(two.b, "c2");
  to_cpam.mutable_lines(0)->mutable_recipients(0)->set_institution("cpam");
  ASSERT_TRUE(world.Record(to_cpam).ok());
  const auto of_a = world.Record(SimWorld::ConsentFor(two.a, "c1"));
  ASSERT_TRUE(of_a.ok());
  const std::string link = LinkOf(Merge(world, two.a, two.b));
  ASSERT_TRUE(Withdraw(world, two.b, of_a->consent_id(), "w1").ok());
  ASSERT_TRUE(Split(world, link).ok());
  world.Restart();  // as it is stored
  v1::CheckRequest check = SimWorld::CheckFor(two.b);
  check.mutable_recipient()->set_institution("cpam");
  EXPECT_EQ(world.Decision(check), kPermit) << "another agreement";
  for (const Ref& name : {two.a, two.b}) {
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(name)), kDeny);
    // A yes to all institutions of that kind does not undo a no to this one.
    v1::RecordConsentRequest broad = SimWorld::ConsentFor(name, "c3" + name.handle().substr(0, 8));
    broad.mutable_lines(0)->mutable_recipients(0)->set_kind(world.directory().FindInstitution("caf")->kind);
    ASSERT_TRUE(world.Record(broad).ok());
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(name)), kDeny);
  }
}

// ---- 2 and 7

TEST(LinkDefects, ARequestRepeatedAfterASplitAndAnotherLinkIsNotMadeAgain) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 3);
  const Ref& other = names[0];  // where she is frozen next
  const Ref& root = names[1];   // where it was said
  const Ref& hers = names[2];
  const std::string link = LinkOf(Merge(world, root, hers, "m1"));
  const auto given = world.Record(SimWorld::ConsentFor(hers, "c1"));
  ASSERT_TRUE(given.ok());
  ASSERT_TRUE(Split(world, link).ok());
  ASSERT_TRUE(Refuse(world, hers, "r1").ok());
  Pass(world);
  ASSERT_TRUE(Merge(world, other, hers, "m2").ok());
  ASSERT_TRUE(world.service().registry().store.LoadOwn(world.IdOf(hers))->state->linked_to().has_value());
  const uint64_t leaves = world.log().state().size;
  const auto repeated = world.Record(SimWorld::ConsentFor(hers, "c1"));
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->consent_id(), given->consent_id());
  EXPECT_EQ(world.log().state().size, leaves);
  for (const Ref& name : {other, hers}) {
    EXPECT_EQ(Recorded(world, name), kDeny) << "she said no since";
  }
}

TEST(LinkDefects, AnObjectionRepeatedAfterASplitAndAnotherLinkIsNotMadeAgain) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 3);
  v1::RecordObjectionRequest request;
  request.set_request_id("o1");
  request.add_suppliers("edf");
  *request.mutable_person() = names[2];
  const std::string link = LinkOf(Merge(world, names[1], names[2], "m1"));
  ASSERT_TRUE(world.Object(request).ok());
  ASSERT_TRUE(Split(world, link).ok());
  Pass(world);
  ASSERT_TRUE(Merge(world, names[0], names[2], "m2").ok());
  v1::LiftObjectionRequest lift;
  lift.set_request_id("l1");
  lift.add_suppliers("edf");
  *lift.mutable_person() = names[2];
  ASSERT_TRUE(world.Run(world.service().objections().LiftObjection(world.As("ville-paris"), lift)).ok());
  ASSERT_EQ(world.Decision(SimWorld::CutFor(names[2])), kPermit);
  ASSERT_TRUE(world.Object(request).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(names[2])), kPermit) << "it was said before it was lifted";
}

TEST(LinkDefects, OneRequestIdForTwoNamesFromBeforeTheyWereOne) {
  SimWorld world;
  const Two two(world);
  std::vector<std::string> before;
  for (const Ref& name : {two.a, two.b}) {
    const auto refused = Refuse(world, name, "r1");
    ASSERT_TRUE(refused.ok());
    before.push_back(refused->refusal_id());
  }
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  size_t i = 0;
  for (const Ref& name : {two.a, two.b}) {
    const auto again = Refuse(world, name, "r1");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->refusal_id(), before[i++]);
    EXPECT_TRUE(Refuse(world, name, "r2").ok()) << "nor while they are";
  }
  v1::RecordRefusalRequest other;
  other.set_request_id("r2");
  *other.mutable_person() = two.b;
  other.add_lines()->add_purposes("RIGHTS_OPENING");
  EXPECT_EQ(
      rpc::ReasonOf(
          world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), other)).status()),
      common::v1::ERROR_REASON_REQUEST_ID_REUSED)
      << "under the same name it is";
}

TEST(LinkDefects, ACheckRepeatedUnderItsNameWhereverSheIs) {
  SimWorld world;
  const Two two(world);
  v1::CheckRequest check = SimWorld::CheckFor(two.b, false);
  check.set_request_id("k1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c1")).ok());
  const std::string link = LinkOf(Merge(world, two.a, two.b));
  const auto permitted = world.Check(check);
  ASSERT_TRUE(permitted.ok());
  ASSERT_EQ(permitted->decision(), kPermit);
  ASSERT_TRUE(Split(world, link).ok());
  const auto again = world.Check(check);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->permit().permit_id(), permitted->permit().permit_id());
  ASSERT_TRUE(Refuse(world, two.b, "r1").ok());
  EXPECT_EQ(world.Check(check)->decision(), kDeny);
}

// ---- 6

TEST(LinkDefects, TheRevisionSaysNotHowManyNamesShehas) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 4);
  for (size_t i = 1; i < names.size(); ++i) {
    ASSERT_TRUE(Merge(world, names[0], names[i], "m" + std::to_string(i)).ok());
  }
  const auto size_of = [](const std::string& revision) {
    return std::stoull(revision.substr(revision.rfind(':') + 1));
  };
  v1::RecordRefusalRequest refusal;
  refusal.set_request_id("r1");
  *refusal.mutable_person() = names[2];
  refusal.add_lines();
  refusal.set_want_proof(true);
  const auto call = [&] {
    return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal));
  };
  const auto first = call();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(size_of(first->written().revision()), first->written().proof().leaf_index() + 1);
  EXPECT_EQ(world.log().state().size, first->written().proof().leaf_index() + 4);
  EXPECT_EQ(call()->written().revision(), first->written().revision()) << "as a repetition says it";
  // What is asked at that revision sees the act.
  v1::CheckRequest check = SimWorld::CheckFor(names[1]);
  check.set_at_least_as_fresh(first->written().revision());
  EXPECT_EQ(world.Decision(check), kDeny);
}

// ---- 8

TEST(LinkDefects, WhatEndedWhileLinkedIsNotForgottenBesideItsFrozenOriginal) {
  Settings settings;
  settings.retention.agreement_months = 1;
  SimWorld world(SimWorld::DefaultOptions(), settings);
  const Two two(world);
  const auto given = world.Record(SimWorld::ConsentFor(two.b, "c1"));
  ASSERT_TRUE(given.ok());
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  v1::WithdrawConsentRequest end;
  end.set_request_id("w1");
  *end.mutable_person() = two.a;
  end.set_consent_id(given->consent_id());
  end.set_end(v1::CONSENT_END_TERMINATED);
  ASSERT_TRUE(world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), end)).ok());
  ASSERT_EQ(world.Decision(SimWorld::CheckFor(two.a)), kDeny);
  world.harness().sim().Skip(absl::Hours(24 * 60));  // its period runs on, its end is long ago
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  for (const Ref& name : {two.a, two.b}) {
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(name)), kDeny);
  }
}

// ---- 9

TEST(LinkDefects, WhoBecameOneWithThemLaterGivesNoMandateOverALink) {
  SimWorld world;
  const Two two(world);
  const std::string link = LinkOf(Merge(world, two.a, two.b));
  ASSERT_TRUE(Split(world, link).ok());
  Pass(world);
  const auto theirs = world.Register("r9", "C-1", {}, "caf");
  ASSERT_TRUE(theirs.ok());
  const Id128 of_caf = world.IdOf(theirs->person(), "caf");
  LinkWish wish;
  wish.one = world.IdOf(two.a);
  wish.other = of_caf;
  wish.link = world.context().random.Id();
  wish.cause = v1::LINK_CAUSE_CONFIRMED;
  wish.at = world.log().Now();
  wish.event.institution = "service/consent";
  const auto linked = world.Run(LinkPersons(world.service().registry().files(), wish));
  ASSERT_TRUE(linked.ok()) << linked.status();
  ASSERT_EQ(linked->result, LinkResult::kLinked);
  const rpc::Call caf = world.As("caf", "steward");
  v1::GetLinkImpactRequest impact;
  impact.set_link_id(link);
  EXPECT_EQ(world.Run(world.service().links().GetLinkImpact(caf, impact)).status().code(),
            absl::StatusCode::kNotFound);
  impact.set_link_id(wish.link.ToHex());
  EXPECT_TRUE(world.Run(world.service().links().GetLinkImpact(caf, impact)).ok()) << "that one is hers too";
  v1::SplitRequest split;
  split.set_request_id("s9");
  split.set_link_id(link);
  EXPECT_EQ(world.Run(world.service().links().Split(caf, split)).status().code(),
            absl::StatusCode::kNotFound);
}

// ---- 10

void ExpectCacheIsStore(SimWorld& world, const std::vector<Ref>& names) {
  Store& store = world.service().registry().store;
  for (const Ref& name : names) {
    const auto kept = store.Load(world.IdOf(name));
    const auto fresh = store.LoadFresh(world.IdOf(name));
    ASSERT_TRUE(kept.ok() && fresh.ok());
    EXPECT_EQ(StoredFrom(*kept->state, true).SerializeAsString(),
              StoredFrom(*fresh->state, true).SerializeAsString());
  }
}

TEST(LinkDefects, TheCacheHoldsWhatTheStoreSays) {
  SimWorld world;
  const Two two(world);
  for (int round = 0; round < 3; ++round) {
    const std::string n = std::to_string(round);
    const std::string link = LinkOf(Merge(world, two.a, two.b, "m" + n));
    ExpectCacheIsStore(world, {two.a, two.b});
    ASSERT_TRUE(Refuse(world, two.b, "r" + n).ok());
    ExpectCacheIsStore(world, {two.a, two.b});
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c" + n)).ok());
    ASSERT_TRUE(world.WithdrawAll(two.b, "w" + n).ok());
    ExpectCacheIsStore(world, {two.a, two.b});
    ASSERT_TRUE(Split(world, link, "s" + n).ok());
    ExpectCacheIsStore(world, {two.a, two.b});
    ASSERT_TRUE(Refuse(world, two.a, "q" + n).ok());
    ExpectCacheIsStore(world, {two.a, two.b});
    Pass(world);
  }
}

// Two who have a copy each of one no are linked to a third: the same by whichever name it is read.
TEST(LinkDefects, WhatIsReadTogetherIsInOneOrderByWhicheverName) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 3);
  const std::string link = LinkOf(Merge(world, names[1], names[2], "m1"));
  ASSERT_TRUE(Refuse(world, names[2], "r1").ok());
  ASSERT_TRUE(Split(world, link).ok());
  Pass(world);
  ASSERT_TRUE(Merge(world, names[0], names[1], "m2").ok());
  Pass(world);
  ASSERT_TRUE(Merge(world, names[0], names[2], "m3").ok());
  Store& store = world.service().registry().store;
  std::set<std::string> read;
  for (const Ref& name : names) {
    read.insert(StoredFrom(*store.LoadFresh(world.IdOf(name))->state, true).SerializeAsString());
  }
  EXPECT_EQ(read.size(), 1u);
  ExpectCacheIsStore(world, names);
}

TEST(LinkDefects, ARefusalRepeatedAfterASplitAndAMergeIsRecordedOnce) {
  SimWorld world;
  const Two two(world);
  for (const Ref& name : {two.a, two.b}) {
    const std::string id = name.handle().substr(4, 10);
    const std::string link = LinkOf(Merge(world, two.a, two.b, "m" + id));
    const auto refused = Refuse(world, name, "r" + id);
    ASSERT_TRUE(refused.ok());
    ASSERT_TRUE(Split(world, link, "s" + id).ok());
    Pass(world);
    const std::string again = LinkOf(Merge(world, two.a, two.b, "n" + id));
    const uint64_t leaves = world.log().state().size;
    const auto repeated = Refuse(world, name, "r" + id);
    ASSERT_TRUE(repeated.ok()) << repeated.status();
    EXPECT_EQ(repeated->refusal_id(), refused->refusal_id());
    EXPECT_EQ(world.log().state().size, leaves);
    ASSERT_TRUE(Split(world, again, "t" + id).ok());
    Pass(world);
  }
}

TEST(LinkDefects, AMergeRepeatedAfterItsSplitAnswersTheSameAndLinksNobody) {
  SimWorld world;
  const Two two(world);
  const auto merged = Merge(world, two.a, two.b, "m1");
  ASSERT_TRUE(merged.ok());
  ASSERT_TRUE(Split(world, merged->link_id(), "s1").ok());
  Pass(world);
  const auto repeated = Merge(world, two.a, two.b, "m1");
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->SerializeAsString(), merged->SerializeAsString());
  EXPECT_FALSE(AreOne(world, two.a, two.b));
  // Nor where they are one by another link meanwhile.
  ASSERT_TRUE(Merge(world, two.a, two.b, "m2").ok());
  const auto later = Merge(world, two.a, two.b, "m1");
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(later->SerializeAsString(), merged->SerializeAsString());
}

// ADR 40: who cannot be read just now, because somebody who is one with her is being erased, is told in the
// words of any contention.
TEST(LinkDefects, NoRefusalTellsOfALink) {
  for (const bool root : {true, false}) {
    SimWorld world;
    const Two two(world);
    ASSERT_TRUE(Merge(world, two.a, two.b).ok());
    const Ref& frozen = root ? two.a : two.b;
    const Ref& other = root ? two.b : two.a;
    world.log().keys().Freeze(PersonSubject(world.IdOf(frozen)));
    const absl::Status refused = Refuse(world, other, "r1").status();
    EXPECT_EQ(refused, TooContended()) << refused;
    EXPECT_EQ(refused.ToString(absl::StatusToStringMode::kWithEverything),
              TooContended().ToString(absl::StatusToStringMode::kWithEverything));
    EXPECT_EQ(rpc::ReasonOf(refused), common::v1::ERROR_REASON_OVERLOADED);
    EXPECT_EQ(refused.message().find("link"), std::string::npos);
  }
}

TEST(Links, OffNobodyIsFoundNorLinkedButWhatIsLinkedIsSplit) {
  Settings settings;
  settings.links = false;
  SimWorld world(SimWorld::DefaultOptions(), settings);
  const Two two(world);
  EXPECT_EQ(rpc::ReasonOf(Merge(world, two.a, two.b).status()), kWrongState);
  EXPECT_FALSE(AreOne(world, two.a, two.b));
  EXPECT_TRUE(Settings().links) << "on by default";
}

}  // namespace
}  // namespace relais::consent
