#include "services/cli/check_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace relais::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

questions::Finding Some() {
  questions::Finding finding;
  finding.what = "NO_EVIDENCE";
  finding.service = "consent";
  finding.leaves = {12, 7};
  finding.time = absl::FromCivil(absl::CivilSecond(2026, 11, 10, 9, 0, 5), absl::UTCTimeZone());
  finding.institution = "ville-paris";
  finding.function = "assistant-social";
  finding.recipient = "caf";
  finding.persons = {Id128::FromHex("000102030405060708090a0b0c0d0e0f").value()};
  finding.facts["method"] = "METHOD_SIGNED_PAPER";
  return finding;
}

questions::Report ReportOf(std::vector<questions::Finding> findings, bool enquiry = false) {
  questions::Report report;
  report.questions.push_back({{"a-question", "quoi ?", "what?", {"consent"}, enquiry}, std::move(findings)});
  report.leaves = 1234;
  return report;
}

TEST(CheckReport, TellsEveryFindingInWords) {
  EXPECT_EQ(ReportText(ReportOf({Some()})),
            "a-question: 1 finding\n"
            "  quoi ?\n"
            "  what?\n"
            "  NO_EVIDENCE  2026-11-10 10:00:05  consent 12, 7  ville-paris/assistant-social → caf\n"
            "      method: METHOD_SIGNED_PAPER\n"
            "      person: 000102030405060708090a0b0c0d0e0f\n"
            "1,234 leaves read\n");
  EXPECT_THAT(ReportText(ReportOf({Some(), Some()}, true)), HasSubstr("a-question: 2 answers\n"));
  EXPECT_THAT(ReportText(ReportOf({})), HasSubstr("a-question: nothing\n"));
}

TEST(CheckReport, AndAsValues) {
  const nlohmann::json json = ReportJson(ReportOf({Some()}));
  EXPECT_EQ(json["wrong"], 1);
  EXPECT_EQ(json["complete"], true);
  const nlohmann::json& finding = json["questions"][0]["findings"][0];
  EXPECT_EQ(finding["what"], "NO_EVIDENCE");
  EXPECT_EQ(finding["leaves"], nlohmann::json({12, 7}));
  EXPECT_EQ(finding["time"], "2026-11-10T09:00:05+00:00");
  EXPECT_EQ(finding["persons"][0], "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(finding["facts"]["method"], "METHOD_SIGNED_PAPER");
  EXPECT_EQ(ReportJson(ReportOf({Some()}, true))["wrong"], 0);
}

TEST(CheckReport, WhatSomebodyWroteMakesNoLinesAndSteersNoTerminal) {
  questions::Finding finding = Some();
  finding.facts["version"] = "3\n      person: nobody\x1b[2J";
  const std::string text = ReportText(ReportOf({finding}));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\n      person: nobody")));
}

TEST(CheckReport, SaysWhenItIsNotComplete) {
  questions::Report report = ReportOf({});
  EXPECT_THAT(ReportText(report), Not(HasSubstr("INCOMPLETE")));
  report.unknown_directory = 2;
  EXPECT_THAT(ReportText(report), HasSubstr("INCOMPLETE: 2 leaves"));
  EXPECT_EQ(ReportJson(report)["complete"], false);
  report.unknown_directory = 0;
  report.overflowed = true;
  EXPECT_THAT(ReportText(report), HasSubstr("--share"));
  EXPECT_EQ(ReportJson(report)["complete"], false);
}

TEST(CheckReport, TheCatalogNamesEveryQuestion) {
  EXPECT_EQ(CatalogJson()["questions"].size(), questions::AllQuestions({}).size());
  EXPECT_THAT(CatalogText(), HasSubstr("breach-notice  (on demand)  [consent, routing, alerting, vault]\n"));
}

}  // namespace
}  // namespace relais::cli
