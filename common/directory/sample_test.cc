// deploy/dev/directory.yaml: what the scripts, the demo and other modules' tests count on.
#include "common/directory/testing/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/directory/codes.h"
#include "common/directory/lint.h"
#include "common/directory/parse.h"

namespace relais::directory {
namespace {

using ::testing::IsEmpty;

TEST(Sample, LintsWithoutEvenAWarning) {
  const auto parsed = ParseDirectory(testing::SampleYaml());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  std::vector<std::string> problems;
  for (const Problem& problem : Lint(*parsed)) {
    problems.push_back(problem.ToString());
  }
  EXPECT_THAT(problems, IsEmpty());
}

TEST(Sample, HasTheSystemsTheDocumentsName) {
  const auto directory = testing::SampleDirectory();
  EXPECT_EQ(directory->trust_domain(), "relais.test");
  const std::tuple<const char*, const char*, const char*> expected[] = {
      {"ville-paris", "dsol", "PROFESSIONAL"}, {"ville-paris", "steward", "STEWARD"},
      {"casvp", "psa", "PROFESSIONAL"},        {"siao", "urgence", "PROFESSIONAL"},
      {"siao", "insertion", "PROFESSIONAL"},   {"samusocial", "115", "PROFESSIONAL"},
      {"crip75", "desk", "PROFESSIONAL"},      {"caf", "droits", "PROFESSIONAL"},
      {"cpam", "droits", "PROFESSIONAL"},      {"aphp", "pass", "PROFESSIONAL"},
      {"emmaus", "maraude", "PROFESSIONAL"},   {"edf", "billing", "SIGNAL_SENDER"},
      {"engie", "billing", "SIGNAL_SENDER"},   {"bspp", "dispatch", "SIGNAL_SENDER"},
      {"auditor", "suite", "AUDITOR"},         {"operator", "ops", "OPERATOR"},
  };
  for (const auto& [institution, system, role] : expected) {
    const Institution* found = directory->FindInstitution(institution);
    ASSERT_NE(found, nullptr) << institution;
    ASSERT_NE(found->FindSystem(system), nullptr) << institution << "/" << system;
    EXPECT_TRUE(found->FindSystem(system)->HasRole(role)) << institution << "/" << system;
  }
}

TEST(Sample, EveryArrondissementHasItsDeskFirst) {
  const auto directory = testing::SampleDirectory();
  for (int code = kFirstArrondissement; code <= kLastArrondissement; ++code) {
    const auto desks = directory->DesksFor("ADULT", code);
    ASSERT_FALSE(desks.empty());
    EXPECT_EQ(desks[0]->id, "dsol-" + std::to_string(code));
    EXPECT_TRUE(desks[0]->departmental_social_service);
    EXPECT_EQ(desks[0]->on_call, "dsol-astreinte");
  }
  EXPECT_EQ(directory->DesksFor("NO_DWELLING", 0)[0]->id, "siao-urgence");
  EXPECT_EQ(directory->DesksFor("MINOR", 75113)[0]->id, "crip75");
}

TEST(Sample, TheCripsHours) {
  EXPECT_EQ(testing::SampleDirectory()->FindDesk("crip75")->hours, calendar::OpeningHours::Crip());
}

TEST(Sample, BillsByGround) {
  const auto directory = testing::SampleDirectory();
  EXPECT_TRUE(directory->HasConvention("edf"));
  EXPECT_FALSE(directory->HasConvention("engie"));
  EXPECT_TRUE(directory->FindProtocol("edf", kUnpaidBill, "LETTRE_2")->HasGround("CONVENTION"));
  EXPECT_EQ(directory->FindProtocol("engie", kUnpaidBill, "LETTRE_2"), nullptr);
  for (const char* sender : {"edf", "engie"}) {
    EXPECT_TRUE(directory->FindProtocol(sender, kUnpaidBill, "LETTRE_1")->HasGround("ART2"));
    EXPECT_TRUE(directory->FindProtocol(sender, kUnpaidBill, "COUPURE")->HasGround("ART6"));
    EXPECT_TRUE(directory->FindProtocol(sender, kUnpaidBill, "REGLEMENT")->grounds.empty());
  }
}

TEST(Sample, DistressReportsReachSocialServicesSiaoAndCrip) {
  const auto directory = testing::SampleDirectory();
  const Protocol* report = directory->FindProtocol("bspp", kDistressReport, "SERIOUS");
  ASSERT_NE(report, nullptr);
  for (const char* desk :
       {"dsol-75101", "dsol-75120", "dsol-astreinte", "siao-urgence", "samusocial-115", "crip75"}) {
    EXPECT_TRUE(directory->IsRecipient(*report, *directory->FindDesk(desk))) << desk;
  }
  for (const char* desk : {"caf-droits", "emmaus-maraude", "psa-adultes"}) {
    EXPECT_FALSE(directory->IsRecipient(*report, *directory->FindDesk(desk))) << desk;
  }
}

TEST(Sample, FunctionsAndSecrecy) {
  const auto directory = testing::SampleDirectory();
  EXPECT_EQ(directory->FindFunction("ville-paris", "assistant-social")->secrecy, Secrecy::kProfession);
  EXPECT_EQ(directory->FindFunction("ville-paris", "agent-accueil")->secrecy, Secrecy::kNone);
  EXPECT_EQ(directory->FindFunction("bspp", "officier-sapeur-pompier")->secrecy, Secrecy::kProfession);
  EXPECT_EQ(directory->FindFunction("edf", "gestionnaire-factures")->secrecy, Secrecy::kNone);
  EXPECT_EQ(directory->FindFunction("edf", "assistant-social"), nullptr);
}

}  // namespace
}  // namespace relais::directory
