#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/feeds/canonical.h"
#include "common/feeds/form.h"
#include "common/feeds/testing/sample_rows.h"

namespace relais::feeds {
namespace {

using testing::EdfCut;
using testing::EdfLetter;
using testing::EdfPayment;
using Column = EdfColumn;

FormResult Judge(const RawRow& row) { return JudgeForm(FeedType::kEdf, row, {}); }

std::string Verdict(const RawRow& row) {
  const FormResult result = Judge(row);
  EXPECT_EQ(result.row.has_value(), result.reason == Reason::kNone);
  return std::string(ReasonName(result.reason)) + ":" + std::string(result.field);
}

constexpr const char* kNir = "206127511100564";
constexpr const char* kNoBreakSpace = "\xC2\xA0";

std::string Repeat(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

// The order of the table of docs/formats.md, which is that of the wire: an integrator has nothing else.
TEST(EdfForm, ColumnsAreInTheDocumentedOrder) {
  const std::vector<std::string_view> documented = {
      "reference", "fondement", "evenement", "date_evenement", "fluide",           "opposition", "nom",
      "prenoms",   "adresse",   "commune",   "code_postal",    "option_tarifaire", "montant_du"};
  std::vector<std::string_view> columns(kEdfColumns.begin(), kEdfColumns.end());
  EXPECT_EQ(columns.at(6), "fin_opposition");
  columns.erase(columns.begin() + 6);
  EXPECT_EQ(std::vector<std::string_view>(columns.begin(), columns.end() - 2), documented);
  EXPECT_EQ(kEdfColumns[static_cast<size_t>(Column::kCommune)], "commune");
  EXPECT_EQ(kEdfColumns[static_cast<size_t>(Column::kCodePostal)], "code_postal");
}

TEST(EdfForm, ReadsValues) {
  const FormResult result = Judge(EdfLetter({{Column::kReference, " EDF_1-a "},
                                             {Column::kDateEvenement, "01/10/2026"},
                                             {Column::kNom, std::string(kNoBreakSpace) + " Me\xCC\x81lin "},
                                             {Column::kMontantDu, "12,5"}}));
  ASSERT_TRUE(result.row);
  const auto& row = std::get<EdfRow>(*result.row);
  EXPECT_EQ(row.reference, "EDF_1-a");
  EXPECT_EQ(result.reference, "EDF_1-a");
  EXPECT_EQ(row.evenement, Evenement::kLettre1);
  EXPECT_EQ(row.fondement, Fondement::kArt2);
  EXPECT_EQ(row.date_evenement, absl::CivilDay(2026, 10, 1));
  EXPECT_EQ(row.fin_opposition, absl::CivilDay(2026, 10, 12));
  EXPECT_EQ(row.nom, "M\xC3\xA9lin");
  EXPECT_EQ(row.montant_cents, 1250);
  EXPECT_EQ(row.periode, (Period{absl::CivilDay(2026, 6, 1), absl::CivilDay(2026, 7, 30)}));
  EXPECT_FALSE(row.opposition);
  EXPECT_EQ(result.record, (RecordKeyParts{"MELIN", "JEANNE", "12 BOULEVARD DE L HOPITAL", "75013"}));
}

TEST(EdfForm, AcceptsWhatTheRulesAllow) {
  for (const RawRow& row : {
           EdfCut(),
           EdfLetter(),
           EdfPayment(),
           EdfPayment({{Column::kMontantDu, "10.00"}}),
           EdfPayment({{Column::kPeriodeDebut, "2026-06-01"}, {Column::kPeriodeFin, "2026-06-01"}}),
           EdfCut({{Column::kOptionTarifaire, ""}}),
           EdfCut({{Column::kPrenoms, "SANS PRENOM"}}),
           EdfCut({{Column::kMontantDu, "0000001"}}),
           EdfCut({{Column::kCodePostal, "75116"}}),
           EdfCut({{Column::kReference, std::string(64, 'a')}}),
           EdfLetter({{Column::kFondement, "CONVENTION"}}),
           EdfLetter({{Column::kFondement, "CONVENTION"}, {Column::kFinOpposition, ""}}),
           EdfLetter({{Column::kFinOpposition, "2026-10-09"}}),
           EdfCut({{Column::kAdresse, "1 rue\nau fond"}}),
       }) {
    EXPECT_EQ(Verdict(row), ":") << ::testing::PrintToString(row.fields);
  }
}

TEST(EdfForm, Malformed) {
  EXPECT_EQ(Verdict(EdfCut({{Column::kReference, "a b"}})), "MALFORMED:reference");
  EXPECT_EQ(Verdict(EdfCut({{Column::kReference, "é"}})), "MALFORMED:reference");
  EXPECT_EQ(Verdict(EdfCut({{Column::kReference, std::string(65, 'a')}})), "MALFORMED:reference");
  EXPECT_EQ(Verdict(EdfCut({{Column::kReference, "\xE9"}})), "MALFORMED:reference");
  EXPECT_EQ(Verdict(EdfCut({{Column::kCommune, std::string("Pa\0ris", 6)}})), "MALFORMED:commune");

  RawRow short_row = EdfCut();
  short_row.fields.pop_back();
  EXPECT_EQ(Verdict(short_row), "MALFORMED:");
  RawRow unreadable = EdfCut();
  unreadable.malformed = true;
  EXPECT_EQ(Verdict(unreadable), "MALFORMED:");
  EXPECT_EQ(Judge(unreadable).reference, "");
}

TEST(EdfForm, BadEncoding) {
  EXPECT_EQ(Verdict(EdfCut({{Column::kNom, "Lef\xE8vre"}})), "BAD_ENCODING:nom");
  EXPECT_EQ(Verdict(EdfCut({{Column::kDateEvenement, "\xED\xA0\x80"}})), "BAD_ENCODING:date_evenement");
}

TEST(EdfForm, MissingField) {
  for (const Column column :
       {Column::kReference, Column::kFondement, Column::kEvenement, Column::kDateEvenement, Column::kFluide,
        Column::kOpposition, Column::kNom, Column::kPrenoms, Column::kAdresse, Column::kCommune,
        Column::kCodePostal, Column::kMontantDu, Column::kPeriodeDebut, Column::kPeriodeFin}) {
    const std::string expected = "MISSING_FIELD:" + std::string(kEdfColumns[static_cast<size_t>(column)]);
    EXPECT_EQ(Verdict(EdfCut({{column, ""}})), expected);
    EXPECT_EQ(Verdict(EdfCut({{column, std::string(" ") + kNoBreakSpace}})), expected);
  }
  EXPECT_EQ(Verdict(EdfLetter({{Column::kFinOpposition, " "}})), "MISSING_FIELD:fin_opposition");
  EXPECT_EQ(Verdict(EdfPayment({{Column::kPeriodeDebut, "2026-06-01"}})), "MISSING_FIELD:periode_fin");
  EXPECT_EQ(Verdict(EdfPayment({{Column::kPeriodeFin, "2026-06-01"}})), "MISSING_FIELD:periode_debut");
}

// Of several columns with the same fault the first of the table is named.
TEST(EdfForm, NamesTheFirstColumnOfTheTable) {
  const auto faults = [](const std::string& fault, std::initializer_list<Column> columns) {
    RawRow row = EdfCut();
    for (const Column column : columns) row.fields[static_cast<size_t>(column)] = fault;
    return Verdict(row);
  };
  EXPECT_EQ(faults("", {Column::kFondement, Column::kNom}), "MISSING_FIELD:fondement");
  EXPECT_EQ(faults("", {Column::kCommune, Column::kCodePostal}), "MISSING_FIELD:commune");
  EXPECT_EQ(faults("", {Column::kPeriodeFin, Column::kMontantDu}), "MISSING_FIELD:montant_du");
  EXPECT_EQ(faults("\xE9", {Column::kCommune, Column::kCodePostal}), "BAD_ENCODING:commune");
  EXPECT_EQ(faults(std::string("\0", 1), {Column::kReference, Column::kNom}), "MALFORMED:reference");
  EXPECT_EQ(Verdict(EdfLetter({{Column::kFinOpposition, ""}, {Column::kNom, ""}})),
            "MISSING_FIELD:fin_opposition");
  EXPECT_EQ(Verdict(EdfLetter({{Column::kFinOpposition, "2026-10-08"}, {Column::kPeriodeFin, "2026-01-01"}})),
            "BAD_DATE:fin_opposition");
}

// What is sent of a good row is what was judged.
TEST(EdfForm, NormalisingChangesNoJudgement) {
  const std::string padding(200'000, ' ');
  RawRow row = EdfCut({{Column::kNom, padding + "Me\xCC\x81lin" + kNoBreakSpace + padding},
                       {Column::kMontantDu, padding + "12,5"},
                       {Column::kFinOpposition, padding}});
  const FormResult before = Judge(row);
  ASSERT_TRUE(before.row);
  Normalise(row);
  EXPECT_EQ(row.fields[static_cast<size_t>(Column::kNom)], "M\xC3\xA9lin");
  EXPECT_EQ(row.fields[static_cast<size_t>(Column::kMontantDu)], "12,5");
  EXPECT_EQ(row.fields[static_cast<size_t>(Column::kFinOpposition)], "");
  const FormResult after = Judge(row);
  ASSERT_TRUE(after.row);
  EXPECT_EQ(CanonicalContent(*after.row), CanonicalContent(*before.row));
  EXPECT_EQ(after.record, before.record);
  // A tab is no blank; bytes that are not UTF-8 stay what they are.
  RawRow odd = EdfCut({{Column::kNom, " \tDupont\t "}, {Column::kCommune, " \xE9 "}});
  Normalise(odd);
  EXPECT_EQ(odd.fields[static_cast<size_t>(Column::kNom)], "\tDupont\t");
  EXPECT_EQ(odd.fields[static_cast<size_t>(Column::kCommune)], " \xE9 ");
}

TEST(EdfForm, AnUnknownEventHasTheNeedsOfABillEvent) {
  EXPECT_EQ(Verdict(EdfPayment({{Column::kEvenement, "reglement"}})), "MISSING_FIELD:fondement");
  EXPECT_EQ(Verdict(EdfCut({{Column::kEvenement, "coupure"}})), "UNKNOWN_CODE:evenement");
}

TEST(EdfForm, TooLong) {
  const std::pair<Column, int> limits[] = {{Column::kNom, 100},
                                           {Column::kPrenoms, 100},
                                           {Column::kAdresse, 200},
                                           {Column::kCommune, 100},
                                           {Column::kOptionTarifaire, 20}};
  for (const auto& [column, limit] : limits) {
    const std::string name(kEdfColumns[static_cast<size_t>(column)]);
    EXPECT_EQ(Verdict(EdfCut({{column, Repeat("é", limit)}})), ":") << name;
    EXPECT_EQ(Verdict(EdfCut({{column, Repeat("é", limit + 1)}})), "TOO_LONG:" + name);
    // Measured after NFC, which joins the letter and its accent, and after trimming.
    EXPECT_EQ(Verdict(EdfCut({{column, "  " + Repeat("e\xCC\x81", limit) + "  "}})), ":") << name;
  }
}

TEST(EdfForm, NirInAnyTextField) {
  EXPECT_EQ(Verdict(EdfCut({{Column::kAdresse, std::string("3 rue Monge NIR ") + kNir}})),
            "NIR_DETECTED:adresse");
  EXPECT_EQ(Verdict(EdfCut({{Column::kNom, "2 06 12 75 111 005 64"}})), "NIR_DETECTED:nom");
  EXPECT_EQ(Verdict(EdfCut({{Column::kReference, kNir}})), "NIR_DETECTED:reference");
  EXPECT_EQ(Verdict(EdfCut({{Column::kReference, "2-06-12-75-111-005-64"}})), "NIR_DETECTED:reference");
  EXPECT_EQ(Verdict(EdfCut({{Column::kOptionTarifaire, kNir}})), "NIR_DETECTED:option_tarifaire");
  EXPECT_EQ(Verdict(EdfCut({{Column::kCommune, "206127511100565"}})), ":");
}

TEST(EdfForm, UnknownCode) {
  EXPECT_EQ(Verdict(EdfCut({{Column::kFondement, "art6"}})), "UNKNOWN_CODE:fondement");
  EXPECT_EQ(Verdict(EdfPayment({{Column::kFondement, "ART9"}})), "UNKNOWN_CODE:fondement");
  EXPECT_EQ(Verdict(EdfCut({{Column::kEvenement, "DEMANDE_FSL"}})), "UNKNOWN_CODE:evenement");
  EXPECT_EQ(Verdict(EdfCut({{Column::kFluide, "FIOUL"}})), "UNKNOWN_CODE:fluide");
  EXPECT_EQ(Verdict(EdfCut({{Column::kOpposition, "oui"}})), "UNKNOWN_CODE:opposition");
}

TEST(EdfForm, BadDate) {
  EXPECT_EQ(Verdict(EdfCut({{Column::kDateEvenement, "2026-02-30"}})), "BAD_DATE:date_evenement");
  EXPECT_EQ(Verdict(EdfCut({{Column::kDateEvenement, "2026/10/01"}})), "BAD_DATE:date_evenement");
  EXPECT_EQ(Verdict(EdfCut({{Column::kPeriodeDebut, "31/04/2026"}})), "BAD_DATE:periode_debut");
  EXPECT_EQ(Verdict(EdfCut({{Column::kPeriodeFin, "hier"}})), "BAD_DATE:periode_fin");
  EXPECT_EQ(Verdict(EdfCut({{Column::kPeriodeFin, "2026-05-31"}})), "BAD_DATE:periode_fin");
  EXPECT_EQ(Verdict(EdfPayment({{Column::kPeriodeDebut, "2026-06-02"}, {Column::kPeriodeFin, "2026-06-01"}})),
            "BAD_DATE:periode_fin");
  EXPECT_EQ(Verdict(EdfLetter({{Column::kFinOpposition, "2026-10-08"}})), "BAD_DATE:fin_opposition");
  // Wherever it stands, before it is found unexpected.
  EXPECT_EQ(Verdict(EdfCut({{Column::kFinOpposition, "2026-10-08"}})), "BAD_DATE:fin_opposition");
  EXPECT_EQ(Verdict(EdfCut({{Column::kFinOpposition, "x"}})), "BAD_DATE:fin_opposition");
}

TEST(EdfForm, BadAmount) {
  for (const char* amount : {"0", "0,00", "0.0", "abc", "-12,00", "12,345", "1 200,50", "1.234,56", "12,",
                             ",5", "12345678", "1e3", "+5", "12;5", "١٢"}) {
    EXPECT_EQ(Verdict(EdfCut({{Column::kMontantDu, amount}})), "BAD_AMOUNT:montant_du") << amount;
  }
  EXPECT_EQ(Verdict(EdfPayment({{Column::kMontantDu, "0"}})), "BAD_AMOUNT:montant_du");
  for (const char* amount : {"1", "0,01", "1234567.89", "12,5", "9999999"}) {
    EXPECT_EQ(Verdict(EdfCut({{Column::kMontantDu, amount}})), ":") << amount;
  }
}

TEST(EdfForm, PostalCodes) {
  for (const char* code : {"75000", "75021", "75118", "750I1", "7501", "750011", "75 001"}) {
    EXPECT_EQ(Verdict(EdfCut({{Column::kCodePostal, code}})), "BAD_POSTAL_CODE:code_postal") << code;
  }
  EXPECT_EQ(Verdict(EdfCut({{Column::kCodePostal, "93100"}})), "OUT_OF_TERRITORY:code_postal");
}

TEST(EdfForm, UnexpectedField) {
  EXPECT_EQ(Verdict(EdfPayment({{Column::kFondement, "ART6"}})), "UNEXPECTED_FIELD:fondement");
  EXPECT_EQ(Verdict(EdfCut({{Column::kFinOpposition, "2026-10-09"}})), "UNEXPECTED_FIELD:fin_opposition");
  EXPECT_EQ(Verdict(EdfPayment({{Column::kFinOpposition, "2026-12-09"}})), "UNEXPECTED_FIELD:fin_opposition");
  EXPECT_EQ(Verdict(EdfCut({{Column::kFluide, "GAZ"}})), "UNEXPECTED_FIELD:option_tarifaire");
  EXPECT_EQ(Verdict(EdfCut({{Column::kFluide, "GAZ"}, {Column::kOptionTarifaire, " "}})), ":");
}

// Each pair: what the row would be refused for by the second alone, and the first that wins.
TEST(EdfForm, TheFirstReasonOfTheTableWinsWhereverItStands) {
  const std::pair<Column, std::string> faults[] = {
      {Column::kReference, "!"},                       // MALFORMED
      {Column::kCommune, "\xE9"},                      // BAD_ENCODING
      {Column::kPrenoms, " "},                         // MISSING_FIELD
      {Column::kNom, std::string(101, 'x')},           // TOO_LONG
      {Column::kAdresse, std::string("NIR ") + kNir},  // NIR_DETECTED
      {Column::kFondement, "ART1"},                    // UNKNOWN_CODE
      {Column::kDateEvenement, "jamais"},              // BAD_DATE
      {Column::kMontantDu, "0"},                       // BAD_AMOUNT
      {Column::kCodePostal, "75099"},                  // BAD_POSTAL_CODE
      {Column::kFinOpposition, "2026-11-30"},          // UNEXPECTED_FIELD
  };
  RawRow row = EdfCut();
  int expected = 10;
  for (size_t i = std::size(faults); i-- > 0; --expected) {
    row.fields[static_cast<size_t>(faults[i].first)] = faults[i].second;
    EXPECT_EQ(static_cast<int>(Judge(row).reason), expected);
  }
  EXPECT_EQ(expected, 0);
  EXPECT_EQ(Verdict(EdfCut({{Column::kCodePostal, "93100"}, {Column::kFluide, "GAZ"}})),
            "UNEXPECTED_FIELD:option_tarifaire");
}

TEST(EdfForm, TheReferenceIsShownOnlyWhenItIsSafe) {
  EXPECT_EQ(Judge(EdfCut({{Column::kMontantDu, "x"}})).reference, "EDF-1");
  EXPECT_EQ(Judge(EdfCut({{Column::kReference, kNir}})).reference, "");
  EXPECT_EQ(Judge(EdfCut({{Column::kReference, "Jeanne Dupont"}})).reference, "");
  EXPECT_EQ(Judge(EdfCut({{Column::kCommune, std::string("\0", 1)}})).reference, "EDF-1");
}

TEST(EdfForm, AnObjectionIsReadWhateverTheOutcome) {
  const auto carries = [](testing::Changes changes) {
    RawRow row = EdfCut({{Column::kOpposition, "OUI"}});
    for (const auto& [column, value] : changes) row.fields[static_cast<size_t>(column)] = value;
    return Judge(row).carries_objection;
  };
  EXPECT_TRUE(carries({}));
  EXPECT_TRUE(carries({{Column::kReference, "!"}}));
  EXPECT_TRUE(carries({{Column::kOpposition, " OUI "}}));
  EXPECT_TRUE(carries({{Column::kCommune, "\xE9"}}));
  EXPECT_TRUE(carries({{Column::kCommune, std::string("\0", 1)}}));
  EXPECT_TRUE(carries({{Column::kNom, std::string(300, 'x')}}));
  EXPECT_TRUE(carries({{Column::kCodePostal, "93100"}}));
  EXPECT_FALSE(carries({{Column::kOpposition, "NON"}}));
  EXPECT_FALSE(carries({{Column::kOpposition, "oui"}}));
  EXPECT_FALSE(carries({{Column::kAdresse, "\xE9"}}));
  EXPECT_FALSE(carries({{Column::kNom, " "}}));
  EXPECT_FALSE(carries({{Column::kPrenoms, kNoBreakSpace}}));
  EXPECT_FALSE(carries({{Column::kCodePostal, ""}}));

  RawRow broken = EdfCut({{Column::kOpposition, "OUI"}});
  broken.fields.pop_back();
  EXPECT_FALSE(Judge(broken).carries_objection);
  EXPECT_FALSE(Judge(broken).record);
}

}  // namespace
}  // namespace relais::feeds
