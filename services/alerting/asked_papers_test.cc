// Papers that were asked for (action 4; ADR 64): from the vault's log to her hosts, through whom she decides,
// and what ends that. Nobody learns from the end what she decided.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "services/alerting/reminders.h"
#include "services/alerting/testing/reminders.h"

namespace relais::alerting {
namespace {

using testing::DocumentId;
using ::testing::ElementsAre;
using testing::Hosts;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::World;

constexpr uint64_t kRequest = 701;
constexpr char kNote[] = "ce rappel ne vaut plus / this reminder no longer holds";

using Types = std::vector<vault::v1::DocumentType>;

// The leaf of one request of the emmaus that is open for so long from now on.
void Asked(World& world, const Hosts& hosts, absl::Duration open = absl::Hours(24 * 30),
           const Types& types = {vault::v1::DOCUMENT_TYPE_RESIDENCE_PERMIT},
           const std::string& asker = "emmaus") {
  vault::v1::DocumentAsked payload;
  payload.set_document_request_id(DocumentId(kRequest));
  payload.mutable_asker()->set_institution(asker);
  payload.mutable_asker()->set_function("maraudeur");
  for (const vault::v1::DocumentType type : types) {
    payload.add_types(type);
  }
  payload.set_purpose("RIGHTS_OPENING");
  *payload.mutable_expires() = ToProto(world.context().log.Now() + open);
  for (const std::string& host : hosts) {
    payload.add_hosts(host);
    payload.add_purposes(host == "caf" ? "ENERGY_AID" : "RIGHTS_OPENING");
  }
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_ASKED, payload);
}
void Becomes(World& world, vault::v1::DocumentRequest::State state, uint64_t request = kRequest) {
  vault::v1::DocumentRequestChanged payload;
  payload.set_document_request_id(DocumentId(request));
  payload.mutable_asker()->set_institution("emmaus");
  payload.set_state(state);
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED, payload);
}

TEST(AskedPapers, AreToldToEachHost) {
  World world;
  Becomes(world, vault::v1::DocumentRequest::STATE_PENDING);
  Asked(world, {"ville-paris", "caf"});
  const absl::Time expires = world.context().log.Now() + absl::Hours(24 * 30);
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(2)) << "and not to her référent";
  std::set<std::string> told;
  for (const routing::v1::SubmitRequest& sent : world.peers().submitted) {
    told.insert(sent.sender().institution());
    EXPECT_EQ(sent.person().person_id(), audit::testing::Person(testing::kHer).id.ToBytes());
    EXPECT_EQ(sent.purpose(), sent.sender().institution() == "caf" ? "ENERGY_AID" : "RIGHTS_OPENING")
        << "for which that host acts for her";
    EXPECT_THAT(sent.categories(), ElementsAre("DOCUMENTS"));
    EXPECT_FALSE(sent.has_stated_ground()) << "her agreement alone";
    EXPECT_EQ(sent.audience().kind(), routing::v1::Audience::KIND_OWN_DESK);
    EXPECT_EQ(sent.urgency(), routing::v1::URGENCY_ORDINARY);
    const routing::v1::AskedPapers& papers = sent.content().asked_papers();
    EXPECT_EQ(papers.document_request_id(), DocumentId(kRequest));
    EXPECT_EQ(papers.asker().institution(), "emmaus");
    EXPECT_EQ(papers.asker().function(), "maraudeur");
    EXPECT_THAT(papers.types(), ElementsAre("RESIDENCE_PERMIT"));
    EXPECT_EQ(papers.purpose(), "RIGHTS_OPENING");
    EXPECT_LE(absl::AbsDuration(FromProto(papers.expires()) - expires), absl::Minutes(1));
  }
  EXPECT_EQ(told, (std::set<std::string>{"caf", "ville-paris"}));
  ASSERT_THAT(world.Alerts(), SizeIs(2));
  for (const v1::Alert& alert : world.Alerts()) {
    EXPECT_EQ(alert.rule(), kPapersAsked);
    EXPECT_EQ(alert.state(), v1::Alert::STATE_SENT);
  }
}

TEST(AskedPapers, AreNotToldToWhoAsks) {
  World world;
  Asked(world, {"emmaus", "ville-paris"});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(1));
  EXPECT_EQ(world.peers().submitted[0].sender().institution(), "ville-paris");
}

TEST(AskedPapers, NobodyWithoutAHostOrAfterTheirEnd) {
  World world;
  Asked(world, {});
  Asked(world, {"nobody-there"});
  Asked(world, {"ville-paris"}, -absl::Minutes(1));  // the service slept
  world.Settle();
  EXPECT_THAT(world.peers().submitted, IsEmpty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 0u);
}

TEST(AskedPapers, WhatOnlyItsOwnCategoryMayTellIsNotNamed) {  // D-2.7
  World world;
  Asked(world, {"ville-paris"}, absl::Hours(24),
        {vault::v1::DOCUMENT_TYPE_MEDICAL, vault::v1::DOCUMENT_TYPE_PASSPORT,
         vault::v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(1));
  EXPECT_THAT(world.peers().submitted[0].content().asked_papers().types(), ElementsAre("PASSPORT"));
}

TEST(AskedPapers, WithoutHerAgreementNobodyNowOrLater) {
  World world;
  world.peers().permits = false;
  Asked(world, {"ville-paris"});
  world.Settle(absl::Minutes(1));
  world.peers().permits = true;
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
}

TEST(AskedPapers, HerDecisionPullsThemBack) {
  for (const auto state :
       {vault::v1::DocumentRequest::STATE_GRANTED, vault::v1::DocumentRequest::STATE_REFUSED}) {
    SCOPED_TRACE(vault::v1::DocumentRequest::State_Name(state));
    World world;
    Asked(world, {"ville-paris", "caf"});
    world.Settle();
    Becomes(world, state, kRequest + 1);
    world.Settle();
    EXPECT_THAT(world.peers().pulled_back, IsEmpty()) << "another request";
    Becomes(world, state);
    world.Settle();
    EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED, v1::Alert::STATE_CLOSED));
    EXPECT_EQ(PulledBack(world), SubmittedAs(world));
  }
}

TEST(AskedPapers, AHostThatNoLongerActsForHerKeepsNone) {
  World world;
  Asked(world, {"ville-paris", "caf"});
  world.Settle();
  HostBecomes(world, "caf", vault::v1::Host::STATE_UNLINKED);
  world.Settle();
  ASSERT_THAT(world.peers().pulled_back, SizeIs(1));
  EXPECT_EQ(world.peers().pulled_back[0].sender().institution(), "caf");
}

// A paper's end is not a request's, though the same host was told of both.
TEST(AskedPapers, ADestroyedPaperEndsNone) {
  World world;
  Asked(world, {"ville-paris"});
  Expires(world, {"ville-paris"});
  world.Settle();
  Destroyed(world);
  world.Settle();
  EXPECT_EQ(std::ranges::count(States(world), v1::Alert::STATE_SENT), 1);
  Becomes(world, vault::v1::DocumentRequest::STATE_GRANTED);
  world.Settle();
  EXPECT_EQ(std::ranges::count(States(world), v1::Alert::STATE_SENT), 0);
}

TEST(AskedPapers, EndUndecidedOnceTheirTimeIsPast) {
  World world;
  Asked(world, {"ville-paris"}, absl::Hours(24 * 5));
  world.Settle();
  world.sim().Skip(absl::Hours(24 * 4));
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT));
  world.sim().Skip(absl::Hours(24 * 2));
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED));
  EXPECT_EQ(PulledBack(world), SubmittedAs(world));
}

TEST(AskedPapers, PastBeforeTheyWereSentTheyAreNeverSent) {
  World world;
  world.peers().routing_down = absl::UnavailableError("down");
  Asked(world, {"ville-paris"}, absl::Minutes(10));
  world.Settle();
  world.sim().Skip(absl::Minutes(11));
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
}

// Whatever ended it, who took it reads the same in every field (ADR 52).
TEST(AskedPapers, AllEndsLookTheSame) {
  using End = void (*)(World&);
  const std::vector<End> ends = {
      [](World& world) { Becomes(world, vault::v1::DocumentRequest::STATE_GRANTED); },
      [](World& world) { Becomes(world, vault::v1::DocumentRequest::STATE_REFUSED); },
      [](World& world) { HostBecomes(world, "ville-paris", vault::v1::Host::STATE_UNLINKED); },
      [](World& world) { world.sim().Skip(absl::Hours(24 * 32)); }};
  for (const bool taken : {false, true}) {
    SCOPED_TRACE(taken);
    std::set<std::string> shown;
    for (const End end : ends) {
      World world;
      Asked(world, {"ville-paris"});
      world.Settle();
      if (taken) {
        world.Delivered(0);
        world.Taken(0);
      }
      end(world);
      world.Settle(absl::Minutes(1));
      ASSERT_THAT(world.Alerts(), SizeIs(1));
      v1::Alert alert = world.Alerts()[0];
      EXPECT_EQ(alert.state(), taken ? v1::Alert::STATE_TAKEN : v1::Alert::STATE_CLOSED);
      if (taken) {
        EXPECT_THAT(alert.notes(), ElementsAre(kNote));
      }
      alert.clear_alert_id();
      alert.clear_message_id();
      alert.clear_raised();
      shown.insert(alert.ShortDebugString());
    }
    EXPECT_THAT(shown, SizeIs(1));
  }
}

TEST(AskedPapers, EachOnceWhateverCrashComesBetween) {
  for (uint64_t step = 0; step < 40; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.CrashAt(step);
    Asked(world, {"ville-paris", "caf"});
    world.Settle();
    world.Restart();
    world.Settle(absl::Seconds(20));
    EXPECT_THAT(world.peers().submitted, SizeIs(2));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 2u);
    EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
  }
}

TEST(AskedPapers, GoWithHer) {
  World world;
  Asked(world, {"ville-paris"});
  world.Settle();
  ASSERT_THAT(world.Alerts(), SizeIs(1));
  AskErasure(world);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().acknowledged, SizeIs(1));
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
  Asked(world, {"ville-paris"});
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().submitted, SizeIs(1));
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
}

}  // namespace
}  // namespace relais::alerting
