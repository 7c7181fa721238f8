#include "common/directory/show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/directory/parse.h"
#include "common/directory/testing/mini.h"
#include "common/directory/testing/sample.h"

namespace relais::directory {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kMiniYaml;
using testing::Replaced;

Directory Parsed(const std::string& yaml) { return ParseDirectory(yaml).value(); }

TEST(Show, DiffNamesWhatChanged) {
  const Directory a = Parsed(kMiniYaml);
  std::string yaml = Replaced(kMiniYaml, "version: 7", "version: 8");
  yaml = Replaced(yaml, "    dpia: AIPD-3\n", "");
  yaml = Replaced(yaml, "roles: [STEWARD]", "roles: [STEWARD], spiffe: true");
  EXPECT_THAT(Diff(a, Parsed(yaml)),
              ElementsAre("- institutions[edf].dpia: AIPD-3",
                          "+ institutions[ville].systems[steward].spiffe: true", "~ version: 7 → 8"));
  EXPECT_THAT(Diff(a, a), IsEmpty());
}

TEST(Show, DiffSeesEntriesOfOneName) {
  const Directory a = Parsed(kMiniYaml);
  EXPECT_THAT(Diff(a, Parsed(Replaced(kMiniYaml, "label: Agent,", "label: Agente,"))),
              ElementsAre("~ functions[agent].label: Agent → Agente"));
  EXPECT_THAT(Diff(a, Parsed(Replaced(kMiniYaml, "label: Agent de la Ville", "label: Agente"))),
              ElementsAre("~ functions[agent#2].label: Agent de la Ville → Agente"));
}

TEST(Show, DiffSeesTheOrderOfDesks) {
  const std::string yaml = kMiniYaml;
  const size_t start = yaml.find("  - id: cpam-droits");
  const std::string desk = yaml.substr(start, yaml.find("functions:") - start);
  const std::string moved = Replaced(Replaced(yaml, desk, ""), "desks:\n", "desks:\n" + desk);
  EXPECT_THAT(Diff(Parsed(yaml), Parsed(moved)),
              ElementsAre("~ desks: order is now cpam-droits, dsol-75113, astreinte"));
}

TEST(Show, ShowsBelowAPath) {
  EXPECT_THAT(Show(Parsed(kMiniYaml), "desks[dsol-75113].esc"),
              ElementsAre("desks[dsol-75113].escalation: astreinte"));
  EXPECT_THAT(Show(Parsed(kMiniYaml), "nothing"), IsEmpty());
  EXPECT_GT(Show(Parsed(kMiniYaml), "").size(), 100U);
}

TEST(Show, SummaryNamesEveryInstitution) {
  const std::vector<std::string> lines = Summary(Parsed(kMiniYaml));
  EXPECT_EQ(lines[0], "directory relais.test, version 7, until 2027-12-31T23:00:00+00:00");
  EXPECT_THAT(lines,
              Contains("  ville  DEPARTEMENT_SOCIAL  dsol (PROFESSIONAL), steward (STEWARD)  2 desks"));
  EXPECT_THAT(lines, Contains("  edf  ENERGY_SUPPLIER  billing (SIGNAL_SENDER)"));
}

}  // namespace
}  // namespace relais::directory
