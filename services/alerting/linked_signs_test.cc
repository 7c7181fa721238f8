// D-1.13: one letter is enough where another source's sign is about the same human.
#include "services/alerting/linked_signs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using testing::Cut;
using testing::EdfColumn;
using testing::Letter;
using testing::Report;
using testing::World;

class LinkedSignsTest : public ::testing::Test {
 protected:
  // A cut reported by EDF and a call-out of the brigade, each with an alert that registered somebody.
  LinkedSignsTest() {
    EXPECT_EQ(world_.SubmitOne(Cut("E1")), "ACCEPTED");
    world_.Settle();
    EXPECT_EQ(world_.SubmitOne(Report("B1"), "bspp"), "ACCEPTED");
    world_.Settle();
    EXPECT_GE(world_.peers().registered.size(), 2U);
    billed_ = Registered(0);
    found_ = Registered(1);
    world_.Settle();
  }
  // What consent's log says of the n-th registration.
  Id128 Registered(size_t n) {
    const consent::v1::RegisterRequest& request = world_.peers().registered.at(n);
    const Id128 person = *Id128::FromBytes(world_.peers().PersonOf(request.sender_record()));
    RegisteredAs(person, n);
    return person;
  }
  void RegisteredAs(const Id128& person, size_t n) {
    const consent::v1::RegisterRequest& request = world_.peers().registered.at(n);
    consent::v1::PersonRegistered payload;
    payload.set_institution(request.acting().party().institution());
    payload.set_sender_record(request.sender_record());
    Say(person, audit::v1::EVENT_CLASS_PERSON_REGISTERED, payload);
  }
  void Linked(const Id128& stays, const Id128& comes, uint8_t link = 1) {
    consent::v1::PersonsLinked payload;
    payload.set_link_id(audit::testing::Person(100 + link).id.ToHex());
    Say(comes, audit::v1::EVENT_CLASS_PERSONS_LINKED, payload);  // the first leaf names nobody
    LinkedAgain(stays, comes, link);
  }
  void LinkedAgain(const Id128& stays, const Id128& comes, uint8_t link) {
    consent::v1::PersonsLinked payload;
    payload.set_link_id(audit::testing::Person(100 + link).id.ToHex());
    payload.set_canonical_id(stays.ToBytes());
    payload.set_linked_id(comes.ToBytes());
    Say(stays, audit::v1::EVENT_CLASS_PERSONS_LINKED, payload);
    world_.Settle();
  }
  void Split(const Id128& stays, const Id128& leaves, uint8_t link = 1) {
    consent::v1::PersonsSplit payload;
    payload.set_link_id(audit::testing::Person(100 + link).id.ToHex());
    payload.set_canonical_id(stays.ToBytes());
    payload.set_linked_id(leaves.ToBytes());
    Say(leaves, audit::v1::EVENT_CLASS_PERSONS_SPLIT, payload);
    world_.Settle();
  }
  // How many alerts a letter about another quarter leaves at the desk.
  size_t AlertsAfterLetter(const std::string& reference, const std::string& first, const std::string& last) {
    EXPECT_EQ(world_.SubmitOne(
                  Letter(reference, {{EdfColumn::kPeriodeDebut, first}, {EdfColumn::kPeriodeFin, last}})),
              "ACCEPTED");
    world_.Settle();
    return BySign();
  }
  size_t BySign() {
    size_t by_sign = 0;
    for (const v1::Alert& alert : world_.Alerts()) {
      by_sign += alert.rule() == "LINKED_SIGN" ? 1 : 0;
    }
    return by_sign;
  }

  World world_;
  Id128 billed_;
  Id128 found_;

 private:
  template <typename Payload>
  void Say(const Id128& person, audit::v1::EventClass event_class, const Payload& payload) {
    audit::Event event = audit::testing::SubjectEvent({audit::Subject::Kind::kPerson, person}, event_class);
    event.details.mutable_payload()->PackFrom(payload);
    world_.consent_log().Append(event);
  }
};

TEST_F(LinkedSignsTest, OneLetterIsEnoughOnceAnotherSourcesSignIsHers) {  // D-1.13
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 0U) << "nobody has said that they are one";
  Linked(billed_, found_);
  EXPECT_EQ(AlertsAfterLetter("L1b", "2026-01-01", "2026-01-31"), 1U);
}

TEST_F(LinkedSignsTest, WhicheverOfTheTwoGoesOn) {
  Linked(found_, billed_);
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 1U);
}

TEST_F(LinkedSignsTest, NoLongerOnceTheyAreTwoAgain) {
  Linked(billed_, found_);
  Split(billed_, found_);
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 0U);
  Linked(billed_, found_);  // the same link, read again after a restart
  EXPECT_EQ(AlertsAfterLetter("L1b", "2026-01-01", "2026-01-31"), 0U);
  Linked(billed_, found_, 2);
  EXPECT_EQ(AlertsAfterLetter("L1c", "2026-01-01", "2026-01-31"), 1U);
}

TEST_F(LinkedSignsTest, ThroughAThirdToo) {
  const Id128 third = audit::testing::Person(77).id;
  Linked(third, found_, 1);
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 0U);
  Linked(third, billed_, 2);
  EXPECT_EQ(AlertsAfterLetter("L1b", "2026-01-01", "2026-01-31"), 1U);
}

// Links, holds and erasures of all are followed in one order: what does not read of one person stops none.
TEST_F(LinkedSignsTest, ARecordThatDoesNotReadStopsNobodysLeaves) {
  const Id128 record = *Id128::FromBytes(world_.peers().registered.at(0).sender_record());
  const storage::Partition hers = AlertingStore::RecordPartition(record);
  const auto row = world_.context().store.Get(hers, "record");
  ASSERT_TRUE(row.ok() && row->has_value());
  std::string damaged = (*row)->value;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  storage::CommitRequest commit;
  commit.partition = hers;
  commit.batch.push_back({"record", std::move(damaged)});
  World::Require(world_.Run(world_.context().store.Commit(std::move(commit))).status());
  Linked(billed_, found_);
  world_.Settle(absl::Seconds(5));
  EXPECT_EQ(world_.service().consent_follower()->applied(), world_.consent_log().log().state().size);
}

// Who was linked through somebody goes along with her: the same link, from then on with another (ADR 24).
TEST_F(LinkedSignsTest, WhoWentAlongKeepsTheOthersSign) {
  const Id128 first = audit::testing::Person(77).id;
  Linked(first, found_, 1);
  Linked(first, billed_, 2);
  // `found_` leaves `first`, and `billed_` with her.
  Split(first, found_, 1);
  Split(first, billed_, 2);
  LinkedAgain(found_, billed_, 2);
  // Another record of hers, registered only now.
  ASSERT_EQ(world_.SubmitOne(Cut("E2", {{EdfColumn::kNom, "AUTRE"}})), "ACCEPTED");
  world_.Settle();
  RegisteredAs(billed_, world_.peers().registered.size() - 1);
  world_.Settle();
  ASSERT_EQ(world_.SubmitOne(Letter("L1", {{EdfColumn::kNom, "AUTRE"},
                                           {EdfColumn::kPeriodeDebut, "2026-01-01"},
                                           {EdfColumn::kPeriodeFin, "2026-01-31"}})),
            "ACCEPTED");
  world_.Settle();
  EXPECT_EQ(BySign(), 1U);
}

class SignsThatCountTest : public LinkedSignsTest {
 protected:
  // The record of a report, which counts by its signs alone.
  static v1::FeedRow ReportOf(const std::string& reference, const std::vector<std::string>& signs,
                              const std::string& day = "") {
    nlohmann::json report = feeds::testing::BsppReport();
    report["signs"] = signs;
    report["person"]["nom"] = "SEULE";
    if (!day.empty()) {
      report["intervention_at"] = day;
    }
    return Report(reference, report);
  }
  Id128 RegisteredBy(const v1::FeedRow& row) {
    EXPECT_EQ(world_.SubmitOne(row, "bspp"), "ACCEPTED");
    world_.Settle();
    const Id128 person = Registered(world_.peers().registered.size() - 1);
    world_.Settle();
    return person;
  }
};

TEST_F(SignsThatCountTest, ASpecialOneAloneIsNone) {  // D-4.8
  const Id128 victim = RegisteredBy(ReportOf("B2", {"VIOLENCE"}));
  Linked(billed_, victim);
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 0U);
}

TEST_F(SignsThatCountTest, BesideAnotherOne) {
  const Id128 victim = RegisteredBy(ReportOf("B2", {"ISOLATION", "VIOLENCE"}));
  Linked(billed_, victim);
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 1U);
}

TEST_F(SignsThatCountTest, AnotherReportMayBringOne) {
  const Id128 victim = RegisteredBy(ReportOf("B2", {"VIOLENCE"}));
  Linked(billed_, victim);
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 0U);
  ASSERT_EQ(world_.SubmitOne(ReportOf("B3", {"ISOLATION"}), "bspp"), "ACCEPTED");
  world_.Settle();
  EXPECT_EQ(AlertsAfterLetter("L1b", "2026-01-01", "2026-01-31"), 1U);
}

// A mark says what is stored: the other's record erased, it is taken back.
TEST_F(SignsThatCountTest, NotOnceTheOtherRecordIsErased) {
  Linked(billed_, found_);
  audit::ErasureRequest request;
  request.id = audit::testing::Person(900).id;
  request.cause = "RETENTION";
  request.subjects = {
      AlertingStore::SubjectOf(*Id128::FromBytes(world_.peers().registered.at(1).sender_record()))};
  audit::Event event;
  event.institution = "service/alerting";
  storage::CommitRequest commit;
  commit.partition = AlertingStore::RecordPartition(request.subjects[0].id);
  const auto begun =
      world_.Run(world_.maintenance().Request(std::move(request), std::move(event), std::move(commit)));
  ASSERT_TRUE(begun.ok()) << begun.status();
  world_.Settle(absl::Seconds(30));
  ASSERT_EQ(world_.Count(audit::v1::EVENT_CLASS_ERASED), 1U);
  EXPECT_EQ(AlertsAfterLetter("L1", "2026-01-01", "2026-01-31"), 0U);
}

}  // namespace
}  // namespace relais::alerting
