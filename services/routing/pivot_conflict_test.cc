// Two référents of one human: a conflict (PIVOT_CONFLICT; D-5.2) until she decides or they are two again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "services/routing/testing/linked_persons.h"

namespace relais::routing {
namespace {

using namespace testing;  // NOLINT: what the tests are made of
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// ---- two

class ConflictTest : public ::testing::Test {
 protected:
  ConflictTest() : older_(Active(world_, kHospital, 1)), younger_(Active(world_, kOutreach, 2)) {}
  void Begin() { AreOne(world_, 2, 1); }  // whoever's history goes on, the older leads

  World world_;
  const std::string older_;
  const std::string younger_;
};

TEST_F(ConflictTest, TheOlderLeadsAndBothProposersAreTold) {
  Begin();
  EXPECT_EQ(GoesTo(world_, 1), "dsol-75113");
  EXPECT_EQ(GoesTo(world_, 2), "dsol-75113");
  EXPECT_EQ(CountSaid(world_, {older_, v1::PIVOT_CONFLICT_LEADS, kActive}), 1u);
  EXPECT_EQ(CountSaid(world_, {younger_, v1::PIVOT_CONFLICT_FOLLOWS, kActive}), 1u);
  EXPECT_THAT(SaidOfConflicts(world_), SizeIs(2));
  EXPECT_EQ(Shown(world_, kHospital, 1).conflict(), v1::PIVOT_CONFLICT_LEADS);
  EXPECT_EQ(Shown(world_, kOutreach, 2).conflict(), v1::PIVOT_CONFLICT_FOLLOWS);
  const size_t asked = world_.consent.asked.size();
  const auto hospitals = NoticesTo(world_, kHospital);
  ASSERT_THAT(hospitals, SizeIs(1));
  EXPECT_EQ(hospitals[0].content().pivot_conflict().referent_id(), older_);
  EXPECT_EQ(hospitals[0].content().pivot_conflict().conflict(), v1::PIVOT_CONFLICT_LEADS);
  EXPECT_EQ(hospitals[0].content().pivot_conflict().state(), kActive);
  const auto outreachs = NoticesTo(world_, kOutreach);
  ASSERT_THAT(outreachs, SizeIs(1));
  EXPECT_EQ(outreachs[0].content().pivot_conflict().referent_id(), younger_);
  EXPECT_EQ(outreachs[0].content().pivot_conflict().conflict(), v1::PIVOT_CONFLICT_FOLLOWS);
  EXPECT_EQ(world_.consent.asked.size(), asked) << "each is told of itself";
  EXPECT_FALSE(hospitals[0].has_person());
}

// Neither learns who the other is: not from the notice, the leaf addressed to it, or the référent it sees.
TEST_F(ConflictTest, NamesNoOtherInstitution) {
  Begin();
  const std::map<std::string, std::vector<std::string>> others = {
      {older_, {"emmaus", "caf-droits", younger_, world_.Handle("aphp", 2).handle()}},
      {younger_, {"aphp", "ville-paris", "dsol-75113", older_, world_.Handle("emmaus", 1).handle()}}};
  std::map<std::string, std::string> seen;
  for (const Sides& sides : {kHospital, kOutreach}) {
    const std::string& own = sides.proposer == "aphp" ? older_ : younger_;
    for (const v1::Message& notice : NoticesTo(world_, sides)) {
      seen[own] += notice.SerializeAsString();
    }
    seen[own] += Shown(world_, sides, sides.proposer == "aphp" ? 1 : 2).SerializeAsString();
  }
  std::set<std::string> events;
  for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
    v1::ReferentChanged changed;
    if (leaf.details.payload().UnpackTo(&changed) && changed.conflict() != v1::PIVOT_CONFLICT_UNSPECIFIED) {
      EXPECT_EQ(leaf.leaf.header.institution(), "service/routing");
      EXPECT_EQ(leaf.details.recipient().institution(), changed.referent_id() == older_ ? "aphp" : "emmaus");
      EXPECT_EQ(changed.referent().institution(), changed.referent_id() == older_ ? "ville-paris" : "caf");
      seen[changed.referent_id()] += leaf.details.SerializeAsString();
      events.insert(leaf.leaf.header.event_id());
    }
  }
  EXPECT_THAT(events, SizeIs(1)) << "one act with several subjects has one event id";
  for (const auto& [own, text] : seen) {
    for (const std::string& other : others.at(own)) {
      EXPECT_THAT(text, Not(HasSubstr(other)));
    }
  }
}

TEST_F(ConflictTest, NobodyIsAcceptedMeanwhile) {
  const Sides third = {"samusocial", "115", "casvp", "psa-adultes"};
  const std::string under_first = Agreed(world_, third, 1, "a");
  const std::string under_second = Agreed(world_, third, 2, "b");
  const std::string under_third = Agreed(world_, third, 3, "c");
  Begin();
  AreOne(world_, 2, 3, 2);
  for (const auto& [person, id] :
       std::map<uint64_t, std::string>{{1, under_first}, {2, under_second}, {3, under_third}}) {
    EXPECT_EQ(rpc::ReasonOf(Accept(world_, third, person, id).status()), common::v1::ERROR_REASON_WRONG_STATE)
        << person;
  }
}

TEST_F(ConflictTest, SheKeepsTheYounger) {
  Begin();
  const std::string etag = Shown(world_, kOutreach, 2).etag();
  const auto kept = Decide(world_, kOutreach, 2, younger_, true, "keep");
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->referent().state(), kActive);
  EXPECT_NE(kept->referent().etag(), etag);
  world_.Settle();
  EXPECT_EQ(GoesTo(world_, 1), "caf-droits");
  EXPECT_EQ(GoesTo(world_, 2), "caf-droits");
  EXPECT_EQ(Shown(world_, kHospital, 1).state(), kEnded);
  EXPECT_EQ(Shown(world_, kOutreach, 2).state(), kActive);
  EXPECT_EQ(Shown(world_, kOutreach, 2).conflict(), v1::PIVOT_CONFLICT_UNSPECIFIED);
  EXPECT_EQ(CountSaid(world_, {younger_, v1::PIVOT_CONFLICT_CHOSEN, kActive}), 1u);
  EXPECT_EQ(CountSaid(world_, {older_, v1::PIVOT_CONFLICT_OVER, kEnded}), 1u);
  EXPECT_EQ(CountSaid(world_, {younger_, v1::PIVOT_CONFLICT_OVER, kActive}), 1u);
  const auto told = NoticesTo(world_, kHospital);
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[1].content().pivot_conflict().conflict(), v1::PIVOT_CONFLICT_OVER);
  EXPECT_EQ(told[1].content().pivot_conflict().state(), kEnded);
  EXPECT_THAT(NoticesTo(world_, kOutreach), SizeIs(2));
  // Repeated, the answer is the same and nothing is done again.
  const auto again = Decide(world_, kOutreach, 2, younger_, true, "keep");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->written().revision(), kept->written().revision());
  world_.Settle();
  EXPECT_THAT(SaidOfConflicts(world_), SizeIs(5));
  // The last word in a conflict is spent with it.
  EXPECT_EQ(rpc::ReasonOf(Decide(world_, kOutreach, 2, younger_, true, "more").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
}

TEST_F(ConflictTest, HerNoEndsThatOne) {
  Begin();
  const auto refused = Decide(world_, kHospital, 1, older_, false, "no");
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->referent().state(), kEnded);
  world_.Settle();
  EXPECT_EQ(GoesTo(world_, 1), "caf-droits");
  EXPECT_EQ(Shown(world_, kOutreach, 2).conflict(), v1::PIVOT_CONFLICT_UNSPECIFIED);
  EXPECT_EQ(CountSaid(world_, {younger_, v1::PIVOT_CONFLICT_OVER, kActive}), 1u);
  EXPECT_THAT(NoticesTo(world_, kOutreach), SizeIs(2));
}

TEST_F(ConflictTest, OneThatEndsEndsIt) {
  Begin();
  v1::EndRequest end;
  end.set_request_id("end");
  *end.mutable_person() = world_.Handle("caf", 2);
  end.set_referent_id(younger_);
  const auto ended = world_.Run(world_.service().referents().End(world_.As("caf", "droits"), end));
  ASSERT_TRUE(ended.ok()) << ended.status();
  world_.Settle();
  EXPECT_EQ(Shown(world_, kHospital, 1).conflict(), v1::PIVOT_CONFLICT_UNSPECIFIED);
  EXPECT_EQ(CountSaid(world_, {older_, v1::PIVOT_CONFLICT_OVER, kActive}), 1u);
}

TEST_F(ConflictTest, TheSplitEndsItAndBothGoOn) {
  Begin();
  AreTwo(world_, 2, 1);
  EXPECT_EQ(GoesTo(world_, 1), "dsol-75113");
  EXPECT_EQ(GoesTo(world_, 2), "caf-droits");
  for (const auto& [id, sides, person] :
       {std::tuple{older_, kHospital, uint64_t{1}}, std::tuple{younger_, kOutreach, uint64_t{2}}}) {
    EXPECT_EQ(CountSaid(world_, {id, v1::PIVOT_CONFLICT_OVER, kActive}), 1u);
    EXPECT_EQ(Shown(world_, sides, person).conflict(), v1::PIVOT_CONFLICT_UNSPECIFIED);
    EXPECT_THAT(NoticesTo(world_, sides), SizeIs(2));
  }
}

// Without a conflict an active référent is not decided on again.
TEST_F(ConflictTest, OnlyInAConflict) {
  EXPECT_EQ(rpc::ReasonOf(Decide(world_, kHospital, 1, older_, true, "yes").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(rpc::ReasonOf(Decide(world_, kHospital, 1, older_, false, "no").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
}

TEST_F(ConflictTest, WhoDidNotProposeHimDoesNotDecide) {
  Begin();
  v1::RecordPersonDecisionRequest request;
  request.set_request_id("d");
  *request.mutable_person() = world_.Handle("ville-paris", 1);
  request.set_referent_id(older_);
  EXPECT_TRUE(absl::IsNotFound(
      world_.Run(world_.service().referents().RecordPersonDecision(world_.Dsol(), request)).status()));
}

TEST_F(ConflictTest, ItsNoticesGoWithHer) {
  Begin();
  world_.Settle();
  ASSERT_THAT(NoticesTo(world_, kHospital), SizeIs(1));
  uint64_t number = 0;
  for (const uint64_t person : {1, 2}) {
    audit::v1::EraseRequested payload;
    payload.set_erasure_id(World::Person(900 + ++number).ToHex());
    payload.set_cause("REQUEST");
    Say(world_, person, audit::v1::EVENT_CLASS_ERASE_REQUESTED, payload);
  }
  world_.Settle(absl::Seconds(30));
  ASSERT_EQ(world_.Count(audit::v1::EVENT_CLASS_ERASED), 2u);
  EXPECT_THAT(NoticesTo(world_, kHospital), IsEmpty());
  const auto& store = world_.context().store;
  EXPECT_THAT(*store.ListPartitions(storage::PartitionKind::kMessage, Id128(), 10), IsEmpty());
  EXPECT_THAT(*store.ListPartitions(storage::PartitionKind::kPerson, Id128(), 10), IsEmpty());
  // Read again, the link leaves nothing of them.
  SayLinked(world_, 2, 1);
  world_.Settle();
  EXPECT_THAT(*store.ListPartitions(storage::PartitionKind::kPerson, Id128(), 10), IsEmpty());
}

// ---- crashes, repetitions, orders

TEST(PivotConflict, EveryCrashEndsInTheSame) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < kMostCrashSteps; ++step) {
    SCOPED_TRACE(step);
    World world;
    const std::string older = Active(world, kHospital, 1);
    const std::string younger = Active(world, kOutreach, 2);
    world.CrashAt(step);
    AreOne(world, 2, 1);
    reached = world.Dead();
    world.Restart();
    world.Settle(absl::Seconds(20));
    EXPECT_EQ(CountSaid(world, {older, v1::PIVOT_CONFLICT_LEADS, kActive}), 1u);
    EXPECT_EQ(CountSaid(world, {younger, v1::PIVOT_CONFLICT_FOLLOWS, kActive}), 1u);
    EXPECT_THAT(SaidOfConflicts(world), SizeIs(2));
    EXPECT_THAT(NoticesTo(world, kHospital), SizeIs(1));
    EXPECT_THAT(NoticesTo(world, kOutreach), SizeIs(1));
    EXPECT_EQ(GoesTo(world, 2), "dsol-75113");
  }
  EXPECT_FALSE(reached) << "not every step was tried";
}

TEST(PivotConflict, HerDecisionSurvivesEveryCrash) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < kMostCrashSteps; ++step) {
    SCOPED_TRACE(step);
    World world;
    const std::string older = Active(world, kHospital, 1);
    const std::string younger = Active(world, kOutreach, 2);
    AreOne(world, 2, 1);
    world.CrashAt(step);
    v1::RecordPersonDecisionRequest request;
    request.set_request_id("keep");
    *request.mutable_person() = world.Handle("emmaus", 2);
    request.set_referent_id(younger);
    request.set_agreed(true);
    Start(world.service().referents().RecordPersonDecision(world.As("emmaus", "maraude"), request),
          [](const auto&) {});
    world.Settle(absl::Seconds(10));
    reached = world.Dead();
    world.Restart();
    ASSERT_TRUE(Decide(world, kOutreach, 2, younger, true, "keep").ok());
    world.Settle(absl::Seconds(20));
    EXPECT_EQ(Shown(world, kHospital, 1).state(), kEnded);
    EXPECT_EQ(GoesTo(world, 1), "caf-droits");
    EXPECT_EQ(CountSaid(world, {older, v1::PIVOT_CONFLICT_OVER, kEnded}), 1u);
    EXPECT_EQ(CountSaid(world, {younger, v1::PIVOT_CONFLICT_OVER, kActive}), 1u);
    EXPECT_THAT(SaidOfConflicts(world), SizeIs(5));
    EXPECT_THAT(NoticesTo(world, kHospital), SizeIs(2));
  }
  EXPECT_FALSE(reached) << "not every step was tried";
}

// Followed from its first leaf again, consent's log changes nothing that is as it says.
TEST(PivotConflict, ReadFromTheBeginningAgain) {
  Settings settings;
  settings.rebuild_consent = true;
  World world(1, settings);
  const std::string older = Active(world, kHospital, 1);
  Active(world, kOutreach, 2);
  AreOne(world, 2, 1, 1);
  AreTwo(world, 2, 1, 1);
  AreOne(world, 2, 1, 2);
  const size_t said = SaidOfConflicts(world).size();
  EXPECT_EQ(said, 6u);
  world.Restart();
  world.Settle(absl::Seconds(10));
  EXPECT_EQ(SaidOfConflicts(world).size(), said);
  EXPECT_EQ(GoesTo(world, 2), "dsol-75113");
  EXPECT_THAT(NoticesTo(world, kHospital), SizeIs(3));
}

// Two accept at one instant under two names: no commit guards both slots. One may be refused; if neither is,
// they are in conflict and one leads.
TEST(PivotConflict, AcceptedAtOnceUnderTwoNames) {
  size_t both = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    const std::string one = Agreed(world, kHospital, 1);
    const std::string other = Agreed(world, kOutreach, 2);
    AreOne(world, 1, 2);
    size_t accepted = 0;
    const auto count = [&accepted](const absl::StatusOr<v1::AcceptResponse>& response) {
      accepted += response.ok() ? 1 : 0;
    };
    Start(world.service().referents().Accept(world.As("ville-paris", "dsol"),
                                             AcceptanceOf(world, kHospital, 1, one)),
          count);
    Start(world.service().referents().Accept(world.As("caf", "droits"),
                                             AcceptanceOf(world, kOutreach, 2, other)),
          count);
    world.Settle(absl::Seconds(10));
    ASSERT_GE(accepted, 1u);
    const std::string where = GoesTo(world, 1);
    EXPECT_EQ(where, GoesTo(world, 2));
    if (accepted == 2) {
      ++both;
      EXPECT_THAT(SaidOfConflicts(world), SizeIs(2));
    } else {
      EXPECT_THAT(SaidOfConflicts(world), IsEmpty());
    }
  }
  EXPECT_GT(both, 0u) << "the race was never run";
}

}  // namespace
}  // namespace relais::routing
