#include "common/feeds/judge.h"

#include <gtest/gtest.h>

#include <string>

#include "common/feeds/form.h"
#include "common/feeds/testing/sample_rows.h"
#include "common/text/day.h"

namespace relais::feeds {
namespace {

using absl::CivilDay;
using nlohmann::json;
using testing::BsppRaw;
using testing::BsppReport;
using testing::EdfCut;
using testing::EdfLetter;
using testing::EdfPayment;
using Column = EdfColumn;

constexpr const char* kToday = "2026-11-22";

CivilDay Day(const std::string& iso) { return *text::ParseIsoDay(iso); }

JudgeContext Context(const std::string& today = kToday, std::optional<bool> convention = true) {
  static const calendar::Paris paris = *calendar::Paris::Load();
  return {paris, Day(today), paris.At(Day(today), 12 * 60), convention};
}

Row Parse(FeedType type, const RawRow& raw) {
  const FormResult result = JudgeForm(type, raw, {});
  EXPECT_TRUE(result.row) << ReasonName(result.reason) << " " << result.field;
  return result.row.value_or(EdfRow());
}
Row Edf(const RawRow& raw) { return Parse(FeedType::kEdf, raw); }
Row Bspp(const json& report) { return Parse(FeedType::kBspp, BsppRaw(report)); }

std::string Tell(const Outcome& outcome) {
  std::string out(OutcomeKindName(outcome.kind));
  if (outcome.kind == OutcomeKind::kRefused) out = ReasonName(outcome.reason);
  if (outcome.retry_after) out += " " + text::FormatIsoDay(*outcome.retry_after);
  for (const Mark mark : outcome.marks) out += " " + std::string(MarkName(mark));
  return out;
}

std::string Alone(const Row& row, const JudgeContext& context = Context()) {
  return Tell(JudgeRowAlone(row, context));
}
std::string Full(const Row& row, const JudgeContext& context = Context(), const RecordState& state = {},
                 KnownReference reference = KnownReference::kUnknown) {
  return Tell(JudgeRow(row, context, state, reference));
}

TEST(Judge, ACutIsTooEarlyForFiveFullDays) {
  const auto cut = [](const char* day, const char* event = "COUPURE") {
    return Edf(EdfCut({{Column::kDateEvenement, day}, {Column::kEvenement, event}}));
  };
  EXPECT_EQ(Alone(cut("2026-11-22")), "TOO_EARLY 2026-11-28");
  EXPECT_EQ(Alone(cut("2026-11-17")), "TOO_EARLY 2026-11-23");
  EXPECT_EQ(Alone(cut("2026-11-17", "REDUCTION")), "TOO_EARLY 2026-11-23");
  EXPECT_EQ(Alone(cut("2026-11-16")), "ACCEPTED");
  EXPECT_EQ(Alone(cut("2026-11-16", "REDUCTION")), "ACCEPTED");
}

TEST(Judge, TheWindowToObjectIsOpenToItsLastDay) {
  const Row letter = Edf(EdfLetter());  // until 2026-10-12
  EXPECT_EQ(Alone(letter, Context("2026-10-12")), "WINDOW_OPEN 2026-10-13");
  EXPECT_EQ(Alone(letter, Context("2026-10-13")), "ACCEPTED");
  // Also where the letter goes under a convention and the sender states a window.
  const Row convention = Edf(EdfLetter({{Column::kFondement, "CONVENTION"}}));
  EXPECT_EQ(Alone(convention, Context("2026-10-12")), "WINDOW_OPEN 2026-10-13");
}

TEST(Judge, FutureDates) {
  EXPECT_EQ(
      Alone(Edf(EdfLetter({{Column::kDateEvenement, "2026-11-23"}, {Column::kFinOpposition, "2026-12-10"}}))),
      "FUTURE_DATE 2026-11-23");
  const auto until = [](const char* day) { return Edf(EdfCut({{Column::kPeriodeFin, day}})); };
  EXPECT_EQ(Alone(until("2026-11-23")), "FUTURE_DATE 2026-11-23");
  EXPECT_EQ(Alone(until("2026-11-22")), "ACCEPTED");
  EXPECT_EQ(Alone(Edf(EdfCut({{Column::kDateEvenement, "2026-11-24"}, {Column::kPeriodeFin, "2026-12-01"}}))),
            "FUTURE_DATE 2026-12-01");
  EXPECT_EQ(Alone(Edf(EdfPayment({{Column::kDateEvenement, "2026-11-23"}}))), "FUTURE_DATE 2026-11-23");
}

TEST(Judge, EventsAreTooOldAfter400Days) {
  const auto cut = [](const char* day) { return Edf(EdfCut({{Column::kDateEvenement, day}})); };
  EXPECT_EQ(Day(kToday) - Day("2025-10-18"), 400);
  EXPECT_EQ(Alone(cut("2025-10-18")), "ACCEPTED");
  EXPECT_EQ(Alone(cut("2025-10-17")), "TOO_OLD");
}

TEST(Judge, GroundsOfBillEvents) {
  struct Case {
    const char* event;
    const char* ground;
    const char* with_convention;
    const char* without;
  };
  const Case cases[] = {{"LETTRE_1", "ART2", "ACCEPTED", "ACCEPTED"},
                        {"LETTRE_1", "ART6", "NO_GROUND", "NO_GROUND"},
                        {"LETTRE_1", "CONVENTION", "ACCEPTED", "NO_GROUND"},
                        {"LETTRE_2", "ART2", "NO_GROUND", "NO_GROUND"},
                        {"LETTRE_2", "ART6", "NO_GROUND", "NO_GROUND"},
                        {"LETTRE_2", "CONVENTION", "ACCEPTED", "NO_GROUND"},
                        {"REDUCTION", "ART2", "NO_GROUND", "NO_GROUND"},
                        {"REDUCTION", "ART6", "ACCEPTED", "ACCEPTED"},
                        {"REDUCTION", "CONVENTION", "NO_GROUND", "NO_GROUND"},
                        {"COUPURE", "ART2", "NO_GROUND", "NO_GROUND"},
                        {"COUPURE", "ART6", "ACCEPTED", "ACCEPTED"},
                        {"COUPURE", "CONVENTION", "NO_GROUND", "NO_GROUND"}};
  for (const Case& c : cases) {
    const bool first_letter = std::string(c.event) == "LETTRE_1";
    const Row row = Edf(EdfCut({{Column::kEvenement, c.event},
                                {Column::kFondement, c.ground},
                                {Column::kFinOpposition, first_letter ? "2026-10-12" : ""}}));
    EXPECT_EQ(Alone(row), c.with_convention) << c.event << c.ground;
    EXPECT_EQ(Alone(row, Context(kToday, false)), c.without) << c.event << c.ground;
    EXPECT_EQ(Alone(row, Context(kToday, std::nullopt)), c.with_convention) << c.event << c.ground;
    EXPECT_EQ(Full(row), c.with_convention) << c.event << c.ground;
    EXPECT_EQ(Full(row, Context(kToday, false)), c.without) << c.event << c.ground;
    // Nobody said there is a convention: the full judgement does not presume one.
    EXPECT_EQ(Full(row, Context(kToday, std::nullopt)), c.without) << c.event << c.ground;
  }
}

TEST(Judge, ACancellingEventNeedsAnOpenDossier) {
  const Row payment = Edf(EdfPayment());
  EXPECT_EQ(Alone(payment), "ACCEPTED");
  EXPECT_EQ(Full(payment), "NO_GROUND");
  RecordState state;
  ApplyEvent(state.dossiers, std::get<EdfRow>(Edf(EdfCut())));
  EXPECT_EQ(Full(payment, Context(), state), "ACCEPTED");
  EXPECT_EQ(
      Full(Edf(EdfPayment({{Column::kFluide, "GAZ"}, {Column::kOptionTarifaire, ""}})), Context(), state),
      "NO_GROUND");
  EXPECT_EQ(Full(Edf(EdfPayment({{Column::kDateEvenement, "2026-10-01"}})), Context(), state), "NO_GROUND");
  ApplyEvent(state.dossiers, std::get<EdfRow>(payment));
  EXPECT_EQ(Full(payment, Context(), state), "NO_GROUND");
}

TEST(Judge, ThePastComesBetweenTheRowsOwnObjectionAndTheRest) {
  RecordState objected;
  objected.objection_on_file = true;
  const Row early = Edf(EdfCut({{Column::kDateEvenement, "2026-11-20"}}));
  const Row good = Edf(EdfCut());
  const Row opposed = Edf(EdfCut({{Column::kOpposition, "OUI"}}));

  EXPECT_EQ(Full(opposed, Context(), {}, KnownReference::kSameContent), "OPPOSED");
  EXPECT_EQ(Full(good, Context(), objected, KnownReference::kSameContent), "DUPLICATE");
  EXPECT_EQ(Full(good, Context(), objected, KnownReference::kOtherContent), "REFERENCE_REUSED");
  EXPECT_EQ(Full(early, Context(), {}, KnownReference::kSameContent), "DUPLICATE");
  EXPECT_EQ(Full(early, Context(), {}, KnownReference::kOtherContent), "REFERENCE_REUSED");
  EXPECT_EQ(Full(early, Context(), objected), "OPPOSED");
  EXPECT_EQ(Full(good, Context(), objected), "OPPOSED");
  EXPECT_EQ(Full(early), "TOO_EARLY 2026-11-26");
  // Cancelling events included.
  ApplyEvent(objected.dossiers, std::get<EdfRow>(good));
  EXPECT_EQ(Full(Edf(EdfPayment()), Context(), objected), "OPPOSED");
}

TEST(Judge, GatedNoticesAreResolvedLikeRows) {
  const Outcome early = JudgeRowAlone(Edf(EdfCut({{Column::kDateEvenement, "2026-11-20"}})), Context());
  const Outcome opposed = JudgeRowAlone(Edf(EdfCut({{Column::kOpposition, "OUI"}})), Context());
  json report = BsppReport();
  report["danger"] = "IMMEDIATE";
  const Outcome immediate = JudgeRowAlone(Bspp(report), Context());
  EXPECT_EQ(Tell(JudgeGated(early, KnownReference::kUnknown, false)), "TOO_EARLY 2026-11-26");
  EXPECT_EQ(Tell(JudgeGated(early, KnownReference::kSameContent, true)), "DUPLICATE");
  EXPECT_EQ(Tell(JudgeGated(early, KnownReference::kOtherContent, true)), "REFERENCE_REUSED");
  EXPECT_EQ(Tell(JudgeGated(early, KnownReference::kUnknown, true)), "OPPOSED");
  EXPECT_EQ(Tell(JudgeGated(opposed, KnownReference::kSameContent, false)), "OPPOSED");
  EXPECT_EQ(Tell(JudgeGated(immediate, KnownReference::kOtherContent, true)), "IMMEDIATE_DANGER");
}

TEST(Judge, OrderOfReasonsOnTheRowAlone) {
  // A cut that is opposed, in the future, early and without ground, made better step by step.
  EXPECT_EQ(Alone(Edf(EdfCut({{Column::kOpposition, "OUI"}, {Column::kDateEvenement, "2026-11-23"}}))),
            "OPPOSED");
  EXPECT_EQ(Alone(Edf(EdfCut({{Column::kDateEvenement, "2026-11-23"}, {Column::kFondement, "ART2"}}))),
            "FUTURE_DATE 2026-11-23");
  EXPECT_EQ(Alone(Edf(EdfCut({{Column::kDateEvenement, "2025-01-01"}, {Column::kPeriodeFin, "2026-12-01"}}))),
            "FUTURE_DATE 2026-12-01");
  EXPECT_EQ(
      Alone(Edf(EdfLetter({{Column::kDateEvenement, "2025-01-01"}, {Column::kFinOpposition, "2026-12-01"}}))),
      "TOO_OLD");
  EXPECT_EQ(Alone(Edf(EdfLetter({{Column::kFondement, "ART6"}, {Column::kFinOpposition, "2026-12-01"}}))),
            "WINDOW_OPEN 2026-12-02");
  EXPECT_EQ(Alone(Edf(EdfCut({{Column::kDateEvenement, "2026-11-20"}, {Column::kFondement, "ART2"}}))),
            "TOO_EARLY 2026-11-26");
}

TEST(Judge, Marks) {
  const auto marks = [](const char* fluid, const char* day, const char* event = "COUPURE") {
    return Full(Edf(EdfCut({{Column::kFluide, fluid},
                            {Column::kDateEvenement, day},
                            {Column::kEvenement, event},
                            {Column::kOptionTarifaire, ""}})));
  };
  EXPECT_EQ(marks("ELECTRICITE", "2026-11-01"), "ACCEPTED A_VERIFIER_TREVE");
  EXPECT_EQ(marks("GAZ", "2026-03-31"), "ACCEPTED A_VERIFIER_TREVE");
  EXPECT_EQ(marks("CHALEUR", "2026-01-15"), "ACCEPTED A_VERIFIER_TREVE");
  EXPECT_EQ(marks("ELECTRICITE", "2026-10-31"), "ACCEPTED");
  EXPECT_EQ(marks("ELECTRICITE", "2026-04-01"), "ACCEPTED");
  EXPECT_EQ(marks("ELECTRICITE", "2026-01-15", "REDUCTION"), "ACCEPTED");
  EXPECT_EQ(marks("EAU", "2026-07-01"), "ACCEPTED A_VERIFIER_EAU");
  EXPECT_EQ(marks("EAU", "2026-01-15"), "ACCEPTED A_VERIFIER_EAU");
  EXPECT_EQ(marks("EAU", "2026-01-15", "REDUCTION"), "ACCEPTED");
}

json Report(const std::string& pointer, const json& value) {
  json report = BsppReport();
  report[json::json_pointer(pointer)] = value;
  return report;
}

TEST(JudgeReport, ImmediateDangerWhateverTheRest) {
  json report = Report("/danger", "IMMEDIATE");
  report["intervention_at"] = "2030-01-01T00:00:00Z";
  RecordState objected;
  objected.objection_on_file = true;
  EXPECT_EQ(Full(Bspp(report), Context(), objected, KnownReference::kSameContent), "IMMEDIATE_DANGER");
}

TEST(JudgeReport, MayBeFiveMinutesAhead) {
  // Context(): noon in Paris, 11:00 UTC.
  EXPECT_EQ(Full(Bspp(Report("/intervention_at", "2026-11-22T11:05:00Z"))), "ACCEPTED");
  EXPECT_EQ(Full(Bspp(Report("/intervention_at", "2026-11-22T11:05:01Z"))), "FUTURE_DATE 2026-11-22");
  EXPECT_EQ(Full(Bspp(Report("/intervention_at", "2026-11-22T23:30:00Z"))), "FUTURE_DATE 2026-11-23");
}

TEST(JudgeReport, TooOldByItsParisDay) {
  // 2025-10-18 in Paris begins at 22:00 UTC on the 17th.
  EXPECT_EQ(Full(Bspp(Report("/intervention_at", "2025-10-17T22:00:00Z"))), "ACCEPTED");
  EXPECT_EQ(Full(Bspp(Report("/intervention_at", "2025-10-17T21:59:59Z"))), "TOO_OLD");
}

TEST(JudgeReport, Grounds) {
  const auto ground = [](const char* agreement, const char* danger, bool stated = false) {
    json report = BsppReport();
    report["agreement"] = agreement;
    report["danger"] = danger;
    if (stated) report["ground"] = "ART_226_14_1";
    if (stated) report["ground_facts"] = "Privations.";
    return Full(Bspp(report));
  };
  EXPECT_EQ(ground("GIVEN", "NONE"), "ACCEPTED");
  EXPECT_EQ(ground("REFUSED", "SERIOUS"), "NO_GROUND");
  EXPECT_EQ(ground("NOT_ASKED", "SERIOUS"), "NO_GROUND");
  EXPECT_EQ(ground("UNABLE", "SERIOUS"), "ACCEPTED");
  EXPECT_EQ(ground("UNABLE", "CONCERN"), "NO_GROUND");
  EXPECT_EQ(ground("REFUSED", "NONE", true), "ACCEPTED");
  EXPECT_EQ(ground("NOT_ASKED", "NONE", true), "ACCEPTED");
}

TEST(JudgeReport, AMinorsAgreementIsNoGround) {
  const auto born = [](const char* day, const char* at = "2026-11-10T22:30:00Z") {
    json report = Report("/person/naissance", day);
    report["intervention_at"] = at;
    return Full(Bspp(report));
  };
  // 2026-11-10T22:30Z is 23:30 in Paris; 23:30Z is the 11th there.
  EXPECT_EQ(born("2008-11-10"), "ACCEPTED");
  EXPECT_EQ(born("2008-11-11"), "NO_GROUND");
  EXPECT_EQ(born("2008-11-11", "2026-11-10T23:30:00Z"), "ACCEPTED");
  EXPECT_EQ(born(""), "ACCEPTED");
  // A stated ground, or break-glass, serves a minor too.
  json unable = Report("/person/naissance", "2015-01-01");
  unable["agreement"] = "UNABLE";
  unable["danger"] = "SERIOUS";
  EXPECT_EQ(Full(Bspp(unable)), "ACCEPTED");
}

TEST(JudgeReport, KnownReferences) {
  const Row row = Bspp(BsppReport());
  EXPECT_EQ(Full(row, Context(), {}, KnownReference::kSameContent), "DUPLICATE");
  EXPECT_EQ(Full(row, Context(), {}, KnownReference::kOtherContent), "REFERENCE_REUSED");
}

}  // namespace
}  // namespace relais::feeds
