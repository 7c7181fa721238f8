// Who is linked at once, who is shown to a steward, who is left alone: a table to read. Each line is one
// record against Jeanne Martin's, as another institution may hold her.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/consent/domain/matching.h"

namespace relais::consent {
namespace {

using identity::Traits;

const Secret& Key() {
  static const Secret key(std::string(32, 'm'));
  return key;
}

Traits Jeanne() {
  Traits traits;
  traits.surname = "Martin";
  traits.first_names = "Jeanne Marie";
  traits.birth_date = absl::CivilDay(1961, 4, 12);
  traits.birthplace = "Lyon";
  traits.phone = "06 12 34 56 78";
  traits.address = "12 bd. de l'Hôpital";
  traits.postal_code = "75013";
  traits.identifiers = {{"caf", "1234567"}};
  return traits;
}

template <typename Change>
Traits But(Change change, Traits traits = Jeanne()) {
  change(traits);
  return traits;
}

struct Case {
  const char* what;
  Traits other;
  Likeness expected;
  Traits hers = Jeanne();
};

constexpr Likeness kSame = Likeness::kSame;
constexpr Likeness kCandidate = Likeness::kCandidate;
constexpr Likeness kNothing = Likeness::kNothing;

void Alone(Traits& traits) {  // only names and birth date
  traits.birthplace = traits.phone = traits.address = traits.postal_code = "";
  traits.identifiers.clear();
}
void OnNewYear(Traits& traits) { traits.birth_date = absl::CivilDay(1961, 1, 1); }
void OnNewYearsEve(Traits& traits) { traits.birth_date = absl::CivilDay(1961, 12, 31); }
void Presumed(Traits& traits) { traits.birth_date_presumed = true; }

std::vector<Case> Cases() {
  return {
      // ---- linked at once: names, exact day, and one thing more
      {"the same record", Jeanne(), kSame},
      {"case, accents, hyphens, order of names", But([](Traits& t) {
         t.surname = "MARTIN";
         t.first_names = "Marie-Jeanne";
       }),
       kSame},
      {"birthplace alone supports", But([](Traits& t) {
         Alone(t);
         t.birthplace = "LYON";
       }),
       kSame},
      {"telephone alone supports", But([](Traits& t) {
         Alone(t);
         t.phone = "+33 6 12 34 56 78";
       }),
       kSame},
      {"a shared identifier alone supports", But([](Traits& t) {
         Alone(t);
         t.identifiers = {{"caf", "1234567"}};
       }),
       kSame},
      {"another address does not matter", But([](Traits& t) {
         t.address = "3 rue Neuve";
         t.postal_code = "69001";
       }),
       kSame},
      {"birthplace differs, telephone is the same", But([](Traits& t) { t.birthplace = "Paris"; }), kSame},

      // ---- never at once
      {"nothing supports names and day", But(Alone), kCandidate},
      {"every support differs", But([](Traits& t) {
         t.birthplace = "Paris";
         t.phone = "0698765432";
         t.identifiers = {{"caf", "7654321"}};
       }),
       kCandidate},
      {"1 January", But(OnNewYear), kCandidate, But(OnNewYear)},
      {"31 December", But(OnNewYearsEve), kCandidate, But(OnNewYearsEve)},
      {"a presumed day, on one side", But(Presumed), kCandidate},
      {"a presumed day, on both", But(Presumed), kCandidate, But(Presumed)},
      {"one first name is missing", But([](Traits& t) { t.first_names = "Jeanne"; }), kCandidate},
      {"day and month exchanged", But([](Traits& t) { t.birth_date = absl::CivilDay(1961, 12, 4); }),
       kCandidate},
      {"names exchanged", But([](Traits& t) {
         t.surname = "Jeanne";
         t.first_names = "Marie Martin";
         t.birthplace = "";
       }),
       kCandidate},
      {"another day of the same year, same birthplace",
       But([](Traits& t) { t.birth_date = absl::CivilDay(1961, 5, 12); }), kCandidate},
      {"no day, same address", But([](Traits& t) {
         t.birth_date.reset();
         t.birthplace = t.phone = "";
         t.identifiers.clear();
       }),
       kCandidate},
      {"a shared identifier and nothing else", But([](Traits& t) {
         t = Traits();
         t.identifiers = {{"caf", "1234567"}};
       }),
       kCandidate},

      // ---- left alone
      {"a name alone", But([](Traits& t) {
         Alone(t);
         t.birth_date.reset();
       }),
       kNothing},
      {"an address alone (D-5.6: households)", But([](Traits& t) {
         t.surname = "Durand";
         t.first_names = "Paul";
         t.birth_date = absl::CivilDay(1990, 2, 3);
         t.birthplace = t.phone = "";
         t.identifiers.clear();
       }),
       kNothing},
      {"same day and birthplace, other names", But([](Traits& t) {
         t.surname = "Diallo";
         t.first_names = "Awa";
         t.phone = "";
         t.identifiers.clear();
       }),
       kNothing},
      {"unknown is not equal to unknown", Traits(), kNothing, Traits()},
      {"fillers are unknown", But([](Traits& t) { t.surname = "INCONNU"; }, Traits()), kNothing,
       But([](Traits& t) { t.surname = "INCONNU"; }, Traits())},
  };
}

TEST(MatchingCases, EachIsJudgedAsTheTableSays) {
  for (const Case& the : Cases()) {
    const MatchKeys hers = MatchKeysOf(Key(), the.hers);
    const MatchKeys other = MatchKeysOf(Key(), the.other);
    EXPECT_EQ(LikenessOf(hers, other), the.expected) << the.what;
    EXPECT_EQ(LikenessOf(other, hers), the.expected) << the.what << ", the other way round";
  }
}

Id128 Person(uint8_t number) {
  std::array<uint8_t, Id128::kSize> id{};
  id[0] = number;
  return Id128(id);
}

TEST(MatchingCases, ExactlyOneIsLinkedOfTwoNobodyKnowsWhich) {
  const Sighting same{Person(1), kSame};
  const Sighting another{Person(2), kSame};
  const Sighting like{Person(3), kCandidate};
  MatchOutcome outcome = JudgeSightings({same, like});
  EXPECT_EQ(outcome.link, Person(1));
  EXPECT_EQ(outcome.candidates, std::vector<Id128>{Person(3)});
  outcome = JudgeSightings({another, same, like});
  EXPECT_FALSE(outcome.link.has_value());
  EXPECT_EQ(outcome.candidates, (std::vector<Id128>{Person(1), Person(2), Person(3)}));
  EXPECT_FALSE(JudgeSightings({}).link.has_value());
}

TEST(MatchingCases, WhereManyMoreAreTheSameNobodyIsTheExactlyOne) {
  const MatchOutcome outcome = JudgeSightings({{Person(1), kSame}}, true);
  EXPECT_FALSE(outcome.link.has_value());
  EXPECT_EQ(outcome.candidates, std::vector<Id128>{Person(1)});
}

TEST(MatchingCases, WhatAStewardRejectedStaysSo) {
  const Sighting rejected{Person(1), kSame, false, true};
  MatchOutcome outcome = JudgeSightings({rejected});
  EXPECT_FALSE(outcome.link.has_value());
  EXPECT_TRUE(outcome.candidates.empty());
  // These traits are of two humans: a third is nobody's at once.
  outcome = JudgeSightings({rejected, {Person(2), kSame}});
  EXPECT_FALSE(outcome.link.has_value());
  EXPECT_EQ(outcome.candidates, std::vector<Id128>{Person(2)});
}

TEST(MatchingCases, WhoIsLinkedAlreadyIsNoSecondOne) {
  const MatchOutcome outcome = JudgeSightings({{Person(1), kSame, true}, {Person(2), kSame}});
  EXPECT_EQ(outcome.link, Person(2));
  EXPECT_TRUE(outcome.candidates.empty());
}

}  // namespace
}  // namespace relais::consent
