#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/alerting/v1/events.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Teller;

constexpr absl::Duration kDay = absl::Hours(24);

class PurgeDueTest : public ::testing::Test {
 protected:
  void Started(const std::string& service) {
    teller.Tell(service, audit::v1::EVENT_CLASS_SERVICE_STARTED, audit::v1::LogRead());
  }
  void Destroyed(const std::string& service, const std::string& month) {
    audit::v1::MonthKeyDestroyed done;
    done.set_month(month);
    teller.Tell(service, audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED, done);
  }
  void Signal(audit::v1::EventClass event_class, uint8_t record) {
    teller.Tell("alerting", event_class, alerting::v1::SignalAccepted(), [&](SeenLeaf& leaf) {
      leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_SENDER_RECORD);
      leaf.details.mutable_subject()->set_id(IdOf(record).ToBytes());
    });
  }
  void Purged(const std::string& rule, absl::Time before) {
    audit::v1::Purged done;
    done.set_rule(rule);
    *done.mutable_due_before() = ToProto(before);
    teller.Tell("alerting", audit::v1::EVENT_CLASS_PURGED, done);
  }
  Teller teller{MakePurgeDue({})};
};

TEST_F(PurgeDueTest, AMonthsNamesThirteenMonthsLater) {
  Started("consent");
  Started("routing");
  teller.Pass(380 * kDay);
  Destroyed("routing", "2026-09");
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PurgeDueTest, AMonthsNamesThatAreStillThere) {
  Started("consent");  // in September 2026
  Started("routing");
  teller.Pass(410 * kDay);
  Destroyed("routing", "2026-09");
  EXPECT_THAT(teller.Codes(), ElementsAre("AGENT_NAMES 0"));
}

TEST_F(PurgeDueTest, SignalsWithoutAlert) {
  Signal(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, 1);
  Signal(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, 2);
  Signal(audit::v1::EVENT_CLASS_ALERT_CHANGED, 2);
  teller.Pass(450 * kDay);
  EXPECT_THAT(teller.Codes(), ElementsAre("AGENT_NAMES 0", "SIGNAL_WITHOUT_ALERT 0"));
}

TEST_F(PurgeDueTest, WhatWasPurged) {
  Signal(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, 1);
  const absl::Time then = teller.now();
  teller.Pass(450 * kDay);
  Destroyed("alerting", "2026-09");
  Purged("SIGNAL_WITHOUT_ALERT", then);
  EXPECT_THAT(teller.Codes(), IsEmpty()) << "refused rows' references went with the month's key";
}

TEST_F(PurgeDueTest, ErasuresAndTheirWrappedCopies) {
  const auto ask = [&](const std::string& service, uint8_t id) {
    audit::v1::EraseRequested asked;
    asked.set_erasure_id(IdOf(id).ToHex());
    teller.Tell(service, audit::v1::EVENT_CLASS_ERASE_REQUESTED, asked);
  };
  const auto erase = [&](const std::string& service, uint8_t id) {
    audit::v1::Erased erased;
    erased.set_erasure_id(IdOf(id).ToHex());
    teller.Tell(service, audit::v1::EVENT_CLASS_ERASED, erased);
  };
  const auto rotate = [&](const std::string& service, uint8_t id) {
    audit::v1::EpochRotated rotated;
    rotated.add_erasure_ids(IdOf(id).ToHex());
    teller.Tell(service, audit::v1::EVENT_CLASS_EPOCH_ROTATED, rotated);
  };
  // In another log the same erasure went through: that says nothing of this one.
  ask("routing", 1);
  erase("routing", 1);
  rotate("routing", 1);
  ask("consent", 1);
  ask("consent", 2);
  ask("consent", 3);
  erase("consent", 2);
  erase("consent", 3);
  rotate("consent", 3);
  teller.Pass(70 * kDay);
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].facts.at("matter"), "ERASURE");
  EXPECT_EQ(found[0].facts.at("erasure"), IdOf(1).ToHex());
  EXPECT_EQ(found[1].facts.at("matter"), "EPOCH_KEY");
  EXPECT_EQ(found[1].facts.at("erasure"), IdOf(2).ToHex());
}

// The leaf about another name of hers asks under an id of its own (ADR 41): one erasure all the same.
TEST_F(PurgeDueTest, OfLinkedNamesOneErasureEndsForAll) {
  const auto told = [&](audit::v1::EventClass event_class, const auto& payload, uint8_t person) {
    teller.Tell("consent", event_class, payload, [&](SeenLeaf& leaf) {
      leaf.header.set_event_id(IdOf(1).ToBytes());
      if (person != 0) {
        Teller::SetPerson(leaf, person);
      }
    });
  };
  for (const uint8_t person : {1, 2}) {
    audit::v1::EraseRequested asked;
    asked.set_erasure_id(IdOf(person).ToHex());
    told(audit::v1::EVENT_CLASS_ERASE_REQUESTED, asked, person);
  }
  audit::v1::Erased erased;
  erased.set_erasure_id(IdOf(1).ToHex());
  told(audit::v1::EVENT_CLASS_ERASED, erased, 0);
  audit::v1::EpochRotated rotated;
  rotated.add_erasure_ids(IdOf(1).ToHex());
  teller.Tell("consent", audit::v1::EVENT_CLASS_EPOCH_ROTATED, rotated);
  teller.Pass(70 * kDay);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

// ---- the other rules

class MoreRules : public PurgeDueTest {
 protected:
  // No month's key is left over, so that what is asked about stands alone.
  std::vector<std::string> Others() {
    std::vector<std::string> others;
    for (std::string& code : teller.Codes()) {
      if (!code.starts_with("AGENT_NAMES")) {
        others.push_back(std::move(code));
      }
    }
    return others;
  }
  uint64_t Alert(uint8_t id, alerting::v1::Alert::State state) {
    alerting::v1::AlertChanged changed;
    changed.set_alert_id(IdOf(id).ToHex());
    changed.set_state(state);
    return teller.Tell("alerting", audit::v1::EVENT_CLASS_ALERT_CHANGED, changed, [&](SeenLeaf& leaf) {
      leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_SENDER_RECORD);
      leaf.details.mutable_subject()->set_id(IdOf(100 + id).ToBytes());
    });
  }
};

TEST_F(MoreRules, AnAlertTwoYearsAfterItEnded) {
  Alert(1, alerting::v1::Alert::STATE_SENT);
  Alert(2, alerting::v1::Alert::STATE_CLOSED);
  Alert(3, alerting::v1::Alert::STATE_CLOSED);
  Alert(3, alerting::v1::Alert::STATE_PENDING_CONSENT);  // reopened
  teller.Pass(700 * kDay);
  EXPECT_THAT(Others(), IsEmpty());
  teller.Pass(100 * kDay);
  EXPECT_THAT(Others(), ElementsAre("ALERT 1"));
  Purged("ALERT", teller.now() - 731 * kDay);
  EXPECT_THAT(Others(), IsEmpty());
}

TEST_F(MoreRules, AnAgreementFiveYearsAfterItsEnd) {
  const consent::v1::ConsentLine line;
  teller.Agrees(1, line, 1);  // for a year
  teller.Agrees(2, line, 2);
  teller.Withdraws(2, line);  // ended earlier: not looked at
  teller.Pass(6 * 365 * kDay);
  const auto agreements = [&] {
    std::vector<std::string> found;
    for (std::string& code : Others()) {
      if (code.starts_with("AGREEMENT")) {
        found.push_back(std::move(code));
      }
    }
    return found;
  };
  EXPECT_THAT(agreements(), IsEmpty());
  teller.Pass(100 * kDay);
  EXPECT_THAT(agreements(), ElementsAre("AGREEMENT_PROOF 0"));
  Purged("AGREEMENT_PROOF", teller.now() - 5 * 365 * kDay);
  EXPECT_THAT(agreements(), IsEmpty());
}

TEST_F(MoreRules, APersonTwoYearsAfterTheLastContact) {
  const auto contact = [&](uint8_t person, const std::string& institution) {
    teller.Tell("consent", audit::v1::EVENT_CLASS_PERSON_REGISTERED, consent::v1::PersonRegistered(),
                [&](SeenLeaf& leaf) {
                  Teller::SetPerson(leaf, person);
                  leaf.header.set_institution(institution);
                });
  };
  for (const uint8_t person : {1, 2, 3}) {
    contact(person, "ville-paris");
  }
  teller.Pass(400 * kDay);
  contact(2, "ville-paris");
  contact(1, "edf");  // a feed is no contact
  // Nor is a review of what is withheld of her history, or a look at what there is to review.
  const auto by_crip = [&](SeenLeaf& leaf) {
    Teller::SetPerson(leaf, 1);
    leaf.header.set_institution("crip75");
  };
  teller.Tell("consent", audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED, consent::v1::WithholdingReviewed(),
              by_crip);
  teller.Tell("consent", audit::v1::EVENT_CLASS_WITHHELD_LISTED, consent::v1::WithheldListed(), by_crip);
  audit::v1::EraseRequested asked;
  asked.set_erasure_id(IdOf(9).ToHex());
  teller.Tell("consent", audit::v1::EVENT_CLASS_ERASE_REQUESTED, asked, Teller::Of(3));
  audit::v1::Erased erased;
  erased.set_erasure_id(IdOf(9).ToHex());
  teller.Tell("consent", audit::v1::EVENT_CLASS_ERASED, erased);
  audit::v1::EpochRotated rotated;
  rotated.add_erasure_ids(IdOf(9).ToHex());
  teller.Tell("consent", audit::v1::EVENT_CLASS_EPOCH_ROTATED, rotated);
  teller.Pass(400 * kDay);
  EXPECT_THAT(Others(), ElementsAre("PERSON_WITHOUT_CONTACT 0"));
}

TEST_F(MoreRules, WhoIsOneWithSomebodyWhoWasMetWasMet) {
  const auto about = [&](uint8_t person, audit::v1::EventClass event_class, const auto& payload,
                         const std::string& author) {
    teller.Tell("consent", event_class, payload, [&](SeenLeaf& leaf) {
      Teller::SetPerson(leaf, person);
      leaf.header.set_institution(author);
    });
  };
  const consent::v1::PersonRegistered registered;
  for (const uint8_t person : {1, 2}) {
    about(person, audit::v1::EVENT_CLASS_PERSON_REGISTERED, registered, "ville-paris");
  }
  teller.Pass(400 * kDay);
  about(1, audit::v1::EVENT_CLASS_PERSON_REGISTERED, registered, "ville-paris");
  consent::v1::PersonsLinked linked;
  about(2, audit::v1::EVENT_CLASS_PERSONS_LINKED, linked, "ville-paris");  // a steward's word is no contact
  linked.set_canonical_id(IdOf(1).ToBytes());
  linked.set_linked_id(IdOf(2).ToBytes());
  about(1, audit::v1::EVENT_CLASS_PERSONS_LINKED, linked, "service/consent");
  teller.Pass(400 * kDay);
  EXPECT_THAT(Others(), IsEmpty());
  consent::v1::PersonsSplit split;
  split.set_canonical_id(IdOf(1).ToBytes());
  split.set_linked_id(IdOf(2).ToBytes());
  about(2, audit::v1::EVENT_CLASS_PERSONS_SPLIT, split, "service/consent");
  EXPECT_THAT(Others(), ElementsAre("PERSON_WITHOUT_CONTACT 1")) << "met once, 800 days ago";
}

TEST_F(MoreRules, ADigestAfterItsLastRenewal) {
  const auto objects = [&](const std::string& digest) {
    consent::v1::ObjectionRecorded recorded;
    recorded.set_supplier("edf");
    recorded.set_digest(digest);
    *recorded.mutable_kept_until() = ToProto(teller.now() + 365 * kDay);
    teller.Tell("consent", audit::v1::EVENT_CLASS_OBJECTION_RECORDED, recorded);
  };
  objects(std::string(32, 'a'));
  objects(std::string(32, 'b'));
  teller.Pass(300 * kDay);
  objects(std::string(32, 'b'));
  teller.Pass(150 * kDay);
  EXPECT_THAT(Others(), ElementsAre("OBJECTION_DIGEST 0"));
}

TEST_F(MoreRules, ANoticeToADpoAfterAYear) {
  teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, routing::v1::MessageSubmitted());
  teller.Pass(450 * kDay);
  EXPECT_THAT(Others(), ElementsAre("DPO_NOTICE 0"));
}

// Of who is erased; those of the living go with them.
TEST_F(MoreRules, ANoticeOfAnErasureThreeMonthsAfterItWasDue) {
  consent::v1::ErasureAsked asked;
  const absl::Time due = teller.now() + 30 * kDay;
  *asked.mutable_due() = ToProto(due);
  teller.Tell("consent", audit::v1::EVENT_CLASS_ERASURE_ASKED, asked);
  teller.Tell("consent", audit::v1::EVENT_CLASS_ERASURE_ASKED, asked, Teller::Of(1));
  teller.Pass(30 * kDay + 91 * kDay);
  EXPECT_THAT(Others(), IsEmpty());
  teller.Pass(62 * kDay);
  EXPECT_THAT(Others(), ElementsAre("ERASURE_NOTICE 0"));
  Purged("ERASURE_NOTICE", due);
  EXPECT_THAT(Others(), ElementsAre("ERASURE_NOTICE 0")) << "what was due before that instant";
  Purged("ERASURE_NOTICE", due + absl::Seconds(1));
  EXPECT_THAT(Others(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
