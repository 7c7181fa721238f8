// From accepted rows to alerts at desks, and what becomes of them.
#include "services/alerting/followers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using testing::Cut;
using testing::EdfColumn;
using ::testing::HasSubstr;
using testing::Letter;
using ::testing::Not;
using testing::Payment;
using testing::Report;
using testing::World;
using Outcomes = std::vector<std::string>;

// A letter about one quarter, so that letters are different dossiers.
v1::FeedRow LetterOf(const std::string& reference, const std::string& first, const std::string& last) {
  return Letter(reference, {{EdfColumn::kPeriodeDebut, first}, {EdfColumn::kPeriodeFin, last}});
}

v1::Alert Only(World& world) {
  const auto alerts = world.Alerts();
  EXPECT_EQ(alerts.size(), 1u);
  return alerts.empty() ? v1::Alert() : alerts[0];
}

TEST(Alerts, ACutReachesItsDeskOnce) {
  World world;
  ASSERT_EQ(world.Submit({Cut("E1"), Cut("E1")}), (Outcomes{"ACCEPTED", "DUPLICATE"}));
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_PENDING);
  world.Settle();
  ASSERT_EQ(world.peers().submitted.size(), 1u);
  const routing::v1::SubmitRequest& sent = world.peers().submitted[0];
  EXPECT_EQ(sent.sender().institution(), "edf");
  EXPECT_EQ(sent.correlation().size(), Id128::kSize);
  ASSERT_EQ(world.peers().registered.size(), 1u);
  EXPECT_EQ(world.peers().registered[0].traits().surname(), "Dupont");
  EXPECT_EQ(world.peers().registered[0].acting().party().institution(), "edf");
  EXPECT_TRUE(world.peers().agreements.empty());
  const v1::Alert alert = Only(world);
  EXPECT_EQ(alert.state(), v1::Alert::STATE_SENT);
  EXPECT_EQ(alert.rule(), "CUT_OR_REDUCTION");
  // The desk's own name for her, once consent has let it be delivered there.
  EXPECT_FALSE(alert.has_person());
  world.Delivered(0);
  const Id128 person = *Id128::FromBytes(world.peers().PersonOf(world.peers().registered[0].sender_record()));
  EXPECT_EQ(Only(world).person().handle(), rpc::HandleFor(world.context(), "ville-paris", person).handle());
  // Each ART6 row raises its own, at once (D-1.13).
  ASSERT_EQ(world.SubmitOne(Cut("E2")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(world.Alerts().size(), 2u);
  EXPECT_EQ(world.peers().submitted.size(), 2u);
  EXPECT_EQ(world.peers().registered[0].sender_record(), world.peers().registered.back().sender_record());
}

TEST(Alerts, ALoneLetterIsKeptAndTellsNobody) {
  World world;
  ASSERT_EQ(world.SubmitOne(Letter("L1")), "ACCEPTED");
  world.Settle();
  EXPECT_TRUE(world.peers().registered.empty());  // no person exists for a lone letter
  EXPECT_EQ(world.DeliveryOf("L1"), v1::Delivery::STATE_KEPT);
}

TEST(Alerts, LettersByRecurrenceAndLaterOnesJoin) {
  World world;
  ASSERT_EQ(world.SubmitOne(LetterOf("L1", "2026-01-01", "2026-01-31")), "ACCEPTED");
  ASSERT_EQ(world.SubmitOne(LetterOf("L2", "2026-03-05", "2026-04-04")), "ACCEPTED");
  world.Settle();
  EXPECT_TRUE(world.peers().submitted.empty());
  ASSERT_EQ(world.SubmitOne(LetterOf("L3", "2026-06-01", "2026-07-30")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).rule(), "RECURRENCE_DOSSIERS");
  EXPECT_EQ(Only(world).facts(), 1u);
  ASSERT_EQ(world.SubmitOne(LetterOf("L4", "2026-08-10", "2026-09-09")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).facts(), 2u);
  EXPECT_EQ(world.peers().submitted.size(), 1u);
  EXPECT_EQ(world.DeliveryOf("L4"), v1::Delivery::STATE_PENDING);
  EXPECT_EQ(world.DeliveryOf("L1"), v1::Delivery::STATE_KEPT);
}

TEST(Alerts, RoutingsFactsMoveThem) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  routing::v1::MessageSubmitted submitted;
  submitted.set_message_id(world.peers().MessageOf(0));
  submitted.set_correlation(world.peers().submitted[0].correlation());
  world.RoutingSays(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, submitted, common::v1::GROUND_ART6);
  EXPECT_EQ(Only(world).ground(), common::v1::GROUND_ART6);
  world.Delivered(0);
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_DELIVERED);
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_DELIVERED);
  routing::v1::MessageEscalated escalated;
  escalated.set_message_id(world.peers().MessageOf(0));
  escalated.set_correlation(world.peers().submitted[0].correlation());
  escalated.set_to_desk("samusocial-115");
  world.RoutingSays(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED, escalated);
  EXPECT_TRUE(world.Alerts().empty());
  ASSERT_EQ(world.Alerts("samusocial-115", "samusocial").size(), 1u);
  // Whoever got it before: here consent has not been asked yet.
  EXPECT_FALSE(world.Alerts("samusocial-115", "samusocial")[0].has_person());
  world.Delivered(0, "samusocial-115");
  EXPECT_TRUE(world.Alerts("samusocial-115", "samusocial")[0].has_person());
  world.Taken(0);
  EXPECT_EQ(world.Alerts("samusocial-115", "samusocial")[0].state(), v1::Alert::STATE_TAKEN);
  // What the sender may know: delivered or not, nothing more.
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_DELIVERED);
  EXPECT_EQ(world.DeliveryOf("E1", "engie"), v1::Delivery::STATE_UNSPECIFIED);
}

TEST(Alerts, PendingWhilePeersAreUnavailableThenSent) {
  World world;
  world.peers().consent_down = absl::UnavailableError("down");
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_PENDING);
  world.Restart();
  world.peers().consent_down = absl::OkStatus();
  // The directory's end is no answer about her.
  world.peers().routing_down = rpc::Refusal(absl::StatusCode::kFailedPrecondition,
                                            common::v1::ERROR_REASON_DIRECTORY_EXPIRED, "expired");
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.peers().registered.size(), 1u);
  EXPECT_TRUE(world.peers().submitted.empty());
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Seconds(20));
  EXPECT_EQ(world.peers().submitted.size(), 1u);
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_SENT);
}

absl::Status DiskFull() {
  return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_DISK_FULL, "full");
}

// D-1.4, D-1.6, ADR 65: her objection could not come.
TEST(Alerts, BillsWaitWhileRowsAreRefusedAndAnHourMore) {
  World world;
  world.takes_rows = DiskFull();
  ASSERT_EQ(world.Submit({Cut("E1"), Cut("E2", {{EdfColumn::kNom, "Petit"}})}),
            (Outcomes{"ACCEPTED", "ACCEPTED"}));
  ASSERT_EQ(world.SubmitOne(Report("B1"), "bspp"), "ACCEPTED");
  world.Settle(absl::Minutes(10));
  ASSERT_EQ(world.peers().submitted.size(), 1u) << "the report alone";
  EXPECT_EQ(world.peers().submitted[0].sender().institution(), "bspp");
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_PENDING);
  world.takes_rows = absl::OkStatus();
  world.Settle(absl::Minutes(30));
  EXPECT_EQ(world.peers().submitted.size(), 1u) << "senders repeat what was refused";
  ASSERT_EQ(world.SubmitOne(Letter("O1", {{EdfColumn::kOpposition, "OUI"}})), "OPPOSED");
  world.Settle(absl::Minutes(31));
  ASSERT_EQ(world.peers().submitted.size(), 2u) << "not hers who objected";
  EXPECT_EQ(world.peers().submitted[1].sender().institution(), "edf");
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_KEPT);
  EXPECT_EQ(world.DeliveryOf("E2"), v1::Delivery::STATE_PENDING);
  EXPECT_EQ(world.peers().objections.size(), 1u);
}

TEST(Alerts, ADiskThatFillsAgainBeginsTheHourAnew) {
  World world;
  world.takes_rows = DiskFull();
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle(absl::Minutes(1));
  world.takes_rows = absl::OkStatus();
  world.Settle(absl::Minutes(50));
  world.takes_rows = DiskFull();
  world.Settle(absl::Minutes(1));
  world.takes_rows = absl::OkStatus();
  world.Settle(absl::Minutes(50));
  EXPECT_TRUE(world.peers().submitted.empty());
  world.Settle(absl::Minutes(11));
  EXPECT_EQ(world.peers().submitted.size(), 1u);
}

// Without any disk: what she says while a peer is away binds what still waits (D-1.6).
TEST(Alerts, AnObjectionThatComesBeforeTheSendingStopsIt) {
  World world;
  world.peers().consent_down = absl::UnavailableError("down");
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  ASSERT_EQ(world.SubmitOne(Letter("O1", {{EdfColumn::kOpposition, "OUI"}})), "OPPOSED");
  world.peers().consent_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(world.peers().registered.empty());
  EXPECT_TRUE(world.peers().submitted.empty());
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_KEPT);
  EXPECT_EQ(world.peers().objections.size(), 1u);
}

TEST(Alerts, NotPermittedIsFinalUntilANewFact) {
  World world;
  world.peers().permits = false;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_KEPT);  // the sender learns nothing of why
  EXPECT_TRUE(world.Alerts().empty());
  world.peers().permits = true;
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(world.peers().submitted.empty());
}

TEST(Alerts, AReportsGroundIsRecordedBeforeItIsSent) {
  World world;
  ASSERT_EQ(world.SubmitOne(Report("B1"), "bspp"), "ACCEPTED");
  nlohmann::json unable = feeds::testing::BsppReport();
  unable["danger"] = "SERIOUS";
  unable["agreement"] = "UNABLE";
  ASSERT_EQ(world.SubmitOne(Report("B2", unable), "bspp"), "ACCEPTED");
  world.Settle();
  ASSERT_EQ(world.peers().agreements.size(), 1u);
  EXPECT_EQ(world.peers().agreements[0].lines(0).recipients(0).institution(), "ville-paris");
  EXPECT_EQ(world.peers().agreements[0].source_reference(), "B1");
  ASSERT_EQ(world.peers().emergencies.size(), 1u);
  EXPECT_EQ(world.peers().emergencies[0].source_reference(), "B2");
  EXPECT_EQ(world.peers().submitted.size(), 2u);
}

v1::FeedRow Emergency(const std::string& reference) {
  nlohmann::json unable = feeds::testing::BsppReport();
  unable["danger"] = "SERIOUS";
  unable["agreement"] = "UNABLE";
  return Report(reference, unable);
}

absl::Status FileFull() {
  return rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_QUOTA_EXCEEDED, "full");
}

// ADR 76: a file that is full stays full; what she agreed to before may let it go.
TEST(Alerts, AReportWhoseGroundHasNoRoomGoesWithoutIfItMay) {
  World world;
  world.peers().grounds_refused = FileFull();
  ASSERT_EQ(world.SubmitOne(Report("B1"), "bspp"), "ACCEPTED");
  ASSERT_EQ(world.SubmitOne(Emergency("B2"), "bspp"), "ACCEPTED");
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(world.peers().agreements.empty());
  EXPECT_TRUE(world.peers().emergencies.empty());
  ASSERT_EQ(world.peers().submitted.size(), 2u);
  const auto alerts = world.Alerts();
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].state(), v1::Alert::STATE_SENT);
  EXPECT_EQ(alerts[1].state(), v1::Alert::STATE_SENT);
}

// Which alert's ground consent would not record, and of whom nothing.
TEST(Alerts, AGroundThatHasNoRoomIsToldByItsAlert) {
  World world;
  world.peers().grounds_refused = FileFull();
  ::testing::internal::CaptureStderr();
  const std::string outcome = world.SubmitOne(Emergency("B2"), "bspp");
  world.Settle(absl::Minutes(1));
  const std::string said = ::testing::internal::GetCapturedStderr();
  ASSERT_EQ(outcome, "ACCEPTED");
  ASSERT_EQ(world.peers().submitted.size(), 1u);
  EXPECT_THAT(said, HasSubstr("has no room"));
  EXPECT_THAT(said, HasSubstr("\"alert\":\"" + Only(world).alert_id() + "\""));
  EXPECT_THAT(said,
              Not(HasSubstr(Id128::FromBytes(world.peers().submitted[0].person().person_id())->ToHex())));
}

TEST(Alerts, AReportWhoseGroundHasNoRoomAndThatMayNotGoWithoutEnds) {
  World world;
  world.peers().grounds_refused = FileFull();
  world.peers().permits = false;
  ASSERT_EQ(world.SubmitOne(Report("B1"), "bspp"), "ACCEPTED");
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.DeliveryOf("B1", "bspp"), v1::Delivery::STATE_KEPT);
  EXPECT_TRUE(world.peers().submitted.empty());
}

TEST(Alerts, AReportWaitsForAGroundThatPassingTroubleRefuses) {
  World world;
  world.peers().grounds_refused =
      rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED, "later");
  ASSERT_EQ(world.SubmitOne(Report("B1"), "bspp"), "ACCEPTED");
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(world.peers().submitted.empty());
  EXPECT_EQ(world.DeliveryOf("B1", "bspp"), v1::Delivery::STATE_PENDING);
  world.peers().grounds_refused = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.peers().agreements.size(), 1u);
  EXPECT_EQ(world.peers().submitted.size(), 1u);
}

TEST(Alerts, AnAgreementRecordedForTheDayDeskDoesNotLoseTheAlertAtNight) {
  World world;
  world.peers().permits = true;
  ASSERT_EQ(world.SubmitOne(Report("B1"), "bspp"), "ACCEPTED");
  world.sim().RunUntil([&] { return world.peers().agreements.size() == 1; }, absl::Seconds(5));
  world.peers().routing_down = absl::UnavailableError("down");
  world.Settle(absl::Seconds(5));
  if (world.peers().submitted.empty()) {
    world.peers().institution = "samusocial";  // another desk answers now
    world.peers().desk = "samusocial-115";
  }
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Seconds(20));
  EXPECT_EQ(world.peers().submitted.size(), 1u);
}

TEST(Alerts, AtAShelterEachIsAPersonOfItsOwn) {
  World world;
  const auto at = [](const std::string& reference) {
    return Cut(reference, {{EdfColumn::kAdresse, "910 avenue Daumesnil"}, {EdfColumn::kCodePostal, "75012"}});
  };
  ASSERT_EQ(world.Submit({at("E1"), at("E2")}), (Outcomes{"ACCEPTED", "ACCEPTED"}));
  world.Settle();
  ASSERT_EQ(world.peers().registered.size(), 2u);
  EXPECT_NE(world.peers().registered[0].sender_record(), world.peers().registered[1].sender_record());
}

TEST(Alerts, ASettledBillClosesWhatNobodyTookAndTellsWhoWasTold) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  ASSERT_EQ(world.SubmitOne(Payment("P1")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_CLOSED);
  ASSERT_EQ(world.peers().submitted.size(), 2u);
  EXPECT_EQ(world.peers().submitted[1].content().settlement().event(), "REGLEMENT");
  EXPECT_EQ(world.peers().submitted[1].desk(), "dsol-75113");
  // A delivery told late does not reopen it.
  world.Delivered(0);
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_CLOSED);
}

TEST(Alerts, ASettledBillAddsToWhatAHumanTook) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  world.Taken(0);
  ASSERT_EQ(world.SubmitOne(Payment("P1", {{EdfColumn::kEvenement, "ECHEANCIER"}})), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_TAKEN);
  ASSERT_EQ(Only(world).notes_size(), 1);
  EXPECT_NE(Only(world).notes(0).find("payment plan"), std::string::npos);
  EXPECT_EQ(world.peers().submitted.size(), 2u);
}

// Three letters that recur: their alert, untaken.
void RaiseByThree(World& world) {
  ASSERT_EQ(
      world.Submit({LetterOf("L1", "2026-01-01", "2026-01-31"), LetterOf("L2", "2026-03-05", "2026-04-04"),
                    LetterOf("L3", "2026-06-01", "2026-07-30")}),
      (Outcomes{"ACCEPTED", "ACCEPTED", "ACCEPTED"}));
  world.Settle();
  ASSERT_EQ(Only(world).rule(), "RECURRENCE_DOSSIERS");
}
v1::FeedRow PaymentOf(const std::string& reference, const std::string& first, const std::string& last) {
  return Payment(reference, {{EdfColumn::kPeriodeDebut, first}, {EdfColumn::kPeriodeFin, last}});
}

// D-1.12: whose alert tells of three bills has not settled it by paying one, whichever raised it.
TEST(Alerts, ARecurrenceIsSettledOnceAllItsBillsAre) {
  World world;
  RaiseByThree(world);
  ASSERT_EQ(world.SubmitOne(PaymentOf("P3", "2026-06-01", "2026-07-30")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_SENT);
  ASSERT_EQ(Only(world).notes_size(), 1);
  EXPECT_NE(Only(world).notes(0).find("other bills are still owed"), std::string::npos);
  ASSERT_EQ(world.peers().submitted.size(), 2u);
  EXPECT_TRUE(world.peers().submitted[1].content().settlement().others_unpaid());
  ASSERT_EQ(world.SubmitOne(PaymentOf("P1", "2026-01-01", "2026-01-31")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_SENT);
  ASSERT_EQ(world.SubmitOne(PaymentOf("P2", "2026-03-05", "2026-04-04")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_CLOSED);
  ASSERT_EQ(world.peers().submitted.size(), 4u);
  EXPECT_FALSE(world.peers().submitted[3].content().settlement().others_unpaid());
}

TEST(Alerts, EachBillOfARecurrenceAddsToWhatAHumanTook) {
  World world;
  RaiseByThree(world);
  world.Taken(0);
  // Not those that raised it.
  ASSERT_EQ(world.SubmitOne(PaymentOf("P1", "2026-01-01", "2026-01-31")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).notes_size(), 1);
  ASSERT_EQ(world.SubmitOne(PaymentOf("P2", "2026-03-05", "2026-04-04")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).notes_size(), 2);
  EXPECT_EQ(world.peers().submitted.size(), 3u);
  // A letter that joins is one more bill; the last payment answers all.
  ASSERT_EQ(world.SubmitOne(LetterOf("L4", "2026-08-10", "2026-09-09")), "ACCEPTED");
  ASSERT_EQ(world.SubmitOne(PaymentOf("P3", "2026-06-01", "2026-07-30")), "ACCEPTED");
  world.Settle();
  EXPECT_NE(Only(world).notes(2).find("still owed"), std::string::npos);
  ASSERT_EQ(world.SubmitOne(PaymentOf("P4", "2026-08-10", "2026-09-09")), "ACCEPTED");
  world.Settle();
  ASSERT_EQ(Only(world).notes_size(), 4);
  EXPECT_EQ(Only(world).notes(3), "facture réglée depuis / the bill has been paid since");
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_TAKEN);
}

// A cut's own alert is about one bill, though the bill is one of a recurrence too.
TEST(Alerts, ACutIsSettledByItsOwnBill) {
  World world;
  RaiseByThree(world);
  ASSERT_EQ(world.SubmitOne(Cut("C3")), "ACCEPTED");  // of 2026-06-01 to 2026-07-30
  world.Settle();
  ASSERT_EQ(world.SubmitOne(PaymentOf("P3", "2026-06-01", "2026-07-30")), "ACCEPTED");
  world.Settle();
  for (const v1::Alert& alert : world.Alerts()) {
    EXPECT_EQ(alert.state(),
              alert.rule() == "CUT_OR_REDUCTION" ? v1::Alert::STATE_CLOSED : v1::Alert::STATE_SENT);
  }
  EXPECT_EQ(world.Alerts().size(), 2u);
}

TEST(Alerts, SettledBeforeItWasSentIsNeverSent) {
  World world;
  world.peers().consent_down = absl::UnavailableError("down");
  ASSERT_EQ(world.Submit({Cut("E1"), Payment("P1")}), (Outcomes{"ACCEPTED", "ACCEPTED"}));
  world.Settle();
  world.peers().consent_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(world.peers().submitted.empty());
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_KEPT);
}

TEST(Alerts, ANewFactAfterClosingReopensAndIsSentAgain) {
  World world;
  for (const auto& row :
       {LetterOf("L1", "2026-05-01", "2026-05-31"), LetterOf("L2", "2026-06-01", "2026-06-30")}) {
    ASSERT_EQ(world.SubmitOne(row), "ACCEPTED");
  }
  world.Settle();
  EXPECT_EQ(Only(world).rule(), "RECURRENCE_PERIODS");
  ASSERT_EQ(world.SubmitOne(Payment("P1")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_CLOSED);
  ASSERT_EQ(world.SubmitOne(LetterOf("L3", "2026-07-01", "2026-07-31")), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_SENT);
  EXPECT_EQ(Only(world).facts(), 2u);
  ASSERT_EQ(world.peers().submitted.size(), 3u);  // first, settlement, again
  EXPECT_EQ(world.peers().submitted[2].content().unpaid_bill().period_start().month(), 7);
  // News of the first message is old news.
  world.Delivered(0);
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_SENT);
  world.Delivered(2);
  EXPECT_EQ(Only(world).state(), v1::Alert::STATE_DELIVERED);
}

TEST(Alerts, ReadAgainAfterACrashNothingHappensTwice) {
  // The settlement and what came after it are followed again, from before both.
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    World world(seed);
    ASSERT_EQ(world.Submit({Cut("E1"), Payment("P1"), Cut("E2")}),
              (Outcomes{"ACCEPTED", "ACCEPTED", "ACCEPTED"}));
    world.Settle(absl::Milliseconds(50 * seed));
    world.Restart();
    world.Settle(absl::Seconds(20));
    // E1's alert is settled; E2's, raised after the payment, is not.
    const auto alerts = world.Alerts();
    size_t open = 0;
    for (const v1::Alert& alert : alerts) {
      open += alert.state() == v1::Alert::STATE_SENT ? 1 : 0;
    }
    EXPECT_EQ(open, 1u) << "seed " << seed;
    EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_KEPT) << "seed " << seed;
    EXPECT_EQ(world.DeliveryOf("E2"), v1::Delivery::STATE_PENDING) << "seed " << seed;
    const size_t before = world.peers().submitted.size();
    world.Restart();
    world.Settle(absl::Seconds(5));
    EXPECT_EQ(world.peers().submitted.size(), before) << "seed " << seed;
  }
}

// It arrives, marked, and leaves nothing that a real check could use: no person, no agreement, no emergency.
TEST(Alerts, AnExerciseArrivesAndLeavesNoAct) {
  World world;
  nlohmann::json exercise = feeds::testing::BsppReport();
  exercise["exercise"] = true;
  ASSERT_EQ(world.SubmitOne(Report("B1", exercise), "bspp"), "ACCEPTED");
  exercise["danger"] = "SERIOUS";
  exercise["agreement"] = "UNABLE";
  ASSERT_EQ(world.SubmitOne(Report("B2", exercise), "bspp"), "ACCEPTED");
  world.Settle();
  ASSERT_EQ(world.peers().submitted.size(), 2u);
  for (const routing::v1::SubmitRequest& sent : world.peers().submitted) {
    EXPECT_TRUE(sent.exercise());
    EXPECT_FALSE(sent.has_person());
    EXPECT_EQ(sent.SerializeAsString().find("Diallo"), std::string::npos);
  }
  EXPECT_TRUE(world.peers().registered.empty());
  EXPECT_TRUE(world.peers().agreements.empty());
  EXPECT_TRUE(world.peers().emergencies.empty());
  world.Delivered(0);
  world.Delivered(1);
  const auto alerts = world.Alerts();
  ASSERT_EQ(alerts.size(), 2u);
  for (const v1::Alert& alert : alerts) {
    EXPECT_TRUE(alert.exercise());
    EXPECT_EQ(alert.state(), v1::Alert::STATE_DELIVERED);
    EXPECT_FALSE(alert.has_person());
  }
  // The same human for real is another matter.
  ASSERT_EQ(world.SubmitOne(Report("B3"), "bspp"), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(world.peers().registered.size(), 1u);
  EXPECT_EQ(world.peers().agreements.size(), 1u);
}

// Consent refuses these days where they stand; the rows are accepted and reach their desks.
TEST(Alerts, WhatCannotBeADayStopsNoAlert) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1", {{EdfColumn::kPeriodeDebut, "0001-01-01"}})), "ACCEPTED");
  nlohmann::json report = feeds::testing::BsppReport();
  report["person"]["naissance"] = "1799-12-31";
  ASSERT_EQ(world.SubmitOne(Report("B1", report), "bspp"), "ACCEPTED");
  report["person"]["naissance"] = "2031-05-05";
  report["ground"] = "ART_226_14_1";
  report["ground_facts"] = "\t";
  ASSERT_EQ(world.SubmitOne(Report("B2", report), "bspp"), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(world.peers().submitted.size(), 3u);
  for (const v1::Alert& alert : world.Alerts()) {
    EXPECT_EQ(alert.state(), v1::Alert::STATE_SENT);
  }
}

// D-4.4a: an agreement that is over is not recorded anew; whether another carries the report is consent's to
// say.
TEST(Alerts, AReportThatComesTooLateHasNoAgreementOfItsOwn) {
  World world;
  nlohmann::json late = feeds::testing::BsppReport();
  late["intervention_at"] = "2026-08-22T11:59:00+02:00";
  ASSERT_EQ(world.SubmitOne(Report("B1", late), "bspp"), "ACCEPTED");
  late["intervention_at"] = "2026-08-25T12:00:00+02:00";
  ASSERT_EQ(world.SubmitOne(Report("B2", late), "bspp"), "ACCEPTED");
  world.Settle();
  ASSERT_EQ(world.peers().agreements.size(), 1u);
  EXPECT_EQ(world.peers().agreements[0].source_reference(), "B2");
  EXPECT_EQ(absl::FromUnixSeconds(world.peers().agreements[0].valid_from().seconds()),
            absl::FromCivil(absl::CivilSecond(2026, 8, 25, 10, 0, 0), absl::UTCTimeZone()));
  EXPECT_EQ(world.peers().submitted.size(), 2u);
}

TEST(AlertService, TakeGoesThroughRoutingInTheHumansName) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  v1::TakeRequest request;
  request.set_request_id("t1");
  request.set_alert_id(Only(world).alert_id());
  const auto taken = world.Run(world.service().alerts().Take(world.As("ville-paris", "anne"), request));
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->alert().state(), v1::Alert::STATE_TAKEN);
  ASSERT_EQ(world.peers().taken.size(), 1u);
  EXPECT_EQ(world.peers().taken[0].acting().agent(), "anne");
  EXPECT_EQ(world.peers().taken[0].message_id(), world.peers().MessageOf(0));
  world.peers().routing_down = absl::UnavailableError("down");
  EXPECT_EQ(rpc::ReasonOf(
                world.Run(world.service().alerts().Take(world.As("ville-paris", "anne"), request)).status()),
            common::v1::ERROR_REASON_PEER_UNAVAILABLE);
}

TEST(AlertService, WhomAPulledBackMessageWasAboutIsNotTold) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  world.Message<routing::v1::MessageWithdrawn>(0, audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN);
  const v1::Alert alert = Only(world);
  EXPECT_EQ(alert.state(), v1::Alert::STATE_WITHDRAWN);
  EXPECT_FALSE(alert.has_person());
}

TEST(AlertService, AnothersAlertIsNotFound) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  v1::GetRequest get;
  get.set_alert_id(Only(world).alert_id());
  EXPECT_TRUE(world.Run(world.service().alerts().Get(world.As("ville-paris"), get)).ok());
  EXPECT_TRUE(absl::IsNotFound(world.Run(world.service().alerts().Get(world.As("caf"), get)).status()));
  EXPECT_TRUE(absl::IsNotFound(world.Run(world.service().alerts().Get(world.As("edf"), get)).status()));
  v1::ListRequest list;
  list.set_desk("dsol-75113");
  EXPECT_TRUE(absl::IsNotFound(world.Run(world.service().alerts().List(world.As("caf"), list)).status()));
  v1::TakeRequest take;
  take.set_alert_id(get.alert_id());
  EXPECT_TRUE(
      absl::IsNotFound(world.Run(world.service().alerts().Take(world.As("caf", "x"), take)).status()));
  EXPECT_TRUE(world.peers().taken.empty());
}

TEST(AlertService, ListsByPages) {
  World world;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(world.SubmitOne(Cut("E" + std::to_string(i))), "ACCEPTED");
    world.Settle();
  }
  v1::ListRequest request;
  request.set_desk("dsol-75113");
  request.set_page_size(2);
  std::vector<absl::Time> raised;
  do {
    const auto page = world.Run(world.service().alerts().List(world.As("ville-paris"), request));
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Alert& alert : page->alerts()) {
      raised.push_back(absl::FromUnixSeconds(alert.raised().seconds()));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(raised.size(), 5u);
  EXPECT_TRUE(std::is_sorted(raised.rbegin(), raised.rend()));
  request.set_page_token("!");
  EXPECT_EQ(world.Run(world.service().alerts().List(world.As("ville-paris"), request)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace relais::alerting
