#include <gtest/gtest.h>

#include <string>

#include "common/feeds/form.h"
#include "common/feeds/testing/sample_rows.h"

namespace relais::feeds {
namespace {

using nlohmann::json;
using testing::BsppRaw;
using testing::BsppReport;

constexpr const char* kNir = "206127511100564";

FormResult Judge(const RawRow& row) {
  static const auto& signs = *new SignCodes{"ISOLATION", "ENERGY_CUT", "JOB_LOSS"};
  return JudgeForm(FeedType::kBspp, row, {&signs});
}

std::string Verdict(const RawRow& row) {
  const FormResult result = Judge(row);
  EXPECT_EQ(result.row.has_value(), result.reason == Reason::kNone);
  return std::string(ReasonName(result.reason)) + ":" + std::string(result.field);
}
std::string Verdict(const std::string& line) { return Verdict(BsppRaw(line)); }

/// The sample report with `value` at `pointer` ("/place/kind").
json With(const std::string& pointer, const json& value) {
  json report = BsppReport();
  report[json::json_pointer(pointer)] = value;
  return report;
}
json Without(const std::string& parent, const std::string& name) {
  json report = BsppReport();
  report[json::json_pointer(parent)].erase(name);
  return report;
}
std::string VerdictWith(const std::string& pointer, const json& value) {
  return Verdict(BsppRaw(With(pointer, value)));
}

/// The sample report as text, with the first `from` replaced.
std::string Edited(const std::string& from, const std::string& to) {
  std::string text = BsppReport().dump();
  return text.replace(text.find(from), from.size(), to);
}

TEST(BsppForm, ReadsValues) {
  json report = BsppReport();
  report["household"] = {{"adults", 2}, {"minors", 1}, {"pregnant", true}};
  report["prior_interventions"] = {{"count", 4}, {"since", "2025-11-22"}};
  report["signs"] = {"JOB_LOSS", " ISOLATION ", "JOB_LOSS"};
  report["exercise"] = true;
  report["ground"] = "INFO_PREOCCUPANTE";
  report["ground_facts"] = "Privations.";
  const FormResult result = Judge(BsppRaw(report));
  ASSERT_TRUE(result.row) << ReasonName(result.reason) << result.field;
  const auto& row = std::get<BsppRow>(*result.row);
  EXPECT_EQ(row.reference, "BSPP-1");
  EXPECT_EQ(row.intervention_at,
            absl::FromCivil(absl::CivilSecond(2026, 11, 10, 19, 5, 0), absl::UTCTimeZone()));
  EXPECT_EQ(row.place.kind, PlaceKind::kDomicile);
  EXPECT_EQ(row.person.naissance, absl::CivilDay(1950, 3, 4));
  EXPECT_EQ(row.household.adults, 2U);
  EXPECT_EQ(row.household.pregnant, 1U);
  EXPECT_EQ(row.prior.count, 4U);
  EXPECT_EQ(row.signs, (std::vector<std::string>{"ISOLATION", "JOB_LOSS"}));
  EXPECT_EQ(row.ground, Ground::kInfoPreoccupante);
  EXPECT_TRUE(row.exercise);
  EXPECT_EQ(result.record, (RecordKeyParts{"DIALLO", "AWA", "3 RUE MONGE", "75005"}));
  EXPECT_FALSE(result.carries_objection);
}

TEST(BsppForm, AcceptsWhatTheRulesAllow) {
  EXPECT_EQ(Verdict(BsppRaw(BsppReport())), ":");
  EXPECT_EQ(Verdict(BsppRaw(Without("", "person"))), ":");
  EXPECT_EQ(VerdictWith("/person", json::object()), ":");
  EXPECT_EQ(VerdictWith("/place", {{"kind", "RUE"}, {"repere", "square Villemin"}}), ":");
  EXPECT_EQ(VerdictWith("/place", {{"kind", "HOTEL"}, {"adresse", "5 rue X"}}), ":");
  EXPECT_EQ(VerdictWith("/ground_facts", "sans motif"), ":");
  EXPECT_EQ(VerdictWith("/ground", " "), ":");
  EXPECT_EQ(VerdictWith("/person/naissance", ""), ":");
  EXPECT_EQ(VerdictWith("/reported_words", ""), ":");
  EXPECT_EQ(VerdictWith("/household", {{"pregnant", 1}}), ":");
  EXPECT_EQ(VerdictWith("/prior_interventions", {{"count", 18446744073709551615ULL}}), ":");
  EXPECT_EQ(Verdict(Edited("\"facts\"", "\"f\\u0061cts\"")), ":");
  EXPECT_EQ(Verdict(" \t" + BsppReport().dump() + " "), ":");
  EXPECT_EQ(Verdict(Edited("Logement", "\\ud83d\\udca7 \\\\ud800")), ":");
}

TEST(BsppForm, NotAnObjectIsMalformed) {
  for (const char* line : {"", "null", "[]", "[{}]", "3", "\"x\"", "{", "{}x", "{} {}", "{'a':1}", "{\"a\":}",
                           "{\"a\":NaN}", "[[[[", "//\n{}"}) {
    EXPECT_EQ(Verdict(line), "MALFORMED:") << line;
  }
  EXPECT_EQ(Verdict("\xEF\xBB\xBF" + BsppReport().dump()), "MALFORMED:");
  EXPECT_EQ(Verdict(Edited("Logement", "Loge\nment")), "MALFORMED:");
  EXPECT_EQ(Verdict(std::string(100000, '[')), "MALFORMED:");
}

TEST(BsppForm, UnknownMembersAreMalformedAtAnyDepth) {
  EXPECT_EQ(VerdictWith("/religion", "?"), "MALFORMED:");
  EXPECT_EQ(VerdictWith("/religion", {{"a", {1, 2, {{"reference", "x"}}}}}), "MALFORMED:");
  EXPECT_EQ(VerdictWith("/person/surnom", "x"), "MALFORMED:person");
  EXPECT_EQ(VerdictWith("/place/nom", "x"), "MALFORMED:place");
  EXPECT_EQ(VerdictWith("/household/dogs", 1), "MALFORMED:household");
  EXPECT_EQ(VerdictWith("/Facts", "x"), "MALFORMED:");
}

TEST(BsppForm, RepeatedMembersAreMalformedAtAnyDepth) {
  EXPECT_EQ(Verdict(Edited("{\"agreement\"", "{\"danger\":\"NONE\",\"agreement\"")), "MALFORMED:danger");
  EXPECT_EQ(Verdict(Edited("\"kind\"", "\"adresse\":\"x\",\"kind\"")), "MALFORMED:place.adresse");
  EXPECT_EQ(Verdict(Edited("\"place\"", "\"person\":{},\"place\"")), "MALFORMED:person");
  const RawRow twice = BsppRaw(Edited("\"place\"", "\"reference\":\"B\",\"place\""));
  EXPECT_EQ(Verdict(twice), "MALFORMED:reference");
  EXPECT_EQ(Judge(twice).reference, "");
}

TEST(BsppForm, WrongTypesAreMalformed) {
  const std::pair<const char*, json> wrong[] = {{"/reference", 12},
                                                {"/intervention_at", 1},
                                                {"/place", "rue"},
                                                {"/place", nullptr},
                                                {"/place", json::array()},
                                                {"/person", json::array({1})},
                                                {"/person", nullptr},
                                                {"/signs", "ISOLATION"},
                                                {"/signs", json::object()},
                                                {"/signs", {"ISOLATION", 3}},
                                                {"/signs", {"ISOLATION", nullptr}},
                                                {"/signs", json::array({json::array({"ISOLATION"})})},
                                                {"/facts", false},
                                                {"/facts", json::object()},
                                                {"/facts", nullptr},
                                                {"/danger", 0},
                                                {"/exercise", "false"},
                                                {"/exercise", 0},
                                                {"/exercise", nullptr},
                                                {"/ground", nullptr}};
  for (const auto& [pointer, value] : wrong) {
    const std::string field = std::string(pointer).substr(1);
    EXPECT_EQ(VerdictWith(pointer, value), "MALFORMED:" + field) << value;
  }
  EXPECT_EQ(VerdictWith("/household", {{"adults", -1}}), "MALFORMED:household.adults");
  EXPECT_EQ(VerdictWith("/household", {{"adults", 1.0}}), "MALFORMED:household.adults");
  EXPECT_EQ(VerdictWith("/household", {{"minors", "2"}}), "MALFORMED:household.minors");
  EXPECT_EQ(VerdictWith("/household", {{"minors", true}}), "MALFORMED:household.minors");
  EXPECT_EQ(VerdictWith("/household", {{"pregnant", "oui"}}), "MALFORMED:household.pregnant");
  EXPECT_EQ(VerdictWith("/prior_interventions", {{"count", nullptr}}), "MALFORMED:prior_interventions.count");
  EXPECT_EQ(VerdictWith("/prior_interventions", {{"since", 2025}}), "MALFORMED:prior_interventions.since");
}

TEST(BsppForm, NulIsMalformedEscapedOrNot) {
  EXPECT_EQ(VerdictWith("/facts", std::string("a\0b", 3)), "MALFORMED:facts");
  EXPECT_EQ(VerdictWith("/signs", {std::string("\0", 1)}), "MALFORMED:signs");
  EXPECT_EQ(Verdict(Edited("Logement", std::string("\0", 1))), "MALFORMED:");
}

TEST(BsppForm, LongLinesAreMalformed) {
  std::string line = BsppReport().dump();
  line.append(kMaxNdjsonLine - line.size(), ' ');
  EXPECT_EQ(Verdict(line), ":");
  EXPECT_EQ(Verdict(line + " "), "MALFORMED:");
  RawRow skipped;
  skipped.malformed = true;
  EXPECT_EQ(Verdict(skipped), "MALFORMED:");
}

TEST(BsppForm, AMalformedRowStillShowsItsReference) {
  EXPECT_EQ(Judge(BsppRaw(With("/a_religion", "?"))).reference, "BSPP-1");
  EXPECT_EQ(Judge(BsppRaw(With("/zz", json::array({"x"})))).reference, "BSPP-1");
  EXPECT_EQ(Judge(BsppRaw(With("/reference", kNir))).reference, "");
  EXPECT_EQ(Judge(BsppRaw(With("/reference", "Awa Diallo"))).reference, "");
  EXPECT_EQ(Judge(BsppRaw(BsppReport().dump() + "x")).reference, "");
}

TEST(BsppForm, BadReference) {
  EXPECT_EQ(VerdictWith("/reference", "a b"), "MALFORMED:reference");
  EXPECT_EQ(VerdictWith("/reference", std::string(65, 'a')), "MALFORMED:reference");
  EXPECT_EQ(VerdictWith("/reference", " "), "MISSING_FIELD:reference");
  EXPECT_EQ(VerdictWith("/reference", kNir), "NIR_DETECTED:reference");
}

TEST(BsppForm, BadEncoding) {
  EXPECT_EQ(Verdict(Edited("Logement", "\xE9")), "BAD_ENCODING:facts");
  EXPECT_EQ(Verdict(Edited("Monge", "\xED\xA0\x80")), "BAD_ENCODING:place.adresse");
  EXPECT_EQ(Verdict(Edited("Logement", "\\ud800")), "BAD_ENCODING:facts");
  EXPECT_EQ(Verdict(Edited("Logement", "\\udca7\\ud83d")), "BAD_ENCODING:facts");
  EXPECT_EQ(Verdict(Edited("ISOLATION", "\xFF")), "BAD_ENCODING:signs");
  // Structure is judged first.
  EXPECT_EQ(Verdict(Edited("\"facts\":\"Logement", "\"fact\":\"\xE9")), "MALFORMED:");
  EXPECT_EQ(Verdict(Edited("BSPP-1", "\xE9")), "MALFORMED:reference");
  EXPECT_EQ(Verdict(Edited("\"facts\"", "\xE9")), "MALFORMED:");
  // U+FFFD itself is a character like another.
  EXPECT_EQ(Verdict(Edited("Logement", "\xEF\xBF\xBD")), ":");
}

TEST(BsppForm, MissingField) {
  for (const char* name :
       {"reference", "intervention_at", "place", "signs", "facts", "danger", "informed", "agreement"}) {
    EXPECT_EQ(Verdict(BsppRaw(Without("", name))), std::string("MISSING_FIELD:") + name);
  }
  EXPECT_EQ(VerdictWith("/signs", json::array()), "MISSING_FIELD:signs");
  EXPECT_EQ(VerdictWith("/facts", " \xC2\xA0"), "MISSING_FIELD:facts");
  EXPECT_EQ(Verdict(BsppRaw(Without("/place", "kind"))), "MISSING_FIELD:place.kind");
  EXPECT_EQ(Verdict(BsppRaw(Without("/place", "adresse"))), "MISSING_FIELD:place.adresse");
  EXPECT_EQ(Verdict(BsppRaw(Without("/place", "code_postal"))), "MISSING_FIELD:place.code_postal");
  EXPECT_EQ(VerdictWith("/place", {{"kind", "RUE"}}), "MISSING_FIELD:place.adresse");
  EXPECT_EQ(VerdictWith("/place", {{"kind", "BOIS"}, {"repere", " "}}), "MISSING_FIELD:place.adresse");
  EXPECT_EQ(VerdictWith("/ground", "ART_226_14_1"), "MISSING_FIELD:ground_facts");
}

TEST(BsppForm, TooLong) {
  const std::pair<const char*, int> limits[] = {
      {"/place/adresse", 200},  {"/place/repere", 200},    {"/place/commune", 200},
      {"/place/etage", 200},    {"/place/acces", 200},     {"/person/nom", 100},
      {"/person/prenoms", 100}, {"/person/alias", 100},    {"/person/telephone", 100},
      {"/person/sexe", 100},    {"/facts", 1000},          {"/reported_words", 1000},
      {"/ground_facts", 1000},  {"/requested_action", 300}};
  for (const auto& [pointer, limit] : limits) {
    std::string text;
    for (int i = 0; i < limit; ++i) text += "é";
    EXPECT_EQ(VerdictWith(pointer, " " + text), ":") << pointer;
    std::string field = std::string(pointer).substr(1);
    if (const size_t slash = field.find('/'); slash != std::string::npos) field[slash] = '.';
    EXPECT_EQ(VerdictWith(pointer, text + "é"), "TOO_LONG:" + field);
  }
}

TEST(BsppForm, AKindThatIsTooLongIsTooLong) {
  EXPECT_EQ(VerdictWith("/place/kind", std::string(201, 'X')), "TOO_LONG:place.kind");
}

TEST(BsppForm, SignsAreCountedWithoutRepeats) {
  json signs = json::array();
  for (int i = 0; i < 30; ++i) signs.push_back("ISOLATION");
  EXPECT_EQ(VerdictWith("/signs", signs), ":");
  for (int i = 0; i < 19; ++i) signs.push_back("X" + std::to_string(i));
  EXPECT_EQ(VerdictWith("/signs", signs), "UNKNOWN_CODE:signs");
  signs.push_back("X19");
  EXPECT_EQ(VerdictWith("/signs", signs), "TOO_LONG:signs");
}

TEST(BsppForm, NirInAnyText) {
  for (const char* pointer : {"/facts", "/reported_words", "/person/nom", "/person/telephone",
                              "/place/repere", "/requested_action", "/ground_facts"}) {
    EXPECT_EQ(VerdictWith(pointer, std::string("n° ") + kNir).substr(0, 13), "NIR_DETECTED:") << pointer;
  }
  EXPECT_EQ(VerdictWith("/signs", {kNir}), "NIR_DETECTED:signs");
}

TEST(BsppForm, UnknownCode) {
  for (const char* pointer : {"/danger", "/informed", "/agreement"}) {
    EXPECT_EQ(VerdictWith(pointer, "yes"), std::string("UNKNOWN_CODE:") + (pointer + 1));
  }
  EXPECT_EQ(VerdictWith("/place/kind", "domicile"), "UNKNOWN_CODE:place.kind");
  EXPECT_EQ(VerdictWith("/signs", {"ISOLATION", "NOT_A_SIGN"}), "UNKNOWN_CODE:signs");
  EXPECT_EQ(VerdictWith("/signs", {""}), "UNKNOWN_CODE:signs");
  json report = With("/ground", "AUTRE");
  report["ground_facts"] = "x";
  EXPECT_EQ(Verdict(BsppRaw(report)), "UNKNOWN_CODE:ground");
}

TEST(BsppForm, WithoutADirectorySignsAreNotJudged) {
  const RawRow row = BsppRaw(With("/signs", {"NOT_A_SIGN"}));
  EXPECT_EQ(JudgeForm(FeedType::kBspp, row, {}).reason, Reason::kNone);
}

TEST(BsppForm, BadDate) {
  EXPECT_EQ(VerdictWith("/intervention_at", "2026-11-02T10:00:00"), "BAD_DATE:intervention_at");
  EXPECT_EQ(VerdictWith("/intervention_at", "2026-11-02"), "BAD_DATE:intervention_at");
  EXPECT_EQ(VerdictWith("/person/naissance", "04/03/1950"), "BAD_DATE:person.naissance");
  EXPECT_EQ(VerdictWith("/person/naissance", "1950-02-30"), "BAD_DATE:person.naissance");
  EXPECT_EQ(VerdictWith("/prior_interventions", {{"since", "2025"}}), "BAD_DATE:prior_interventions.since");
}

TEST(BsppForm, PostalCodes) {
  EXPECT_EQ(VerdictWith("/place/code_postal", "75021"), "BAD_POSTAL_CODE:place.code_postal");
  EXPECT_EQ(VerdictWith("/place/code_postal", "93100"), "OUT_OF_TERRITORY:place.code_postal");
  EXPECT_EQ(VerdictWith("/place", {{"kind", "RUE"}, {"repere", "x"}, {"code_postal", "94"}}),
            "BAD_POSTAL_CODE:place.code_postal");
  EXPECT_EQ(VerdictWith("/place", {{"kind", "RUE"}, {"repere", "x"}, {"code_postal", " "}}), ":");
}

TEST(BsppForm, TheFirstReasonOfTheTableWinsWhereverItStands) {
  const std::pair<const char*, json> faults[] = {{"/zz", 1},          // MALFORMED
                                                 {"/informed", "@"},  // BAD_ENCODING, below
                                                 {"/agreement", ""},  // MISSING_FIELD
                                                 {"/person/nom", std::string(101, 'x')},  // TOO_LONG
                                                 {"/facts", kNir},                        // NIR_DETECTED
                                                 {"/danger", "GRAVE"},                    // UNKNOWN_CODE
                                                 {"/person/naissance", "hier"}};          // BAD_DATE
  json report = With("/place/code_postal", "75099");                                      // BAD_POSTAL_CODE
  EXPECT_EQ(Judge(BsppRaw(report)).reason, Reason::kBadPostalCode);
  int expected = 7;
  for (size_t i = std::size(faults); i-- > 0; --expected) {
    report[json::json_pointer(faults[i].first)] = faults[i].second;
    std::string line = report.dump();
    if (const size_t at = line.find('@'); at != std::string::npos) line[at] = '\xE9';
    EXPECT_EQ(static_cast<int>(Judge(BsppRaw(line)).reason), expected);
  }
}

TEST(BsppForm, RecordPartsMayBeEmpty) {
  json report = With("/place", {{"kind", "RUE"}, {"repere", "square"}});
  report.erase("person");
  EXPECT_EQ(Judge(BsppRaw(report)).record, RecordKeyParts());
}

}  // namespace
}  // namespace relais::feeds
