// Each kind of row × ground × situation, against the sample directory: what is sent is what its protocol and
// consent's rules allow.
#include "services/alerting/message.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "common/directory/testing/sample.h"
#include "services/alerting/rows.h"
#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using testing::Cut;
using testing::EdfColumn;
using testing::Letter;
using testing::Payment;
using testing::Report;

class MessageTest : public ::testing::Test {
 protected:
  v1::RowState Kept(const v1::FeedRow& row) const {
    v1::RowState state;
    state.set_type(row.has_json() ? v1::FEED_TYPE_BSPP : v1::FEED_TYPE_EDF);
    *state.mutable_row() = row;
    return state;
  }
  feeds::Row Parsed(const v1::FeedRow& row) const {
    const auto parsed = ParsedRow(Kept(row));
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return *parsed;
  }
  routing::v1::SubmitRequest Submission(const v1::FeedRow& row, const std::string& sender = "edf") const {
    return SubmissionOf(Parsed(row), sender, Kept(row), *directory_, paris_);
  }
  // What consent will compare: a protocol of the sender for this event, its purpose, its categories.
  void ExpectProtocolAllows(const routing::v1::SubmitRequest& request) const {
    const directory::Protocol* protocol =
        directory_->FindProtocol(request.sender().institution(), request.stated_ground().signal_type(),
                                 request.stated_ground().event());
    ASSERT_NE(protocol, nullptr) << request.stated_ground().event();
    EXPECT_EQ(request.purpose(), protocol->purpose);
    EXPECT_GT(request.categories_size(), 0);
    for (const std::string& category : request.categories()) {
      EXPECT_TRUE(std::find(protocol->categories.begin(), protocol->categories.end(), category) !=
                  protocol->categories.end())
          << category;
    }
  }
  nlohmann::json Fiche(const std::string& danger = "CONCERN", const std::string& agreement = "GIVEN") const {
    nlohmann::json report = feeds::testing::BsppReport();
    report["danger"] = danger;
    report["agreement"] = agreement;
    return report;
  }

  std::shared_ptr<const directory::Directory> directory_ = directory::testing::SampleDirectory();
  calendar::Paris paris_ = *calendar::Paris::Load();
};

TEST_F(MessageTest, BillsHoldTheDecreesFieldsAndNothingElse) {
  const routing::v1::SubmitRequest request = Submission(Cut("EDF-1"));
  ExpectProtocolAllows(request);
  EXPECT_EQ(request.stated_ground().ground(), common::v1::GROUND_ART6);
  EXPECT_EQ(request.stated_ground().source_reference(), "EDF-1");
  EXPECT_EQ(request.situation().postal_code(), "75013");
  EXPECT_EQ(request.urgency(), routing::v1::URGENCY_CONCERN);
  const routing::v1::UnpaidBill& bill = request.content().unpaid_bill();
  EXPECT_EQ(bill.surname(), "Dupont");
  EXPECT_EQ(bill.amount_owed().minor_units(), 12345);
  EXPECT_EQ(bill.tariff_option(), "BASE");
  EXPECT_EQ(bill.period_end().day(), 30);
  EXPECT_EQ(std::set<std::string>(request.categories().begin(), request.categories().end()),
            (std::set<std::string>{"IDENTITY", "ADDRESS", "ENERGY_DEBT"}));
}

TEST_F(MessageTest, EachEventAndGroundOfABill) {
  const routing::v1::SubmitRequest letter = Submission(Letter("L1"));
  ExpectProtocolAllows(letter);
  EXPECT_EQ(letter.stated_ground().ground(), common::v1::GROUND_ART2);
  EXPECT_EQ(letter.stated_ground().objection_end().day(), 12);
  EXPECT_EQ(letter.urgency(), routing::v1::URGENCY_ORDINARY);
  const routing::v1::SubmitRequest second = Submission(Letter("L2", {{EdfColumn::kFondement, "CONVENTION"},
                                                                     {EdfColumn::kEvenement, "LETTRE_2"},
                                                                     {EdfColumn::kFinOpposition, ""}}));
  ExpectProtocolAllows(second);
  EXPECT_EQ(second.stated_ground().ground(), common::v1::GROUND_CONVENTION);
  ExpectProtocolAllows(Submission(Cut("R", {{EdfColumn::kEvenement, "REDUCTION"}})));
  ExpectProtocolAllows(Submission(Cut("E"), "engie"));
}

TEST_F(MessageTest, ASettlementStandsOnWhatWasTold) {
  const feeds::Row settling = Parsed(Payment("P"));
  const v1::FeedRow told = Cut("EDF-1");
  const auto request =
      SettlementOf(std::get<feeds::EdfRow>(settling), Parsed(told), "edf", Kept(told), *directory_, paris_);
  EXPECT_EQ(request.stated_ground().event(), "COUPURE");
  EXPECT_EQ(request.stated_ground().ground(), common::v1::GROUND_ART6);
  EXPECT_EQ(request.content().settlement().event(), "REGLEMENT");
  EXPECT_FALSE(request.content().has_unpaid_bill());
  EXPECT_EQ(request.categories_size(), 1);
  EXPECT_EQ(request.correlation(), "");
}

TEST_F(MessageTest, AReportAtHomeWithHerAgreement) {
  const routing::v1::SubmitRequest request = Submission(Report("B1"), "bspp");
  ExpectProtocolAllows(request);
  EXPECT_EQ(request.stated_ground().ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_FALSE(request.situation().minor());
  EXPECT_FALSE(request.situation().no_dwelling());
  EXPECT_EQ(request.urgency(), routing::v1::URGENCY_CONCERN);
  const auto agreement = OralAgreementOf(Parsed(Report("B1")), "bspp", *directory_, "ville-paris", paris_);
  ASSERT_TRUE(agreement.has_value());
  const consent::v1::ConsentLine& line = agreement->lines(0);
  EXPECT_EQ(line.purposes(0), request.purpose());
  EXPECT_EQ(line.recipients(0).institution(), "ville-paris");
  EXPECT_EQ(std::set<std::string>(line.categories().begin(), line.categories().end()),
            std::set<std::string>(request.categories().begin(), request.categories().end()));
  // Limited to this report; its end is consent's rule (D-4.4a), so that a repetition says the same.
  EXPECT_EQ(agreement->source_reference(), "B1");
  EXPECT_FALSE(agreement->has_valid_until());
  EXPECT_FALSE(EmergencyOf(Parsed(Report("B1")), "ville-paris").has_value());
  EXPECT_TRUE(StandsOnRecordedGround(Parsed(Report("B1")), paris_));
}

TEST_F(MessageTest, EveryDangerHasAProtocol) {
  for (const char* danger : {"NONE", "CONCERN", "SERIOUS"}) {
    ExpectProtocolAllows(Submission(Report("B", Fiche(danger)), "bspp"));
  }
  EXPECT_EQ(Submission(Report("B", Fiche("SERIOUS")), "bspp").urgency(), routing::v1::URGENCY_SERIOUS);
  EXPECT_EQ(Submission(Report("B", Fiche("NONE")), "bspp").urgency(), routing::v1::URGENCY_ORDINARY);
}

TEST_F(MessageTest, AMinorAndAWorryingFactGoToTheCripUnderTheirProtocol) {
  nlohmann::json minor = Fiche("CONCERN", "NOT_ASKED");
  minor["person"]["naissance"] = "2015-01-01";
  minor["ground"] = "ART_226_14_1";
  minor["ground_facts"] = "Seul depuis trois jours.";
  const routing::v1::SubmitRequest request = Submission(Report("M", minor), "bspp");
  ExpectProtocolAllows(request);
  EXPECT_TRUE(request.situation().minor());
  EXPECT_EQ(request.stated_ground().ground(), common::v1::GROUND_CP_226_14_1);
  EXPECT_FALSE(StandsOnRecordedGround(Parsed(Report("M", minor)), paris_));
  nlohmann::json worrying = Fiche("CONCERN", "REFUSED");
  worrying["ground"] = "INFO_PREOCCUPANTE";
  worrying["ground_facts"] = "Enfants sans repas.";
  const routing::v1::SubmitRequest info = Submission(Report("I", worrying), "bspp");
  ExpectProtocolAllows(info);
  EXPECT_TRUE(info.situation().minor());
  EXPECT_EQ(info.stated_ground().facts(), "Enfants sans repas.");
}

TEST_F(MessageTest, UnableAndSeriousIsBreakGlass) {
  nlohmann::json report = Fiche("SERIOUS", "UNABLE");
  report["signs"] = {"SERIOUS_ILLNESS", "ISOLATION"};
  const routing::v1::SubmitRequest request = Submission(Report("U", report), "bspp");
  ExpectProtocolAllows(request);
  EXPECT_EQ(request.stated_ground().ground(), common::v1::GROUND_EMERGENCY);
  EXPECT_EQ(request.content().distress_report().signs_size(), 2);
  const auto emergency = EmergencyOf(Parsed(Report("U", report)), "ville-paris");
  ASSERT_TRUE(emergency.has_value());
  EXPECT_TRUE(emergency->person_unable() && emergency->danger_serious());
  EXPECT_EQ(std::set<std::string>(emergency->categories().begin(), emergency->categories().end()),
            std::set<std::string>(request.categories().begin(), request.categories().end()));
  EXPECT_FALSE(
      OralAgreementOf(Parsed(Report("U", report)), "bspp", *directory_, "ville-paris", paris_).has_value());
}

TEST_F(MessageTest, AnOralAgreementCarriesNoSpecialSign) {
  nlohmann::json report = Fiche();
  report["signs"] = {"SERIOUS_ILLNESS", "ISOLATION", "VIOLENCE"};
  const routing::v1::SubmitRequest request = Submission(Report("S", report), "bspp");
  // D-2.7, D-4.8.
  ASSERT_EQ(request.content().distress_report().signs_size(), 1);
  EXPECT_EQ(request.content().distress_report().signs(0), "ISOLATION");
  ASSERT_EQ(request.marks_size(), 1);
  EXPECT_EQ(request.marks(0), "SIGNES_RETENUS");
}

TEST_F(MessageTest, OutOfDoorsHasNoDwelling) {
  for (const char* kind : {"RUE", "GARE", "BOIS", "HOTEL", "AUTRE"}) {
    nlohmann::json report = Fiche();
    report["place"] = {{"kind", kind}, {"repere", "sous le pont"}};
    const routing::v1::SubmitRequest request = Submission(Report("R", report), "bspp");
    EXPECT_TRUE(request.situation().no_dwelling()) << kind;
    EXPECT_EQ(TraitsOf(Parsed(Report("R", report))).address(), "");
  }
}

TEST_F(MessageTest, TheFamilyIsToldOnlyWhenItIsThere) {
  nlohmann::json report = Fiche();
  EXPECT_FALSE(Submission(Report("F", report), "bspp").content().distress_report().has_minors());
  report["household"] = {{"adults", 1}, {"minors", 2}};
  const routing::v1::SubmitRequest request = Submission(Report("F", report), "bspp");
  ExpectProtocolAllows(request);
  EXPECT_EQ(request.content().distress_report().minors(), 2u);
  EXPECT_EQ(request.categories(request.categories_size() - 1), "FAMILY");
  // Whatever number a sender writes.
  report["household"] = {{"adults", std::numeric_limits<uint64_t>::max()}, {"minors", 1}};
  const routing::v1::SubmitRequest most = Submission(Report("B2", report), "bspp");
  EXPECT_EQ(most.categories(most.categories_size() - 1), "FAMILY");
}

TEST_F(MessageTest, TheLongestPlaceFits) {
  const std::string longest(200, 'x');
  nlohmann::json report = Fiche();
  report["place"] = {{"kind", "RUE"},     {"adresse", longest}, {"commune", longest},
                     {"repere", longest}, {"etage", longest},   {"acces", longest}};
  EXPECT_LE(Submission(Report("P", report), "bspp").content().distress_report().place().size(), 1100u);
}

TEST_F(MessageTest, AtACollectiveAddressARecordIsNotOnePerson) {
  const feeds::Row shelter =
      Parsed(Cut("C", {{EdfColumn::kAdresse, "910 av. Daumesnil"}, {EdfColumn::kCodePostal, "75012"}}));
  EXPECT_TRUE(AtCollectiveAddress(*directory_, shelter));
  EXPECT_FALSE(AtCollectiveAddress(*directory_, Parsed(Cut("C"))));
}

TEST_F(MessageTest, ARowThatNoLongerParsesIsDataLoss) {
  v1::FeedRow row = Cut("X");
  row.mutable_cells()->mutable_cells()->RemoveLast();
  EXPECT_TRUE(absl::IsDataLoss(ParsedRow(Kept(row)).status()));
  // Of another format than its stream's: malformed, not a crash.
  v1::RowState mixed = Kept(Report("B"));
  mixed.set_type(v1::FEED_TYPE_EDF);
  EXPECT_TRUE(absl::IsDataLoss(ParsedRow(mixed).status()));
  mixed = Kept(Cut("B"));
  mixed.set_type(v1::FEED_TYPE_BSPP);
  EXPECT_TRUE(absl::IsDataLoss(ParsedRow(mixed).status()));
}

}  // namespace
}  // namespace relais::alerting
