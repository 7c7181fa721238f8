// What ends reminders of papers (D-3.7): they are pulled back, each from whom it was for, and nobody learns
// from that what the cause was (ADR 52).
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "services/alerting/reminders.h"
#include "services/alerting/testing/reminders.h"

namespace relais::alerting {
namespace {

using ::testing::ElementsAre;
using testing::Hosts;
using ::testing::IsEmpty;
using testing::kPaper;
using ::testing::SizeIs;
using testing::World;

constexpr char kNote[] = "ce rappel ne vaut plus / this reminder no longer holds";

// To whom a reminder went on behalf of a host.
constexpr bool kOwn = false;
constexpr bool kReferents = true;

// Which submission that was.
size_t NumberOf(World& world, bool to_referent, const std::string& host = "ville-paris") {
  const auto kind = to_referent ? routing::v1::Audience::KIND_REFERENT : routing::v1::Audience::KIND_OWN_DESK;
  const auto& submitted = world.peers().submitted;
  const auto found = std::ranges::find_if(submitted, [&](const routing::v1::SubmitRequest& sent) {
    return sent.sender().institution() == host && sent.audience().kind() == kind;
  });
  World::Require(found == submitted.end() ? absl::NotFoundError("no such submission") : absl::OkStatus());
  return static_cast<size_t>(found - submitted.begin());
}
v1::Alert AlertOf(World& world, bool to_referent, const std::string& host = "ville-paris") {
  const std::string& correlation = world.peers().submitted[NumberOf(world, to_referent, host)].correlation();
  for (const v1::Alert& alert : world.Alerts()) {
    if (alert.alert_id() == Id128::FromBytes(correlation)->ToHex()) {
      return alert;
    }
  }
  ADD_FAILURE() << "no such alert";
  return {};
}

using End = std::function<void(World&)>;

// All that ends the reminder on behalf of ville-paris.
std::vector<End> EndsOf(bool to_referent, bool taken) {
  std::vector<End> ends = {[](World& world) { Destroyed(world); }, [](World& world) { Deposited(world, 2); },
                           [](World& world) { Changed(world, {"expires"}); }};
  if (!taken) {  // no longer permitted: routing says so
    ends.emplace_back([to_referent](World& world) {
      world.Message<routing::v1::MessageWithdrawn>(NumberOf(world, to_referent),
                                                   audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN);
    });
  }
  if (to_referent) {
    return ends;
  }
  for (const auto state :
       {vault::v1::Host::STATE_UNLINKED, vault::v1::Host::STATE_WITHDRAWN, vault::v1::Host::STATE_EXPIRED}) {
    ends.emplace_back([state](World& world) { HostBecomes(world, "ville-paris", state); });
  }
  return ends;
}

TEST(ReminderEnds, ADestroyedPaperIsPulledBack) {
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  Destroyed(world);
  world.Settle();
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED, v1::Alert::STATE_CLOSED));
  EXPECT_EQ(PulledBack(world), SubmittedAs(world));
  for (const auto& request : world.peers().pulled_back) {
    EXPECT_EQ(request.sender().institution(), "ville-paris");
  }
}

TEST(ReminderEnds, AnotherPapersEndIsNone) {
  World world;
  Expires(world, {"ville-paris"});
  Destroyed(world, kPaper + 1);
  world.Settle();
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
  EXPECT_THAT(world.peers().pulled_back, IsEmpty());
}

TEST(ReminderEnds, DestroyedBeforeItWasSentItIsNeverSent) {
  World world;
  world.peers().routing_down = absl::UnavailableError("down");
  Expires(world, {"ville-paris"});
  world.Settle();
  Destroyed(world);
  world.Settle();
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
  EXPECT_THAT(world.Alerts(), IsEmpty());
}

TEST(ReminderEnds, BothLeavesAtOnceAreNothing) {
  World world;
  world.peers().routing_down = absl::UnavailableError("down");
  Expires(world, {"ville-paris"});
  Destroyed(world);
  world.Settle();
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
}

TEST(ReminderEnds, WhoTookOneIsTold) {
  World world;
  world.peers().referent = false;
  Expires(world, {"ville-paris"});
  world.Settle();
  world.Taken(0);
  Destroyed(world);
  world.Settle();
  ASSERT_THAT(world.Alerts(), SizeIs(1));
  EXPECT_EQ(world.Alerts()[0].state(), v1::Alert::STATE_TAKEN);
  EXPECT_THAT(world.Alerts()[0].notes(), ElementsAre(kNote));
}

TEST(ReminderEnds, AnotherDayOrVersionEndsThemAndATitleDoesNot) {
  for (const bool version : {false, true}) {
    SCOPED_TRACE(version);
    World world;
    Expires(world, {"ville-paris"});
    Changed(world, {"title", "type"});
    Deposited(world, 1);
    world.Settle();
    EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
    if (version) {
      Deposited(world, 2);
    } else {
      Changed(world, {"expires"});
    }
    world.Settle();
    EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED, v1::Alert::STATE_CLOSED));
    // What comes after is about the new day.
    Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 4));
    world.Settle();
    EXPECT_EQ(std::ranges::count(States(world), v1::Alert::STATE_SENT), 2);
  }
}

TEST(ReminderEnds, AHostThatNoLongerActsForHerKeepsNone) {
  World world;
  Expires(world, {"ville-paris", "caf"});
  world.Settle();
  for (const auto state : {vault::v1::Host::STATE_SUSPENDED, vault::v1::Host::STATE_ACTIVE}) {
    HostBecomes(world, "caf", state);
    world.Settle();
    EXPECT_THAT(world.peers().pulled_back, IsEmpty());
  }
  HostBecomes(world, "caf", vault::v1::Host::STATE_UNLINKED);
  world.Settle();
  ASSERT_THAT(world.peers().pulled_back, SizeIs(1));
  EXPECT_EQ(world.peers().pulled_back[0].sender().institution(), "caf");
  EXPECT_EQ(std::ranges::count(States(world), v1::Alert::STATE_SENT), 2);
}

// What went on her agreement to tell her référent stays while that stands, whoever spoke for her when the
// leaf was written.
TEST(ReminderEnds, HerReferentsStaysWhicheverHostLeaves) {
  for (const Hosts& hosts : {Hosts{"ville-paris", "caf"}, Hosts{"ville-paris"}}) {
    for (const auto state : {vault::v1::Host::STATE_UNLINKED, vault::v1::Host::STATE_WITHDRAWN,
                             vault::v1::Host::STATE_EXPIRED}) {
      SCOPED_TRACE(absl::StrCat(hosts.size(), " hosts, ", vault::v1::Host::State_Name(state)));
      World world;
      Expires(world, hosts);
      world.Settle();
      HostBecomes(world, "ville-paris", state);
      world.Settle();
      EXPECT_EQ(AlertOf(world, kOwn).state(), v1::Alert::STATE_CLOSED);
      EXPECT_EQ(AlertOf(world, kReferents).state(), v1::Alert::STATE_SENT);
      EXPECT_THAT(PulledBack(world),
                  ElementsAre(world.peers().submitted[NumberOf(world, kOwn)].request_id()));
      Destroyed(world);
      world.Settle();
      EXPECT_EQ(AlertOf(world, kReferents).state(), v1::Alert::STATE_CLOSED);
      EXPECT_EQ(PulledBack(world), SubmittedAs(world));
    }
  }
}

TEST(ReminderEnds, HerReferentsIsSentThoughThatHostLeftMeanwhile) {
  World world;
  world.peers().routing_down = absl::UnavailableError("down");
  Expires(world, {"ville-paris", "caf"});
  world.Settle();
  HostBecomes(world, "ville-paris", vault::v1::Host::STATE_UNLINKED);
  world.Settle();
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  ASSERT_THAT(world.peers().submitted, SizeIs(2));
  const size_t referents = NumberOf(world, kReferents);
  EXPECT_EQ(world.peers().submitted[1 - referents].sender().institution(), "caf");
  EXPECT_EQ(world.peers().submitted[1 - referents].audience().kind(), routing::v1::Audience::KIND_OWN_DESK);
}

TEST(ReminderEnds, AHostsIsToldToThatHostAlone) {
  World world;
  Expires(world, {"ville-paris", "caf"});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(3));
  for (size_t number = 0; number < 3; ++number) {
    world.Taken(number);
  }
  HostBecomes(world, "ville-paris", vault::v1::Host::STATE_UNLINKED);
  world.Settle();
  EXPECT_THAT(AlertOf(world, kOwn).notes(), ElementsAre(kNote));
  EXPECT_THAT(AlertOf(world, kReferents).notes(), IsEmpty());
  EXPECT_THAT(AlertOf(world, kOwn, "caf").notes(), IsEmpty());
  Destroyed(world);
  world.Settle();
  EXPECT_THAT(AlertOf(world, kOwn).notes(), ElementsAre(kNote)) << "once";
  EXPECT_THAT(AlertOf(world, kReferents).notes(), ElementsAre(kNote));
  EXPECT_THAT(AlertOf(world, kOwn, "caf").notes(), ElementsAre(kNote));
}

// Whatever ended it, a desk reads the same in every field: not what became of the paper, nor of her
// agreement, nor who acts for her.
TEST(ReminderEnds, AllLookTheSame) {
  for (const bool to_referent : {kOwn, kReferents}) {
    for (const bool taken : {false, true}) {
      SCOPED_TRACE(absl::StrCat(to_referent ? "référent" : "host", taken ? ", taken" : ""));
      std::set<std::string> shown;
      for (const End& end : EndsOf(to_referent, taken)) {
        World world;
        Expires(world, {"ville-paris", "caf"});
        world.Settle();
        if (taken) {
          world.Delivered(NumberOf(world, to_referent));
          world.Taken(NumberOf(world, to_referent));
        }
        end(world);
        world.Settle();
        v1::Alert alert = AlertOf(world, to_referent);
        EXPECT_EQ(alert.state(), taken ? v1::Alert::STATE_TAKEN : v1::Alert::STATE_CLOSED);
        EXPECT_EQ(alert.notes_size(), taken ? 1 : 0);
        alert.clear_alert_id();
        alert.clear_message_id();
        alert.clear_raised();
        shown.insert(alert.ShortDebugString());
      }
      EXPECT_THAT(shown, SizeIs(1));
    }
  }
}

// Routing had it, and alerting had not noted that yet, when the paper was destroyed; then somebody took it.
TEST(ReminderEnds, WhoTookOneThatWasOverBeforeItsSendingWasNotedIsTold) {
  World world;
  world.peers().referent = false;
  world.peers().answers_lost = true;
  Expires(world, {"ville-paris"});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(1));
  world.peers().routing_down = absl::UnavailableError("down");
  Destroyed(world);
  world.Settle();
  world.Taken(0);
  world.Settle(absl::Minutes(1));
  const AlertingStore store(world.context());
  const auto alert = store.Alert(*Id128::FromBytes(world.peers().submitted[0].correlation()));
  ASSERT_TRUE(alert.ok() && alert->has_value()) << alert.status();
  EXPECT_EQ((*alert)->value.state(), v1::Alert::STATE_TAKEN);
  EXPECT_EQ((*alert)->value.message_id(), "") << "that the test can fail";
  EXPECT_THAT((*alert)->value.notes(), ElementsAre(kNote));
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(PulledBack(world).contains(world.peers().submitted[0].request_id()));
}

// The submission is still under way in routing when the paper is destroyed.
TEST(ReminderEnds, AnEndMeanwhileKeepsASubmissionFromComing) {
  World world;
  world.peers().referent = false;
  world.peers().answers_late = true;
  Expires(world, {"ville-paris"});
  world.Settle();
  Destroyed(world);
  world.Settle(absl::Seconds(20));
  ASSERT_THAT(world.peers().pulled_back, ::testing::Not(IsEmpty()));
  EXPECT_FALSE(world.Run(world.peers().LateOnesCome()));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
}

TEST(ReminderEnds, EveryCrashOfAnEndPullsBackWhatWasSent) {
  for (uint64_t step = 0; step < 40; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.CrashAt(step);
    Expires(world, {"ville-paris"});
    Destroyed(world);
    world.Settle();
    world.Restart();
    world.Settle(absl::Seconds(20));
    for (const std::string& sent : SubmittedAs(world)) {
      EXPECT_TRUE(PulledBack(world).contains(sent)) << sent;
    }
    for (const v1::Alert::State state : States(world)) {
      EXPECT_EQ(state, v1::Alert::STATE_CLOSED);
    }
  }
}

TEST(ReminderEnds, AnEndReadAgainDoesNotEndALaterOne) {
  ReminderEnd end;
  end.about = audit::testing::Person(kPaper).id.ToBytes();
  end.time = absl::FromUnixMicros(5000);
  end.index = 10;
  v1::Reminder reminder;
  reminder.set_about(end.about);
  reminder.set_log_time(4999);
  reminder.set_log_index(11);  // of a log that went on after a loss
  EXPECT_TRUE(Ends(end, reminder));
  reminder.set_log_time(5000);
  reminder.set_log_index(9);
  EXPECT_TRUE(Ends(end, reminder));
  reminder.set_log_index(11);
  EXPECT_FALSE(Ends(end, reminder));
  reminder.set_log_time(5001);
  reminder.set_log_index(0);
  EXPECT_FALSE(Ends(end, reminder));
}

TEST(ReminderEnds, AreOverWithTheDayAndGoAfterTwoYears) {  // D-2.10
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  world.sim().Skip(absl::Hours(24 * 15));  // the last day
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
  world.sim().Skip(absl::Hours(24 * 3));
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED, v1::Alert::STATE_CLOSED));
  EXPECT_EQ(PulledBack(world), SubmittedAs(world));
  world.sim().Skip(absl::Hours(24 * 740));
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.Alerts(), IsEmpty());
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 0u) << "her record goes with her";
  Expires(world, {"ville-paris"}, absl::CivilDay(2029, 3, 1));
  world.Settle();
  EXPECT_THAT(world.Alerts(), SizeIs(2));
}

}  // namespace
}  // namespace relais::alerting
