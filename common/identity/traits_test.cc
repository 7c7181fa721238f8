#include "common/identity/traits.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace relais::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Surname(const std::string& text) { return Normalize({.surname = text}).Surname(); }
std::vector<std::string> FirstNames(const std::string& text) {
  return Normalize({.first_names = text}).first_names;
}
std::string Birthplace(const std::string& text) { return Normalize({.birthplace = text}).birthplace; }
std::string Address(const std::string& text) {
  return Normalize({.address = text, .postal_code = "75013"}).address;
}

TEST(TraitsTest, SurnamesLoseCaseAccentsHyphensAndParticles) {
  const struct {
    const char* text;
    const char* expected;
  } cases[] = {
      {"Martin", "MARTIN"},
      {"Lefèvre", "LEFEVRE"},
      {"Dupont-Martin", "DUPONT MARTIN"},
      {"  dupont   martin ", "DUPONT MARTIN"},
      {"de La Tour", "TOUR"},
      {"D'Artagnan", "ARTAGNAN"},
      {"d\u2019Artagnan", "ARTAGNAN"},
      {"Dupont de Nemours", "DUPONT NEMOURS"},
      {"van der Berg", "BERG"},
      {"von Braun", "BRAUN"},
      {"Le Gall", "GALL"},
      {"El-Khoury", "KHOURY"},
      {"Saint-Exupéry", "SAINT EXUPERY"},
      {"St Exupery", "SAINT EXUPERY"},
      // A particle that is the name stays.
      {"Le", "LE"},
      {"Do", "DO"},
      {"Le Van", "VAN"},
      {"Delatour", "DELATOUR"},
      // Unknown.
      {"", ""},
      {"inconnu", ""},
      {"X", ""},
      {"Sans nom", ""},
      {"Иванов", ""},
      {"Mar\xC3", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(Surname(c.text), c.expected) << c.text;
}

TEST(TraitsTest, FirstNamesAreASet) {
  EXPECT_THAT(FirstNames("Marie-Claire Joséphine"), ElementsAre("CLAIRE", "JOSEPHINE", "MARIE"));
  EXPECT_EQ(FirstNames("Joséphine, Marie Claire"), FirstNames("marie-claire josephine"));
  EXPECT_THAT(FirstNames("Marie Marie"), ElementsAre("MARIE"));
  EXPECT_THAT(FirstNames("SANS PRENOM"), IsEmpty());
  EXPECT_THAT(FirstNames("Sans prénom"), IsEmpty());
  EXPECT_THAT(FirstNames(""), IsEmpty());
}

TEST(TraitsTest, OnlyAPlainDateIsExact) {
  const auto exact = [](absl::CivilDay day, bool presumed) {
    return Normalize({.birth_date = day, .birth_date_presumed = presumed}).birth_date_exact;
  };
  EXPECT_TRUE(exact(absl::CivilDay(1980, 4, 3), false));
  EXPECT_TRUE(exact(absl::CivilDay(1980, 1, 2), false));
  EXPECT_TRUE(exact(absl::CivilDay(1980, 12, 30), false));
  EXPECT_FALSE(exact(absl::CivilDay(1980, 4, 3), true));
  EXPECT_FALSE(exact(absl::CivilDay(1980, 1, 1), false));
  EXPECT_FALSE(exact(absl::CivilDay(1980, 12, 31), false));
  EXPECT_FALSE(Normalize({}).birth_date_exact);
}

TEST(TraitsTest, Birthplaces) {
  EXPECT_EQ(Birthplace("Paris 13e arrondissement"), "PARIS");
  EXPECT_EQ(Birthplace("PARIS (75)"), "PARIS");
  EXPECT_EQ(Birthplace("75013 Paris 13 ème"), "PARIS");
  EXPECT_EQ(Birthplace("Le Havre"), "HAVRE");
  EXPECT_EQ(Birthplace("Havre (Le)"), "HAVRE");
  EXPECT_EQ(Birthplace("St-Denis"), "SAINT DENIS");
  EXPECT_EQ(Birthplace("Saint Denis (93)"), "SAINT DENIS");
  EXPECT_EQ(Birthplace("L'Haÿ-les-Roses"), "HAY ROSES");
  EXPECT_EQ(Birthplace("France"), "");
  EXPECT_EQ(Birthplace("inconnu"), "");
  EXPECT_EQ(Birthplace("75"), "");
}

TEST(TraitsTest, Addresses) {
  for (const char* text : {"12 bis, rue de la Paix", "12bis rue de la Paix", "12 B RUE DE LA PAIX",
                           "12B R DE LA PAIX", "12 bis r. de la paix", "12 BIS RUE LA PAIX"}) {
    EXPECT_EQ(Address(text), "12 BIS RUE PAIX") << text;
  }
  EXPECT_EQ(Address("4 ter chem. du Moulin"), "4 TER CHEMIN MOULIN");
  EXPECT_EQ(Address("4T che Moulin"), "4 TER CHEMIN MOULIN");
  EXPECT_EQ(Address("12 bd. de l'Hôpital"), Address("12 BOULEVARD DE L HOPITAL"));
  EXPECT_NE(Address("12 rue de la Paix"), Address("12 bis rue de la Paix"));
  EXPECT_NE(Address("12 rue de la Paix"), Address("14 rue de la Paix"));
  EXPECT_EQ(Address(""), "");
  EXPECT_EQ(Address("12"), "12");
  EXPECT_EQ(Normalize({.address = "12 rue de la Paix"}).address, "")
      << "without a postal code it names no place";
}

TEST(TraitsTest, IdentifiersAreSchemeAndValue) {
  const Traits traits = {
      .identifiers = {
          {"caf", "123 456-a"}, {"caf", "123456A"}, {"siao", "123456A"}, {"caf", ""}, {"", "77"}}};
  EXPECT_THAT(Normalize(traits).identifiers, ElementsAre("caf:123456A", "siao:123456A"));
}

TEST(TraitsTest, CompareTellsSameDiffersAndAbsent) {
  const Traits a = {.surname = "de Martin",
                    .first_names = "Marie Claire",
                    .birth_date = absl::CivilDay(1980, 4, 3),
                    .birthplace = "Paris",
                    .phone = "0612345678",
                    .address = "12 bd de l'Hôpital",
                    .postal_code = "75013",
                    .identifiers = {{"caf", "1"}}};
  Traits b = a;
  b.surname = "MARTIN";
  b.first_names = "claire-marie";
  const TraitComparison same = Compare(Normalize(a), Normalize(b));
  constexpr auto kSame = TraitMatch::kSame;
  EXPECT_EQ(same, (TraitComparison{kSame, kSame, kSame, kSame, kSame, kSame, kSame}));

  const TraitComparison other = Compare(Normalize(a), Normalize({.surname = "Durand",
                                                                 .birth_date = absl::CivilDay(1980, 4, 4),
                                                                 .address = "12 bd de l'Hôpital",
                                                                 .postal_code = "75012",
                                                                 .identifiers = {{"caf", "2"}}}));
  constexpr auto kDiffers = TraitMatch::kDiffers;
  constexpr auto kAbsent = TraitMatch::kAbsent;
  EXPECT_EQ(other, (TraitComparison{kDiffers, kAbsent, kDiffers, kAbsent, kAbsent, kDiffers, kDiffers}));

  EXPECT_EQ(Compare(Normalize({}), Normalize({})), TraitComparison());
  EXPECT_EQ(Compare(Normalize(a), Normalize({.identifiers = {{"siao", "1"}}})).identifiers, kAbsent);
}

}  // namespace
}  // namespace relais::identity
