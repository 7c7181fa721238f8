#include "services/alerting/domain/alert_rules.h"

#include <gtest/gtest.h>

namespace relais::alerting {
namespace {

using absl::CivilDay;
using feeds::Evenement;
using feeds::Fluide;
using feeds::Period;

feeds::Dossier DossierOf(CivilDay earliest, Period period, Fluide fluide = Fluide::kElectricite,
                         bool open = true) {
  return {fluide, period, earliest, open};
}
// A period far from all others, told apart by its number.
Period Apart(int number) {
  const CivilDay first = CivilDay(2020, 1, 1) + 100 * number;
  return {first, first + 30};
}

feeds::EdfRow Letter(CivilDay day, Period period, Fluide fluide = Fluide::kElectricite) {
  feeds::EdfRow row;
  row.evenement = Evenement::kLettre1;
  row.date_evenement = day;
  row.periode = period;
  row.fluide = fluide;
  return row;
}

// The row after it was applied to what there was before.
std::optional<Rule> RuleFor(const feeds::EdfRow& row, std::vector<feeds::Dossier> before,
                            RuleSettings settings = {}, bool registered = false, bool linked = false) {
  feeds::ApplyEvent(before, row);
  return RuleOf(row, {std::move(before), registered, linked}, settings);
}

// D-1.12, D-1.13: all that a recurrence stands on, and nothing else.
TEST(DossiersOfRecurrence, AreThoseThatRecurWithTheLetter) {
  using Positions = std::vector<size_t>;
  const auto of = [](const feeds::EdfRow& row, std::vector<feeds::Dossier> before) {
    feeds::ApplyEvent(before, row);
    return DossiersOfRecurrence(row, {std::move(before), false, false}, {});
  };
  const CivilDay day(2026, 11, 3);
  const auto old = DossierOf(CivilDay(2025, 5, 1), Apart(0));
  const auto one = DossierOf(CivilDay(2026, 3, 1), Apart(1));
  const auto two = DossierOf(CivilDay(2026, 6, 1), Apart(2), Fluide::kGaz);
  EXPECT_EQ(of(Letter(day, Apart(3)), {old, one, two}), (Positions{1, 2, 3}));
  // A letter about one that is there already.
  EXPECT_EQ(of(Letter(day, Apart(1)), {old, one, two, DossierOf(day, Apart(3))}), (Positions{1, 2, 3}));
  // The bill before and the bill after, of the same fluid; others only by number.
  const Period before{Apart(5).first - 30, Apart(5).first - 1};
  const Period after{Apart(5).last + 1, Apart(5).last + 30};
  EXPECT_EQ(of(Letter(day, Apart(5)), {old, DossierOf(CivilDay(2025, 7, 1), before)}), (Positions{1, 2}));
  EXPECT_EQ(of(Letter(day, Apart(5)), {DossierOf(CivilDay(2025, 7, 1), before, Fluide::kGaz), old,
                                       DossierOf(CivilDay(2025, 8, 1), after)}),
            (Positions{2, 3}));
  EXPECT_EQ(of(Letter(day, Apart(5)), {old}), (Positions{1}));
}

TEST(RuleOf, EachCutOrReductionAtOnce) {
  for (const auto event : {Evenement::kCoupure, Evenement::kReduction}) {
    feeds::EdfRow row = Letter(CivilDay(2026, 11, 3), Apart(1));
    row.evenement = event;
    EXPECT_EQ(RuleFor(row, {}), Rule::kCutOrReduction);
  }
}

TEST(RuleOf, CancellingEventsRaiseNothing) {
  for (const auto event : {Evenement::kReglement, Evenement::kEcheancier, Evenement::kRetablissement}) {
    feeds::EdfRow row = Letter(CivilDay(2026, 11, 3), Apart(1));
    row.evenement = event;
    EXPECT_EQ(RuleOf(row,
                     {{DossierOf(CivilDay(2026, 9, 1), Apart(1)), DossierOf(CivilDay(2026, 9, 1), Apart(2)),
                       DossierOf(CivilDay(2026, 9, 1), Apart(3))},
                      true,
                      true},
                     {}),
              std::nullopt);
  }
}

TEST(RuleOf, ThreeDossiersWithinTwelveMonths) {
  const CivilDay day(2026, 11, 3);
  const auto one = DossierOf(CivilDay(2026, 3, 1), Apart(1));
  const auto two = DossierOf(CivilDay(2026, 6, 1), Apart(2), Fluide::kGaz);
  EXPECT_EQ(RuleFor(Letter(day, Apart(3)), {}), std::nullopt);
  EXPECT_EQ(RuleFor(Letter(day, Apart(3)), {one}), std::nullopt);
  EXPECT_EQ(RuleFor(Letter(day, Apart(3)), {one, two}), Rule::kRecurrenceDossiers);
  // The same dossier told twice is one.
  EXPECT_EQ(RuleFor(Letter(day, Apart(2), Fluide::kGaz), {one, two}), std::nullopt);
  // A settled one counts.
  auto settled = one;
  settled.open = false;
  EXPECT_EQ(RuleFor(Letter(day, Apart(3)), {settled, two}), Rule::kRecurrenceDossiers);
}

TEST(RuleOf, TwelveMonthsToTheDay) {
  // D-1.11: the start day excluded, the same day a year later is the last one within.
  const CivilDay day(2026, 11, 3);
  const auto recent = DossierOf(CivilDay(2026, 6, 1), Apart(2));
  EXPECT_EQ(RuleFor(Letter(day, Apart(3)), {DossierOf(CivilDay(2025, 11, 3), Apart(1)), recent}),
            Rule::kRecurrenceDossiers);
  EXPECT_EQ(RuleFor(Letter(day, Apart(3)), {DossierOf(CivilDay(2025, 11, 2), Apart(1)), recent}),
            std::nullopt);
  // From a 29 February: its last day is the 28th a year later.
  EXPECT_EQ(RuleFor(Letter(CivilDay(2025, 2, 28), Apart(3)),
                    {DossierOf(CivilDay(2024, 2, 29), Apart(1)), DossierOf(CivilDay(2024, 6, 1), Apart(2))}),
            Rule::kRecurrenceDossiers);
  EXPECT_EQ(RuleFor(Letter(CivilDay(2025, 3, 1), Apart(3)),
                    {DossierOf(CivilDay(2024, 2, 29), Apart(1)), DossierOf(CivilDay(2024, 6, 1), Apart(2))}),
            std::nullopt);
}

TEST(RuleOf, WhateverTheOrderInWhichRowsCame) {
  // The oldest comes last: the twelve months are the same.
  const std::vector<feeds::Dossier> newer = {DossierOf(CivilDay(2026, 6, 1), Apart(2)),
                                             DossierOf(CivilDay(2026, 11, 3), Apart(3))};
  EXPECT_EQ(RuleFor(Letter(CivilDay(2026, 3, 1), Apart(1)), newer), Rule::kRecurrenceDossiers);
  EXPECT_EQ(RuleFor(Letter(CivilDay(2025, 3, 1), Apart(1)), newer), std::nullopt);
  // Three that recurred long ago say nothing of a lone new one.
  EXPECT_EQ(RuleFor(Letter(CivilDay(2026, 11, 3), Apart(4)),
                    {DossierOf(CivilDay(2024, 1, 1), Apart(1)), DossierOf(CivilDay(2024, 2, 1), Apart(2)),
                     DossierOf(CivilDay(2024, 3, 1), Apart(3))}),
            std::nullopt);
}

TEST(RuleOf, TheNumbersAreSettings) {
  const auto one = DossierOf(CivilDay(2026, 3, 1), Apart(1));
  EXPECT_EQ(RuleFor(Letter(CivilDay(2026, 11, 3), Apart(3)), {one}, {.dossiers = 2, .months = 12}),
            Rule::kRecurrenceDossiers);
  EXPECT_EQ(RuleFor(Letter(CivilDay(2026, 11, 3), Apart(3)), {one}, {.dossiers = 2, .months = 6}),
            std::nullopt);
}

TEST(RuleOf, TwoConsecutivePeriodsOfOneFluid) {
  const Period june{CivilDay(2026, 6, 1), CivilDay(2026, 6, 30)};
  const Period july{CivilDay(2026, 7, 1), CivilDay(2026, 7, 31)};
  const Period late_july{CivilDay(2026, 7, 2), CivilDay(2026, 7, 31)};
  const CivilDay day(2026, 11, 3);
  EXPECT_EQ(RuleFor(Letter(day, july), {DossierOf(day, june)}), Rule::kRecurrencePeriods);
  EXPECT_EQ(RuleFor(Letter(day, june), {DossierOf(day, july)}), Rule::kRecurrencePeriods);
  EXPECT_EQ(RuleFor(Letter(day, late_july), {DossierOf(day, june)}), std::nullopt);  // a day between
  EXPECT_EQ(RuleFor(Letter(day, july, Fluide::kGaz), {DossierOf(day, june)}), std::nullopt);
  EXPECT_EQ(RuleFor(Letter(day, june), {DossierOf(day, june)}), std::nullopt);
  // However long ago the letters of the one before were.
  EXPECT_EQ(RuleFor(Letter(day, july), {DossierOf(CivilDay(2024, 1, 1), june)}), Rule::kRecurrencePeriods);
}

TEST(RuleOf, OneDossierWhereSheIsRegisteredAndAnothersSignIsLinked) {
  const feeds::EdfRow row = Letter(CivilDay(2026, 11, 3), Apart(1));
  EXPECT_EQ(RuleFor(row, {}, {}, true, true), Rule::kLinkedSign);
  EXPECT_EQ(RuleFor(row, {}, {}, true, false), std::nullopt);
  EXPECT_EQ(RuleFor(row, {}, {}, false, true), std::nullopt);
}

TEST(RuleName, IsStable) {
  EXPECT_EQ(RuleName(Rule::kCutOrReduction), "CUT_OR_REDUCTION");
  EXPECT_EQ(RuleName(Rule::kRecurrenceDossiers), "RECURRENCE_DOSSIERS");
  EXPECT_EQ(RuleName(Rule::kRecurrencePeriods), "RECURRENCE_PERIODS");
  EXPECT_EQ(RuleName(Rule::kLinkedSign), "LINKED_SIGN");
  EXPECT_EQ(RuleName(Rule::kDistressReport), "DISTRESS_REPORT");
}

}  // namespace
}  // namespace relais::alerting
