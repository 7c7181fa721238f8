#include "services/routing/domain/resolution.h"

#include <gtest/gtest.h>

#include "common/directory/testing/sample.h"

namespace relais::routing {
namespace {

using directory::testing::Replaced;
using directory::testing::SampleYaml;

const calendar::Paris& Paris() {
  static const calendar::Paris paris = *calendar::Paris::Load();
  return paris;
}
absl::Time At(int day, int hour) { return Paris().At(absl::CivilDay(2026, 11, day), hour * 60); }
const absl::Time kTuesdayMorning = At(3, 11);
const absl::Time kTuesdayNight = At(3, 23);

class ResolutionTest : public ::testing::Test {
 protected:
  std::vector<std::string> Desks(const Query& query, const v1::ReferentState* pivot = nullptr,
                                 absl::Time now = kTuesdayMorning) {
    last_ = Resolve(*directory_, Paris(), query, pivot, now);
    std::vector<std::string> desks;
    for (const Candidate& candidate : last_.candidates) {
      desks.push_back(candidate.desk->id);
    }
    return desks;
  }
  std::string First(const Query& query, const v1::ReferentState* pivot = nullptr,
                    absl::Time now = kTuesdayMorning) {
    const auto desks = Desks(query, pivot, now);
    return desks.empty() ? "" : desks.front();
  }
  void Use(const std::string& yaml) { directory_ = directory::testing::MakeDirectory(yaml); }

  std::shared_ptr<const directory::Directory> directory_ = directory::testing::SampleDirectory();
  Resolution last_;
};

Query Cut(const std::string& postal_code) {
  Query query;
  query.sender = "edf";
  query.signal_type = "UNPAID_BILL";
  query.event = "COUPURE";
  query.situation.set_postal_code(postal_code);
  query.urgency = v1::URGENCY_CONCERN;
  return query;
}
Query Report(v1::Urgency urgency = v1::URGENCY_CONCERN) {
  Query query;
  query.sender = "bspp";
  query.signal_type = "DISTRESS_REPORT";
  query.event = urgency == v1::URGENCY_SERIOUS ? "SERIOUS" : "CONCERN";
  query.urgency = urgency;
  query.situation.set_postal_code("75013");
  return query;
}
v1::ReferentState Pivot(const std::string& desk) {
  v1::ReferentState pivot;
  pivot.set_desk(desk);
  pivot.mutable_referent()->set_function("assistant-social");
  pivot.set_state(v1::Referent::STATE_ACTIVE);
  return pivot;
}

TEST_F(ResolutionTest, ABillGoesToTheArrondissementsDesk) {
  EXPECT_EQ(Desks(Cut("75013")), std::vector<std::string>{"dsol-75113"});
  EXPECT_EQ(First(Cut("75001")), "dsol-75101");
  EXPECT_EQ(First(Cut("75020")), "dsol-75120");
  EXPECT_EQ(last_.candidates[0].step.code(), "DESK_OF_TERRITORY");
  EXPECT_EQ(last_.steps[0].code(), "PIVOT_NONE");  // D-5.7
}

TEST_F(ResolutionTest, PostalCodesOfTheSixteenth) {
  // D-6.3: two postal codes, one arrondissement.
  EXPECT_EQ(First(Cut("75016")), "dsol-75116");
  EXPECT_EQ(First(Cut("75116")), "dsol-75116");
  EXPECT_EQ(InseeOfPostal("75116"), 75116);
  EXPECT_EQ(InseeOfPostal("75001"), 75101);
  for (const char* none : {"", "75000", "75021", "75117", "92100", "7501", "750011", "7501a"}) {
    EXPECT_EQ(InseeOfPostal(none), 0) << none;
  }
}

TEST_F(ResolutionTest, WithoutAKnownPlaceNoArrondissementAnswersForABill) {
  EXPECT_TRUE(Desks(Cut("")).empty());
  EXPECT_EQ(last_.steps.back().code(), "NO_DESK");
}

TEST_F(ResolutionTest, NoDwellingIsForTheSiaoOrThe115) {
  Query query = Report();
  query.situation.set_no_dwelling(true);
  const auto desks = Desks(query);
  EXPECT_EQ(desks, (std::vector<std::string>{"siao-urgence", "samusocial-115", "siao-insertion"}));
  EXPECT_EQ(last_.candidates[0].step.code(), "NO_DWELLING");
}

TEST_F(ResolutionTest, AMinorIsForTheCripAndForNoReferent) {
  Query query = Report();
  query.situation.set_minor(true);
  query.situation.set_no_dwelling(true);
  const v1::ReferentState pivot = Pivot("dsol-75113");
  EXPECT_EQ(Desks(query, &pivot), std::vector<std::string>{"crip75"});
  EXPECT_EQ(last_.candidates[0].step.code(), "MINOR_TO_CRIP");
}

TEST_F(ResolutionTest, SeriousOutOfHoursGoesToTheOnCallDeskFirst) {
  // D-4.5.
  EXPECT_EQ(Desks(Report(v1::URGENCY_SERIOUS), nullptr, kTuesdayNight),
            (std::vector<std::string>{"dsol-astreinte", "dsol-75113"}));
  EXPECT_EQ(last_.candidates[0].step.code(), "ON_CALL");
  EXPECT_EQ(First(Report(v1::URGENCY_SERIOUS)), "dsol-75113");                          // open
  EXPECT_EQ(First(Report(v1::URGENCY_CONCERN), nullptr, kTuesdayNight), "dsol-75113");  // not serious
  EXPECT_EQ(First(Report(v1::URGENCY_SERIOUS), nullptr, At(7, 11)), "dsol-astreinte");  // Saturday
  Query minor = Report(v1::URGENCY_SERIOUS);
  minor.situation.set_minor(true);
  EXPECT_EQ(First(minor, nullptr, At(7, 11)), "crip75-astreinte");
  Query rough = Report(v1::URGENCY_SERIOUS);
  rough.situation.set_no_dwelling(true);
  EXPECT_EQ(First(rough, nullptr, kTuesdayNight), "samusocial-115");
  EXPECT_EQ(First(rough, nullptr, kTuesdayMorning), "siao-urgence");
}

TEST_F(ResolutionTest, ThePivotComesFirstAndAnotherInstitutionsOnlyOnHerAgreement) {
  const v1::ReferentState own = Pivot("dsol-75120");
  EXPECT_EQ(Desks(Cut("75013"), &own), (std::vector<std::string>{"dsol-75120", "dsol-75113"}));
  EXPECT_TRUE(last_.candidates[0].stated_ground_counts);
  EXPECT_EQ(last_.candidates[0].function, "assistant-social");
  const v1::ReferentState other = Pivot("emmaus-maraude");
  EXPECT_EQ(First(Cut("75013"), &other), "emmaus-maraude");
  EXPECT_FALSE(last_.candidates[0].stated_ground_counts);  // D-1.5
  EXPECT_TRUE(last_.candidates[1].stated_ground_counts);
}

TEST_F(ResolutionTest, APivotWhoseDeskIsGoneIsSetAside) {
  const v1::ReferentState gone = Pivot("closed-desk");
  EXPECT_EQ(Desks(Cut("75013"), &gone), std::vector<std::string>{"dsol-75113"});
  EXPECT_EQ(last_.steps[0].code(), "PIVOT_DESK_GONE");
}

TEST_F(ResolutionTest, AChosenDeskIsTheOnlyOne) {
  Query query = Cut("75013");
  query.desk = "caf-droits";
  EXPECT_EQ(Desks(query), std::vector<std::string>{"caf-droits"});
  query.desk = "nowhere";
  EXPECT_TRUE(Desks(query).empty());
}

TEST_F(ResolutionTest, OnlyRecipientsOfTheProtocolEvenOnCall) {
  // The SIAO's on-call desk is another institution's; the protocol must name it too.
  Use(Replaced(SampleYaml(), "      - {kind: SIAO}\n", "      - {institution: siao}\n"));
  Query rough = Report(v1::URGENCY_SERIOUS);
  rough.situation.set_no_dwelling(true);
  for (const std::string& desk : Desks(rough, nullptr, kTuesdayNight)) {
    EXPECT_NE(desk, "samusocial-115");
  }
  EXPECT_EQ(First(rough, nullptr, kTuesdayNight), "siao-urgence");
}

TEST_F(ResolutionTest, DeadlinesByUrgency) {
  const directory::Desk& desk = *directory_->FindDesk("dsol-75113");
  EXPECT_EQ(DeadlineOf(Paris(), desk, v1::URGENCY_SERIOUS, kTuesdayMorning), At(4, 11));
  EXPECT_EQ(DeadlineOf(Paris(), desk, v1::URGENCY_CONCERN, kTuesdayMorning), At(6, 17));
  // 11 November is a holiday.
  EXPECT_EQ(DeadlineOf(Paris(), desk, v1::URGENCY_ORDINARY, kTuesdayMorning), At(18, 17));
  EXPECT_EQ(DeadlineOf(Paris(), desk, v1::URGENCY_UNSPECIFIED, kTuesdayMorning), At(18, 17));
}

TEST_F(ResolutionTest, TheChainGoesOnWhereTheMessageHasNotBeen) {
  v1::MessageState message;
  message.set_desk("dsol-75113");
  EXPECT_EQ(NextInChain(*directory_, message)->id, "dsol-coordination");
  message.add_past_desks("dsol-75113");
  message.set_desk("dsol-coordination");
  EXPECT_EQ(NextInChain(*directory_, message)->id, "dsol-astreinte");
  message.add_past_desks("dsol-coordination");
  message.set_desk("dsol-astreinte");
  EXPECT_EQ(NextInChain(*directory_, message), nullptr);
  v1::MessageState circle;  // siao-urgence ↔ samusocial-115
  circle.set_desk("siao-urgence");
  circle.add_past_desks("samusocial-115");
  EXPECT_EQ(NextInChain(*directory_, circle), nullptr);
  v1::MessageState nowhere;
  nowhere.set_desk("closed-desk");
  EXPECT_EQ(NextInChain(*directory_, nowhere), nullptr);
}

TEST(MakeStep, EveryCodeHasItsWords) {
  for (const char* code :
       {"CHOSEN_DESK", "PIVOT_ACTIVE", "PIVOT_NONE", "PIVOT_CONFLICT", "PIVOT_NOTICE", "PIVOT_DESK_GONE",
        "PIVOT_NOT_PERMITTED", "DESK_NOT_PERMITTED", "MINOR_TO_CRIP", "NO_DWELLING", "DESK_OF_TERRITORY",
        "DESK_OF_CITY", "ON_CALL", "ESCALATED", "DPO_NOTICE", "REVIEW_NOTICE", "NO_DESK"}) {
    EXPECT_NE(MakeStep(code).text(), "") << code;
  }
}

// ---- an audience: one institution, or her référent, and nobody else (D-3.7)

Query PaperOf(const std::string& sender, v1::Audience::Kind kind) {
  Query query;
  query.sender = sender;
  query.audience.set_kind(kind);
  return query;
}

TEST_F(ResolutionTest, TheSendersOwnDesk) {
  EXPECT_EQ(Desks(PaperOf("ville-paris", v1::Audience::KIND_OWN_DESK)),
            std::vector<std::string>{"dsol-75101"});  // neither relief nor the DPO's
  EXPECT_EQ(last_.candidates[0].step.code(), "OWN_DESK");
  EXPECT_FALSE(last_.candidates[0].stated_ground_counts);
  EXPECT_EQ(Desks(PaperOf("siao", v1::Audience::KIND_OWN_DESK)), std::vector<std::string>{"siao-urgence"});
  EXPECT_TRUE(Desks(PaperOf("edf", v1::Audience::KIND_OWN_DESK)).empty());
  EXPECT_EQ(last_.steps.back().code(), "NO_DESK");
  const v1::ReferentState theirs = Pivot("dsol-75113");
  EXPECT_EQ(Desks(PaperOf("ville-paris", v1::Audience::KIND_OWN_DESK), &theirs),
            std::vector<std::string>{"dsol-75113"});
  EXPECT_EQ(last_.candidates[0].function, "");
  const v1::ReferentState another = Pivot("caf-droits");
  EXPECT_EQ(Desks(PaperOf("ville-paris", v1::Audience::KIND_OWN_DESK), &another),
            std::vector<std::string>{"dsol-75101"});
}

TEST_F(ResolutionTest, HerReferentAlone) {
  Query query = PaperOf("ville-paris", v1::Audience::KIND_REFERENT);
  EXPECT_TRUE(Desks(query).empty());
  EXPECT_EQ(last_.steps.back().code(), "PIVOT_NONE");
  const v1::ReferentState pivot = Pivot("caf-droits");
  EXPECT_EQ(Desks(query, &pivot), std::vector<std::string>{"caf-droits"});
  EXPECT_EQ(last_.candidates[0].function, "") << "on her agreement with his institution alone";
  EXPECT_FALSE(last_.candidates[0].stated_ground_counts);
  query.audience.add_told("caf");
  EXPECT_TRUE(Desks(query, &pivot).empty());
  EXPECT_EQ(last_.steps.back().code(), "PIVOT_TOLD");
}

}  // namespace
}  // namespace relais::routing
