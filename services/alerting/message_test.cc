// Each kind of row × ground × situation, against the sample directory: what is sent is what its protocol and
// consent's rules allow.
#include "services/alerting/message.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "common/base/proto_time.h"
#include "common/directory/testing/sample.h"
#include "common/rpc/refusal.h"
#include "common/rpc/validate.h"
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
    *state.mutable_accepted() = ToProto(testing::StoryStart());
    return state;
  }
  std::optional<consent::v1::RecordConsentRequest> Oral(const v1::FeedRow& row,
                                                        absl::Time now = testing::StoryStart()) const {
    return OralAgreementOf(Parsed(row), "bspp", Kept(row), *directory_, "ville-paris", paris_, now);
  }
  consent::v1::Traits Traits(const v1::FeedRow& row) const {
    return TraitsOf(Parsed(row), Kept(row), paris_);
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
  const auto of = [&](Settled settled) {
    return SettlementOf(std::get<feeds::EdfRow>(settling), settled, Parsed(told), "edf", Kept(told),
                        *directory_, paris_);
  };
  EXPECT_TRUE(of(Settled::kInPart).content().settlement().others_unpaid());
  const routing::v1::SubmitRequest request = of(Settled::kAll);
  EXPECT_FALSE(request.content().settlement().others_unpaid());
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
  const auto agreement = Oral(Report("B1"));
  ASSERT_TRUE(agreement.has_value());
  const consent::v1::ConsentLine& line = agreement->lines(0);
  EXPECT_EQ(line.purposes(0), request.purpose());
  EXPECT_EQ(line.recipients(0).institution(), "ville-paris");
  EXPECT_EQ(std::set<std::string>(line.categories().begin(), line.categories().end()),
            std::set<std::string>(request.categories().begin(), request.categories().end()));
  // Limited to this report; its end is consent's rule (D-4.4a), so that a repetition says the same.
  EXPECT_EQ(agreement->source_reference(), "B1");
  EXPECT_FALSE(agreement->has_valid_until());
  // It dates from the intervention (2026-11-10, 20:05 in Paris), not from its sending.
  EXPECT_EQ(FromProto(agreement->valid_from()),
            absl::FromCivil(absl::CivilSecond(2026, 11, 10, 19, 5, 0), absl::UTCTimeZone()));
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
  EXPECT_FALSE(Oral(Report("U", report)).has_value());
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
    EXPECT_EQ(Traits(Report("R", report)).address(), "");
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

// D-4.4a: her word was given at the intervention, and lives three months from then.
TEST_F(MessageTest, AnOralAgreementDatesFromTheIntervention) {
  nlohmann::json report = Fiche();
  report["intervention_at"] = "2026-08-22T12:00:00+02:00";
  const auto given = absl::FromCivil(absl::CivilSecond(2026, 8, 22, 10, 0, 0), absl::UTCTimeZone());
  const auto end = absl::FromCivil(absl::CivilSecond(2026, 11, 22, 12, 0, 0), paris_.zone());
  const auto late = Oral(Report("B", report), end - absl::Seconds(1));
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(FromProto(late->valid_from()), given);
  // One that is over is not recorded.
  EXPECT_FALSE(Oral(Report("B", report), end).has_value());
  EXPECT_EQ(Submission(Report("B", report), "bspp").stated_ground().ground(), common::v1::GROUND_AGREEMENT);
  // A brigade's clock may be ahead: never after the report was taken in.
  report["intervention_at"] = "2026-11-22T12:04:59+01:00";
  const auto ahead = Oral(Report("B", report));
  ASSERT_TRUE(ahead.has_value());
  EXPECT_EQ(FromProto(ahead->valid_from()), testing::StoryStart());
}

// api.md: an exercise discloses nothing.
TEST_F(MessageTest, AnExerciseSaysCodesAlone) {
  for (const auto& [danger, agreement] :
       {std::pair("CONCERN", "GIVEN"), std::pair("SERIOUS", "UNABLE"), std::pair("NONE", "REFUSED")}) {
    nlohmann::json report = Fiche(danger, agreement);
    report["exercise"] = true;
    report["ground"] = agreement == std::string("REFUSED") ? "ART_226_14_1" : "";
    report["ground_facts"] = "Enfants seuls";
    report["person"]["alias"] = "Dédé";
    report["person"]["telephone"] = "0199000000";
    report["reported_words"] = "« Aidez-moi »";
    report["requested_action"] = "Visite";
    report["household"] = {{"minors", 2}, {"pregnant", 1}};
    report["prior_interventions"] = {{"count", 2}, {"since", "2026-01-01"}};
    report["place"]["etage"] = "3e gauche";
    const routing::v1::SubmitRequest request = Submission(Report("X", report), "bspp");
    EXPECT_TRUE(request.exercise());
    EXPECT_EQ(request.stated_ground().facts(), "");
    const std::string sent = request.SerializeAsString();
    for (const char* personal :
         {"Diallo", "Awa", "Monge", "Dédé", "0199", "Aidez", "Visite", "Logement", "gauche", "Enfants"}) {
      EXPECT_EQ(sent.find(personal), std::string::npos) << personal;
    }
    routing::v1::DistressReport codes;
    codes.set_place_kind("DOMICILE");
    codes.set_postal_code("75005");
    codes.add_signs("ISOLATION");
    codes.set_danger(danger);
    codes.set_informed("YES");
    codes.set_agreement(agreement);
    EXPECT_EQ(request.content().distress_report().SerializeAsString(), codes.SerializeAsString());
  }
}

// D-4.3.
TEST_F(MessageTest, AReportHoldsWhatTheFicheSays) {
  nlohmann::json report = Fiche();
  report["person"]["alias"] = "Dédé";
  report["person"]["sexe"] = "F";
  report["household"] = {{"pregnant", true}};
  report["prior_interventions"] = {{"count", 3}, {"since", "2025-11-22"}};
  const routing::v1::SubmitRequest request = Submission(Report("B", report), "bspp");
  ExpectProtocolAllows(request);
  const routing::v1::DistressReport& sent = request.content().distress_report();
  EXPECT_EQ(sent.alias(), "Dédé");
  EXPECT_EQ(sent.pregnant(), 1u);
  EXPECT_EQ(request.categories(request.categories_size() - 1), "FAMILY");
  EXPECT_EQ(sent.prior_interventions(), 3u);
  EXPECT_EQ(sent.prior_interventions_since().year(), 2025);
  const routing::v1::DistressReport without = Submission(Report("B"), "bspp").content().distress_report();
  EXPECT_FALSE(without.has_pregnant() || without.has_prior_interventions_since());
  // An alias serves no matching.
  EXPECT_EQ(Traits(Report("B", report)).SerializeAsString().find("Dédé"), std::string::npos);
}

TEST_F(MessageTest, WhatCannotBeADayThereIsUnknown) {
  const auto born = [&](const std::string& day, const std::string& intervention) {
    nlohmann::json report = Fiche();
    report["person"]["naissance"] = day;
    report["intervention_at"] = intervention;
    report["ground"] = "ART_226_14_1";
    report["ground_facts"] = "Coups.";
    const v1::FeedRow row = Report("B", report);
    const bool told = Submission(row, "bspp").content().distress_report().has_birth_date();
    EXPECT_EQ(Traits(row).has_birth_date(), told);
    return told;
  };
  EXPECT_TRUE(born("1800-01-01", "2026-11-10T20:05:00+01:00"));
  EXPECT_FALSE(born("1799-12-31", "2026-11-10T20:05:00+01:00"));
  EXPECT_FALSE(born("0001-01-01", "2026-11-10T20:05:00+01:00"));
  EXPECT_TRUE(born("2026-11-10", "2026-11-10T23:59:00+01:00"));
  EXPECT_FALSE(born("2026-11-11", "2026-11-10T23:59:00+01:00"));
  EXPECT_FALSE(born("9999-12-31", "2026-11-10T23:59:00+01:00"));
  const auto period = [&](const std::string& first, const std::string& last) {
    const routing::v1::UnpaidBill bill =
        Submission(Cut("E", {{EdfColumn::kPeriodeDebut, first}, {EdfColumn::kPeriodeFin, last}}))
            .content()
            .unpaid_bill();
    return std::pair(bill.has_period_start(), bill.has_period_end());
  };
  EXPECT_EQ(period("1799-12-31", "2026-07-30"), std::pair(false, true));
  EXPECT_EQ(period("0001-01-01", "1799-12-31"), std::pair(false, false));
  EXPECT_EQ(period("1800-01-01", "1800-01-01"), std::pair(true, true));
}

// Facts of a line end alone are none for consent; a feed takes them.
TEST_F(MessageTest, AStatedGroundHasFactsThatSaySomething) {
  nlohmann::json report = Fiche();
  report["ground"] = "ART_226_14_1";
  report["ground_facts"] = "\n\t";
  EXPECT_EQ(Submission(Report("B", report), "bspp").stated_ground().facts(),
            "Logement froid, réfrigérateur vide.");
  report["facts"] = "\t";
  EXPECT_NE(Submission(Report("B", report), "bspp").stated_ground().facts().find("non précisés"),
            std::string::npos);
}

// Rows at every limit of the feeds, that nothing condemns: what is made of them keeps every rule of the
// fields of Register, RecordConsent, Declare, Resolve and Submit.
class LimitsTest : public MessageTest {
 protected:
  void SetUp() override {
    for (const auto* type :
         {consent::v1::Traits::descriptor(), consent::v1::RecordConsentRequest::descriptor(),
          consent::v1::DeclareRequest::descriptor(), routing::v1::SubmitRequest::descriptor()}) {
      ASSERT_TRUE(rules_.Prepare(type).ok());
    }
  }
  static std::string Repeat(const std::string& text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
      out += text;
    }
    return out;
  }
  void ExpectKept(const google::protobuf::Message& request) const {
    const absl::Status status = rules_.Check(request).status;
    EXPECT_TRUE(status.ok()) << request.GetDescriptor()->name() << ": "
                             << rpc::FieldsOf(status).DebugString();
  }
  void ExpectSendable(const v1::FeedRow& row, const std::string& sender) const {
    const feeds::Row parsed = Parsed(row);
    const feeds::JudgeContext context{.paris = paris_,
                                      .today = absl::CivilDay(2026, 11, 22),
                                      .now = testing::StoryStart(),
                                      .has_convention = true};
    EXPECT_EQ(feeds::JudgeRowAlone(parsed, context).kind, feeds::OutcomeKind::kAccepted)
        << feeds::ReasonName(feeds::JudgeRowAlone(parsed, context).reason);
    ExpectKept(TraitsOf(parsed, Kept(row), paris_));
    common::v1::PersonRef her;
    her.set_person_id(std::string(Id128::kSize, 'p'));
    routing::v1::SubmitRequest submission = SubmissionOf(parsed, sender, Kept(row), *directory_, paris_);
    submission.set_request_id("1");
    *submission.mutable_person() = her;
    ExpectKept(submission);
    if (auto agreement = Oral(row)) {
      agreement->set_request_id("1");
      *agreement->mutable_person() = her;
      ExpectKept(*agreement);
    }
    if (auto emergency = EmergencyOf(parsed, "ville-paris")) {
      emergency->set_request_id("1");
      *emergency->mutable_person() = her;
      ExpectKept(*emergency);
    }
  }
  rpc::Validator rules_;
};

TEST_F(LimitsTest, Bills) {
  for (const char* first : {"0001-01-01", "1799-12-31", "1800-01-01", "2026-06-01"}) {
    for (const std::string letter : {"x", "é", "𝔘"}) {
      const testing::Changes changes = {{EdfColumn::kNom, Repeat(letter, 100)},
                                        {EdfColumn::kPrenoms, Repeat(letter, 100)},
                                        {EdfColumn::kAdresse, Repeat(letter, 200)},
                                        {EdfColumn::kCommune, Repeat(letter, 100)},
                                        {EdfColumn::kOptionTarifaire, Repeat(letter, 20)},
                                        {EdfColumn::kMontantDu, "9999999,99"},
                                        {EdfColumn::kPeriodeDebut, first},
                                        {EdfColumn::kPeriodeFin, "2026-11-22"}};
      ExpectSendable(Cut(std::string(64, 'R'), changes), "edf");
      ExpectSendable(Letter(std::string(64, 'L'), changes), "edf");
    }
    ExpectSendable(Cut("R", {{EdfColumn::kPeriodeDebut, first},
                             {EdfColumn::kPeriodeFin, first},
                             {EdfColumn::kDateEvenement, "2025-10-18"},
                             {EdfColumn::kNom, "\t"},
                             {EdfColumn::kCommune, "\x01\n"},
                             {EdfColumn::kCodePostal, "75116"}}),
                   "edf");
  }
}

TEST_F(LimitsTest, Reports) {
  for (const char* born :
       {"0001-01-01", "1799-12-31", "1800-01-01", "1950-01-01", "2026-11-22", "9999-12-31"}) {
    for (const std::string letter : {"x", "é", "𝔘"}) {
      for (const auto& [danger, agreement] :
           {std::pair("CONCERN", "GIVEN"), std::pair("SERIOUS", "UNABLE")}) {
        for (const char* ground : {"", "ART_226_14_1", "INFO_PREOCCUPANTE"}) {
          const bool minor = std::string(born) > "2008";
          if (minor && std::string(ground).empty() && agreement == std::string("GIVEN")) {
            continue;  // no ground
          }
          nlohmann::json report = Fiche(danger, agreement);
          report["intervention_at"] = "2026-11-22T12:04:59.999999999+01:00";
          report["person"] = {{"nom", Repeat(letter, 100)},
                              {"prenoms", Repeat(letter, 100)},
                              {"alias", Repeat(letter, 100)},
                              {"telephone", Repeat(letter, 100)},
                              {"naissance", born},
                              {"sexe", Repeat(letter, 100)}};
          report["place"] = {{"kind", "DOMICILE"},
                             {"adresse", Repeat(letter, 200)},
                             {"code_postal", "75020"},
                             {"commune", Repeat(letter, 200)},
                             {"repere", Repeat(letter, 200)},
                             {"etage", Repeat(letter, 200)},
                             {"acces", Repeat(letter, 200)}};
          const uint64_t most = std::numeric_limits<uint64_t>::max();
          report["household"] = {{"adults", most}, {"minors", most}, {"pregnant", most}};
          report["prior_interventions"] = {{"count", most}, {"since", "0001-01-01"}};
          report["signs"] = nlohmann::json::array();
          for (const directory::CodeEntry& sign : directory_->content().signs) {
            report["signs"].push_back(sign.code);
          }
          report["facts"] = Repeat(letter, 1000);
          report["reported_words"] = Repeat(letter, 1000);
          report["requested_action"] = Repeat(letter, 300);
          report["ground"] = ground;
          report["ground_facts"] = Repeat(letter, 1000);
          ExpectSendable(Report("B", report), "bspp");
        }
      }
    }
  }
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
