#include "services/cli/testing/feed_rows.h"

#include "absl/strings/str_cat.h"

namespace relais::cli::testing {
namespace {

constexpr uint32_t kVersion = 3;

GateTerms Terms(feeds::FeedType type, const std::string& institution) {
  const calendar::Paris paris = *calendar::Paris::Load();
  const absl::CivilDay today(2026, 11, 20);
  return {.type = type,
          .institution = institution,
          .judge = {.paris = paris,
                    .today = today,
                    .now = paris.StartOf(today) + absl::Hours(12),
                    .has_convention = true},
          .signs = {"ISOLATION"},
          .key = {kVersion, Key()}};
}

}  // namespace

GateTerms EdfTerms() { return Terms(feeds::FeedType::kEdf, "edf"); }
GateTerms BsppTerms() { return Terms(feeds::FeedType::kBspp, "bspp"); }

feeds::RawRow GoodCut(uint64_t line, const std::string& reference) {
  feeds::RawRow row;
  row.line = line;
  row.fields = {reference, "ART6",   "COUPURE",    "2026-11-10",         "GAZ",   "NON",
                "",        "Martin", "Jeanne",     "12 bd de l'Hôpital", "Paris", "75013",
                "",        "123,45", "2026-09-01", "2026-10-31"};
  return row;
}

feeds::RawRow With(feeds::RawRow row, feeds::EdfColumn column, const std::string& value) {
  row.fields[static_cast<size_t>(column)] = value;
  return row;
}

feeds::RawRow Report(uint64_t line, const std::string& reference, const std::string& danger,
                     const std::string& person) {
  feeds::RawRow row;
  row.line = line;
  row.json = absl::StrCat(R"({"reference":")", reference,
                          R"(","intervention_at":"2026-11-19T22:10:00+01:00","place":{"kind":"RUE",)",
                          R"("repere":"sous le pont","code_postal":"75013"},"person":)", person,
                          R"(,"signs":["ISOLATION"],"facts":"seule","danger":")", danger,
                          R"(","informed":"YES","agreement":"GIVEN"})");
  return row;
}

}  // namespace relais::cli::testing
