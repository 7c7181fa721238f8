// D-2.8 and D-2.9 in cases that a lawyer can read: who may agree for whom.
#include <gtest/gtest.h>

#include <string>

#include "services/consent/domain/representative.h"

namespace relais::consent {
namespace {

const absl::CivilDay kToday(2026, 11, 10);

struct Case {
  const char* name;
  RepresentationAsked asked;
  const char* refused;  // the field; "": accepted
  std::optional<absl::CivilDay> last_day = std::nullopt;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

RepresentationAsked HerSelf(std::optional<absl::CivilDay> born = std::nullopt) {
  RepresentationAsked asked;
  asked.born = born;
  return asked;
}

RepresentationAsked Adult(v1::Representation kind) {
  RepresentationAsked asked;
  asked.kind = kind;
  asked.has_reference = true;
  asked.scope = v1::JUDGMENT_SCOPE_PERSON;
  asked.from = absl::CivilDay(2025, 1, 1);
  asked.until = absl::CivilDay(2029, 12, 31);
  asked.born = absl::CivilDay(1950, 1, 1);
  return asked;
}

RepresentationAsked Minor(v1::Representation kind,
                          std::optional<absl::CivilDay> born = absl::CivilDay(2016, 5, 20)) {
  RepresentationAsked asked;
  asked.kind = kind;
  asked.born = born;
  return asked;
}

template <typename Change>
RepresentationAsked With(RepresentationAsked asked, Change change) {
  change(asked);
  return asked;
}

using A = RepresentationAsked;
constexpr char kKind[] = "representative.kind";
const absl::CivilDay kEve(2034, 5, 19);  // of the 18th birthday of who was born on 20 May 2016

std::vector<Case> Cases() {
  return {
      // ---- She herself.
      {"nobody speaks for an adult: she does", HerSelf(absl::CivilDay(1980, 1, 1)), ""},
      {"unknown birth date: an adult, and able", HerSelf(), ""},
      {"15 today: her own word counts", HerSelf(absl::CivilDay(2011, 11, 10)), ""},
      {"15 tomorrow: somebody must speak for her", HerSelf(absl::CivilDay(2011, 11, 11)), "representative"},
      {"born on 29 February: 15 on 1 March", HerSelf(absl::CivilDay(2012, 2, 29)), "representative"},

      // ---- Adults (D-2.8).
      {"tutelle that covers the person, within its dates", Adult(v1::REPRESENTATION_TUTELLE), "",
       absl::CivilDay(2029, 12, 31)},
      {"habilitation familiale likewise", Adult(v1::REPRESENTATION_HABILITATION_FAMILIALE), "",
       absl::CivilDay(2029, 12, 31)},
      {"a scope of person and property covers the person",
       With(Adult(v1::REPRESENTATION_TUTELLE),
            [](A& a) { a.scope = v1::JUDGMENT_SCOPE_PERSON_AND_PROPERTY; }),
       "", absl::CivilDay(2029, 12, 31)},
      {"a mandat de protection future may have no end",
       With(Adult(v1::REPRESENTATION_MANDAT_PROTECTION_FUTURE), [](A& a) { a.until.reset(); }), ""},
      {"tutelle over property alone: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.scope = v1::JUDGMENT_SCOPE_PROPERTY; }),
       "representative.scope"},
      {"scope not said: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.scope = v1::JUDGMENT_SCOPE_UNSPECIFIED; }),
       "representative.scope"},
      {"no judgment named: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.has_reference = false; }),
       "representative.reference"},
      {"no first day: refused", With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.from.reset(); }),
       "representative.from"},
      {"no last day under tutelle: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.until.reset(); }), "representative.until"},
      {"the mandate begins tomorrow: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.from = kToday + 1; }), "representative.from"},
      {"its last day is today: accepted",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.until = kToday; }), "", kToday},
      {"its last day was yesterday: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.until = kToday - 1; }), "representative.until"},
      {"it ends before it begins: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.until = *a.from - 1; }), "representative.until"},
      {"curatelle: the person signs", Adult(v1::REPRESENTATION_CURATELLE), kKind},
      {"sauvegarde de justice: the person signs", Adult(v1::REPRESENTATION_SAUVEGARDE_JUSTICE), kKind},
      {"tutelle of a minor: refused",
       With(Adult(v1::REPRESENTATION_TUTELLE), [](A& a) { a.born = absl::CivilDay(2016, 5, 20); }), kKind},

      // ---- Minors (D-2.9).
      {"one parent, a usual act, until she is of age", Minor(v1::REPRESENTATION_ONE_PARENT), "", kEve},
      {"one parent, a special category: refused",
       With(Minor(v1::REPRESENTATION_ONE_PARENT), [](A& a) { a.special = true; }), kKind},
      {"both parents, a special category",
       With(Minor(v1::REPRESENTATION_BOTH_PARENTS), [](A& a) { a.special = true; }), "", kEve},
      {"the ASE by a decision, until it ends",
       With(Minor(v1::REPRESENTATION_ASE),
            [](A& a) {
              a.has_reference = true;
              a.until = absl::CivilDay(2027, 6, 30);
            }),
       "", absl::CivilDay(2027, 6, 30)},
      {"the ASE without its decision: refused", Minor(v1::REPRESENTATION_ASE), "representative.reference"},
      {"a guardian ad hoc whose mandate outlasts her minority: until she is of age",
       With(Minor(v1::REPRESENTATION_GUARDIAN_AD_HOC),
            [](A& a) {
              a.has_reference = true;
              a.until = absl::CivilDay(2040, 1, 1);
            }),
       "", kEve},
      {"a guardian ad hoc without decision: refused", Minor(v1::REPRESENTATION_GUARDIAN_AD_HOC),
       "representative.reference"},
      {"nobody, to the CRIP",
       With(Minor(v1::REPRESENTATION_NONE), [](A& a) { a.only_to_child_protection = true; }), "", kEve},
      {"nobody, to others: refused", Minor(v1::REPRESENTATION_NONE), kKind},
      {"a parent of somebody of age: refused",
       Minor(v1::REPRESENTATION_ONE_PARENT, absl::CivilDay(2008, 11, 10)), kKind},
      {"a parent of somebody who is 17: accepted, her own word would be enough too",
       Minor(v1::REPRESENTATION_ONE_PARENT, absl::CivilDay(2008, 11, 11)), "", kToday},
      {"a parent of somebody whose birth date is not known, who counts as of age: refused",
       Minor(v1::REPRESENTATION_ONE_PARENT, std::nullopt), kKind},
      {"both parents likewise: refused", Minor(v1::REPRESENTATION_BOTH_PARENTS, std::nullopt), kKind},
      {"nobody, of somebody whose birth date is not known: refused",
       With(Minor(v1::REPRESENTATION_NONE, std::nullopt), [](A& a) { a.only_to_child_protection = true; }),
       kKind},
      {"a parent of a child by a presumed birth date, until she is of age by it",
       With(Minor(v1::REPRESENTATION_ONE_PARENT, std::nullopt),
            [](A& a) { a.presumed = absl::CivilDay(2016, 5, 20); }),
       "", kEve},
      {"a parent of somebody who is of age by a presumed birth date: refused",
       With(Minor(v1::REPRESENTATION_ONE_PARENT, std::nullopt),
            [](A& a) { a.presumed = absl::CivilDay(2000, 5, 20); }),
       kKind},
      {"the ASE by a decision that says its last day, without a birth date",
       With(Minor(v1::REPRESENTATION_ASE, std::nullopt),
            [](A& a) {
              a.has_reference = true;
              a.until = absl::CivilDay(2027, 6, 30);
            }),
       "", absl::CivilDay(2027, 6, 30)},
      {"the ASE by a decision, though a presumed birth date makes her of age: until its last day",
       With(Minor(v1::REPRESENTATION_ASE, std::nullopt),
            [](A& a) {
              a.has_reference = true;
              a.until = absl::CivilDay(2027, 6, 30);
              a.presumed = absl::CivilDay(2000, 5, 20);
            }),
       "", absl::CivilDay(2027, 6, 30)},
      {"a decision without a last day or a birth date has no end: refused",
       With(Minor(v1::REPRESENTATION_GUARDIAN_AD_HOC, std::nullopt), [](A& a) { a.has_reference = true; }),
       "representative.until"},
      {"a presumed birth date does not keep her from her own word",
       With(HerSelf(), [](A& a) { a.presumed = absl::CivilDay(2016, 5, 20); }), ""},
      {"a capacity that the law does not know: refused", Minor(static_cast<v1::Representation>(99)), kKind},
  };
}

class RepresentativeCases : public ::testing::TestWithParam<Case> {};

TEST_P(RepresentativeCases, AreJudgedAsTheLawSays) {
  const Case& c = GetParam();
  const Representing judged = JudgeRepresentation(c.asked, kToday);
  EXPECT_EQ(judged.field, c.refused);
  EXPECT_EQ(judged.ok(), std::string(c.refused).empty());
  if (judged.ok()) {
    EXPECT_EQ(judged.represented, c.asked.kind != v1::REPRESENTATION_UNSPECIFIED);
    EXPECT_EQ(judged.last_day, c.last_day);
    EXPECT_EQ(judged.child_protection_only, c.asked.kind == v1::REPRESENTATION_NONE);
  }
}

// D-2.8: under curatelle and sauvegarde de justice she refuses and withdraws herself.
TEST(Representative, WhoMaySayNoForHer) {
  for (const v1::Representation kind :
       {v1::REPRESENTATION_UNSPECIFIED, v1::REPRESENTATION_TUTELLE, v1::REPRESENTATION_HABILITATION_FAMILIALE,
        v1::REPRESENTATION_MANDAT_PROTECTION_FUTURE, v1::REPRESENTATION_ONE_PARENT,
        v1::REPRESENTATION_BOTH_PARENTS, v1::REPRESENTATION_ASE, v1::REPRESENTATION_GUARDIAN_AD_HOC,
        v1::REPRESENTATION_NONE}) {
    EXPECT_TRUE(MaySayNo(kind)) << v1::Representation_Name(kind);
  }
  for (const v1::Representation kind : {v1::REPRESENTATION_CURATELLE, v1::REPRESENTATION_SAUVEGARDE_JUSTICE,
                                        static_cast<v1::Representation>(99)}) {
    EXPECT_FALSE(MaySayNo(kind)) << static_cast<int>(kind);
  }
}

INSTANTIATE_TEST_SUITE_P(D28, RepresentativeCases, ::testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = std::to_string(info.index);
  for (const char c : std::string_view(info.param.name)) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
});

}  // namespace
}  // namespace relais::consent
