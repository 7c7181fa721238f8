#include "common/feeds/canonical.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/feeds/form.h"
#include "common/feeds/testing/sample_rows.h"

namespace relais::feeds {
namespace {

using nlohmann::json;
using testing::BsppRaw;
using testing::BsppReport;
using testing::EdfCut;
using testing::EdfPayment;
using Column = EdfColumn;

std::string Content(FeedType type, const RawRow& raw) {
  const FormResult result = JudgeForm(type, raw, {});
  EXPECT_TRUE(result.row) << ReasonName(result.reason) << " " << result.field;
  return result.row ? CanonicalContent(*result.row) : "";
}
std::string Edf(testing::Changes changes = {}) { return Content(FeedType::kEdf, EdfCut(changes)); }
std::string Bspp(const json& report) { return Content(FeedType::kBspp, BsppRaw(report)); }

TEST(CanonicalContent, IsOfParsedValues) {
  const std::string content = Edf();
  EXPECT_EQ(content, Edf({{Column::kDateEvenement, "01/10/2026"}}));
  EXPECT_EQ(content, Edf({{Column::kMontantDu, "123.45"}}));
  EXPECT_EQ(content, Edf({{Column::kNom, " Dupont\xC2\xA0"}}));
  EXPECT_EQ(content, Edf({{Column::kAdresse, "12 bd. de l'Ho\xCC\x82pital"}}));
  EXPECT_EQ(Edf({{Column::kMontantDu, "12"}}), Edf({{Column::kMontantDu, "012,0"}}));
}

TEST(CanonicalContent, ChangesWithEveryColumn) {
  const std::set<std::string> contents = {
      Edf(),
      Edf({{Column::kReference, "EDF-9"}}),
      Edf({{Column::kFondement, "ART2"}}),
      Edf({{Column::kEvenement, "REDUCTION"}}),
      Edf({{Column::kDateEvenement, "2026-10-02"}}),
      Edf({{Column::kFluide, "GAZ"}, {Column::kOptionTarifaire, ""}}),
      Edf({{Column::kOpposition, "OUI"}}),
      Edf({{Column::kNom, "DUPONT"}}),
      Edf({{Column::kPrenoms, "Jean"}}),
      Edf({{Column::kNom, "DupontJ"}, {Column::kPrenoms, "eanne"}}),
      Edf({{Column::kAdresse, "12 boulevard de l'Hôpital"}}),
      Edf({{Column::kCodePostal, "75005"}}),
      Edf({{Column::kCommune, "PARIS"}}),
      Edf({{Column::kOptionTarifaire, ""}}),
      Edf({{Column::kMontantDu, "123,46"}}),
      Edf({{Column::kPeriodeDebut, "2026-06-02"}}),
      Edf({{Column::kPeriodeFin, "2026-07-31"}}),
      Content(FeedType::kEdf, EdfPayment()),
      Content(FeedType::kEdf, EdfPayment({{Column::kMontantDu, "1"}})),
      Content(FeedType::kEdf,
              EdfPayment({{Column::kPeriodeDebut, "2026-06-01"}, {Column::kPeriodeFin, "2026-06-02"}})),
      Content(FeedType::kEdf, testing::EdfLetter()),
      Content(FeedType::kEdf, testing::EdfLetter({{Column::kFinOpposition, "2026-10-13"}})),
  };
  EXPECT_EQ(contents.size(), 22U);
}

TEST(CanonicalContent, ReportsCompareByValue) {
  json one = BsppReport();
  one["signs"] = {"ISOLATION", "JOB_LOSS"};
  json other = one;
  other["intervention_at"] = "2026-11-10T19:05:00.000Z";
  other["signs"] = {"JOB_LOSS", "ISOLATION", "JOB_LOSS"};
  other["exercise"] = false;
  other["reported_words"] = " ";
  other["household"] = {{"minors", 0}};
  other["prior_interventions"] = json::object();
  other["person"]["alias"] = "";
  EXPECT_EQ(Bspp(one), Bspp(other));
}

TEST(CanonicalContent, ReportsChangeWithEveryMember) {
  const std::pair<const char*, json> changes[] = {{"/reference", "BSPP-2"},
                                                  {"/intervention_at", "2026-11-10T20:05:00.1+01:00"},
                                                  {"/place/kind", "HOTEL"},
                                                  {"/place/adresse", "4 rue Monge"},
                                                  {"/place/code_postal", "75006"},
                                                  {"/place/commune", "Paris"},
                                                  {"/place/repere", "Paris"},
                                                  {"/place/etage", "Paris"},
                                                  {"/place/acces", "Paris"},
                                                  {"/person/nom", "Diallo x"},
                                                  {"/person/prenoms", "x"},
                                                  {"/person/alias", "x"},
                                                  {"/person/naissance", "1950-03-05"},
                                                  {"/person/telephone", "x"},
                                                  {"/person/sexe", "x"},
                                                  {"/household/adults", 1},
                                                  {"/household/minors", 1},
                                                  {"/household/pregnant", 1},
                                                  {"/signs", {"JOB_LOSS"}},
                                                  {"/facts", "x"},
                                                  {"/reported_words", "x"},
                                                  {"/prior_interventions/count", 1},
                                                  {"/prior_interventions/since", "2026-01-01"},
                                                  {"/danger", "SERIOUS"},
                                                  {"/informed", "NO"},
                                                  {"/agreement", "UNABLE"},
                                                  {"/ground_facts", "x"},
                                                  {"/requested_action", "x"},
                                                  {"/exercise", true}};
  std::set<std::string> contents = {Bspp(BsppReport())};
  for (const auto& [pointer, value] : changes) {
    json report = BsppReport();
    report[json::json_pointer(pointer)] = value;
    EXPECT_TRUE(contents.insert(Bspp(report)).second) << pointer;
  }
}

// D-1.6 and D-5.6.
TEST(SharesRecord, ABillAlwaysAReportOnlyByAName) {
  const auto key = [](const json& person) {
    json report = BsppReport();
    report["person"] = person;
    return *JudgeForm(FeedType::kBspp, BsppRaw(report), {}).record;
  };
  EXPECT_TRUE(SharesRecord(FeedType::kBspp, key({{"nom", "Diallo"}})));
  EXPECT_TRUE(SharesRecord(FeedType::kBspp, key({{"prenoms", "Awa"}})));
  EXPECT_FALSE(SharesRecord(FeedType::kBspp, key({{"nom", "?"}})));
  EXPECT_FALSE(SharesRecord(FeedType::kBspp, key(json::object())));
  // No Latin letter is left of such a name; the address is.
  EXPECT_FALSE(SharesRecord(FeedType::kBspp, key({{"nom", "李"}, {"prenoms", "小龙"}})));
  EXPECT_TRUE(SharesRecord(FeedType::kEdf, {"", "", "3 RUE MONGE", "75005"}));
}

}  // namespace
}  // namespace relais::feeds
