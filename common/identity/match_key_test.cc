#include "common/identity/match_key.h"

#include <algorithm>
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace relais::identity {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const Secret kKey(std::string(32, 'm'));

Traits Marie() {
  return {.surname = "Martin",
          .first_names = "Marie Claire",
          .birth_date = absl::CivilDay(1980, 4, 3),
          .birthplace = "Paris",
          .phone = "06 12 34 56 78",
          .address = "12 bd de l'Hôpital",
          .postal_code = "75013",
          .identifiers = {{"caf", "1234567"}}};
}

Traits With(const std::function<void(Traits&)>& change) {
  Traits traits = Marie();
  change(traits);
  return traits;
}

bool Share(const std::vector<Id128>& a, const std::vector<Id128>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const Id128& id) { return std::count(b.begin(), b.end(), id) > 0; });
}

bool Links(const Traits& a, const Traits& b) { return Share(LinkKeys(kKey, a), LinkKeys(kKey, b)); }
bool Candidates(const Traits& a, const Traits& b) {
  return Share(CandidateKeys(kKey, a), CandidateKeys(kKey, b));
}

struct Case {
  const char* what;
  std::function<void(Traits&)> change;
};

TEST(LinkKeysTest, OneKeyPerSupport) {
  EXPECT_THAT(LinkKeys(kKey, Marie()), SizeIs(3));
  EXPECT_THAT(LinkKeys(kKey, With([](Traits& t) { t.identifiers.push_back({"siao", "9"}); })), SizeIs(4));
}

TEST(LinkKeysTest, SpellingDoesNotMatter) {
  const Case cases[] = {
      {"case and order of first names", [](Traits& t) { t.first_names = "CLAIRE-MARIE"; }},
      {"particle", [](Traits& t) { t.surname = "de Martin"; }},
      {"accent", [](Traits& t) { t.surname = "Martìn"; }},
      {"another birthplace", [](Traits& t) { t.birthplace = "Lyon"; }},
      {"no birthplace", [](Traits& t) { t.birthplace = ""; }},
      {"only the birthplace",
       [](Traits& t) {
         t.phone = "";
         t.identifiers.clear();
       }},
      {"only the phone, otherwise written",
       [](Traits& t) {
         t.phone = "+33612345678";
         t.birthplace = "";
         t.identifiers.clear();
       }},
      {"only the identifier",
       [](Traits& t) {
         t.phone = "";
         t.birthplace = "";
       }},
      {"another address", [](Traits& t) { t.address = "1 rue X"; }},
  };
  for (const Case& c : cases) EXPECT_TRUE(Links(Marie(), With(c.change))) << c.what;
}

TEST(LinkKeysTest, WhatMustBeTheSameIs) {
  const Case cases[] = {
      {"surname", [](Traits& t) { t.surname = "Martinet"; }},
      {"one first name less", [](Traits& t) { t.first_names = "Marie"; }},
      {"one first name more", [](Traits& t) { t.first_names = "Marie Claire Anne"; }},
      {"day", [](Traits& t) { t.birth_date = absl::CivilDay(1980, 4, 4); }},
      {"day and month swapped", [](Traits& t) { t.birth_date = absl::CivilDay(1980, 3, 4); }},
      {"no date", [](Traits& t) { t.birth_date.reset(); }},
      {"no support shared",
       [](Traits& t) {
         t.birthplace = "Lyon";
         t.phone = "0711223344";
         t.identifiers = {{"caf", "7654321"}};
       }},
      {"the same number of another scheme",
       [](Traits& t) {
         t.birthplace = t.phone = "";
         t.identifiers = {{"siao", "1234567"}};
       }},
  };
  for (const Case& c : cases) {
    EXPECT_FALSE(Links(Marie(), With(c.change))) << c.what;
    EXPECT_TRUE(Links(With(c.change), With(c.change)) || LinkKeys(kKey, With(c.change)).empty()) << c.what;
  }
}

TEST(LinkKeysTest, NoneWhereNothingMayLink) {
  const Case cases[] = {
      {"1 January", [](Traits& t) { t.birth_date = absl::CivilDay(1980, 1, 1); }},
      {"31 December", [](Traits& t) { t.birth_date = absl::CivilDay(1980, 12, 31); }},
      {"presumed", [](Traits& t) { t.birth_date_presumed = true; }},
      {"no date", [](Traits& t) { t.birth_date.reset(); }},
      {"no surname", [](Traits& t) { t.surname = ""; }},
      {"surname unknown", [](Traits& t) { t.surname = "INCONNUE"; }},
      {"surname in a script that leaves nothing", [](Traits& t) { t.surname = "Иванова"; }},
      {"no first name", [](Traits& t) { t.first_names = "SANS PRENOM"; }},
      {"no support",
       [](Traits& t) {
         t.birthplace = t.phone = "";
         t.identifiers.clear();
       }},
      {"supports that say nothing",
       [](Traits& t) {
         t.birthplace = "France";
         t.phone = "0000000000";
         t.identifiers = {{"caf", " "}};
       }},
  };
  for (const Case& c : cases) EXPECT_THAT(LinkKeys(kKey, With(c.change)), IsEmpty()) << c.what;
}

TEST(CandidateKeysTest, FindsWhatDoesNotLink) {
  const Traits bare = {.surname = "Martin", .first_names = "Marie"};
  const auto bare_with = [&](const std::function<void(Traits&)>& add) {
    Traits traits = bare;
    add(traits);
    return traits;
  };
  const Case cases[] = {
      {"one first name and the date", [](Traits& t) { t.birth_date = absl::CivilDay(1980, 4, 3); }},
      {"day and month swapped", [](Traits& t) { t.birth_date = absl::CivilDay(1980, 3, 4); }},
      {"presumed 1 January of the year",
       [](Traits& t) {
         t.birth_date = absl::CivilDay(1980, 1, 1);
         t.birth_date_presumed = true;
       }},
      {"double name",
       [](Traits& t) {
         t.surname = "Durand-Martin";
         t.birth_date = absl::CivilDay(1980, 4, 3);
       }},
      {"birthplace", [](Traits& t) { t.birthplace = "Paris 13e"; }},
      {"address, as a supplier sends it",
       [](Traits& t) {
         t.address = "12 BOULEVARD HOPITAL";
         t.postal_code = "75013";
       }},
      {"phone, under another surname",
       [](Traits& t) {
         t.surname = "Durand";
         t.phone = "0612345678";
       }},
      {"surname and first names exchanged",
       [](Traits& t) {
         t.surname = "Marie Claire";
         t.first_names = "Martin";
         t.birth_date = absl::CivilDay(1980, 4, 3);
       }},
      {"a shared identifier alone",
       [](Traits& t) {
         t.surname = t.first_names = "";
         t.identifiers = {{"caf", "1234567"}};
       }},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(Candidates(Marie(), bare_with(c.change))) << c.what;
    EXPECT_FALSE(Links(Marie(), bare_with(c.change))) << c.what;
  }
}

TEST(CandidateKeysTest, WhatLinksIsACandidateToo) { EXPECT_TRUE(Candidates(Marie(), Marie())); }

TEST(CandidateKeysTest, ANameOrAnAddressOrAPhoneAloneFindsNobody) {
  EXPECT_THAT(CandidateKeys(kKey, {.surname = "Martin", .first_names = "Marie"}), IsEmpty());
  EXPECT_THAT(CandidateKeys(kKey, {.address = "12 bd de l'Hôpital", .postal_code = "75013"}), IsEmpty());
  EXPECT_THAT(CandidateKeys(kKey, {.phone = "0612345678"}), IsEmpty());
  EXPECT_THAT(CandidateKeys(kKey, {.birth_date = absl::CivilDay(1980, 4, 3)}), IsEmpty());
  EXPECT_THAT(CandidateKeys(kKey, {}), IsEmpty());
}

TEST(CandidateKeysTest, PeopleOfOneHouseholdAreNotCandidates) {
  EXPECT_FALSE(Candidates(Marie(), With([](Traits& t) {
                            t.first_names = "Paul";
                            t.birth_date = absl::CivilDay(2010, 5, 6);
                            t.identifiers.clear();
                          })));
}

TEST(CandidateKeysTest, IsBounded) {
  Traits many = Marie();
  many.surname = many.first_names = "A B C D E F G H I J K L M N O P Q R S T U V W";
  for (int i = 0; i < 100; ++i) many.identifiers.push_back({"caf", std::to_string(i)});
  EXPECT_LE(CandidateKeys(kKey, many).size(), 64U);
  EXPECT_LE(LinkKeys(kKey, many).size(), 64U);
}

TEST(MatchKeysTest, DependOnTheKeyAndAreSortedAndUnique) {
  const Secret other(std::string(32, 'n'));
  EXPECT_FALSE(Share(LinkKeys(kKey, Marie()), LinkKeys(other, Marie())));
  EXPECT_FALSE(Share(CandidateKeys(kKey, Marie()), CandidateKeys(other, Marie())));
  EXPECT_FALSE(Share(LinkKeys(kKey, Marie()), CandidateKeys(kKey, Marie())));
  const std::vector<Id128> keys = CandidateKeys(kKey, Marie());
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

}  // namespace
}  // namespace relais::identity
