#include "common/text/identifiers.h"

#include <gtest/gtest.h>

namespace relais::text {
namespace {

TEST(Siret, ChecksLuhnAndLaPoste) {
  EXPECT_TRUE(IsSiret("21750001600019"));
  EXPECT_TRUE(IsSiret("35600000009075"));   // La Poste, by its digit sum only
  EXPECT_FALSE(IsSiret("35600000009076"));  // neither rule
  EXPECT_FALSE(IsSiret("21750001600018"));
  EXPECT_FALSE(IsSiret("2175000160001"));
  EXPECT_FALSE(IsSiret("2175000160001X"));
  EXPECT_FALSE(IsSiret(""));
}

TEST(Siret, ChecksItsFirstNineDigitsToo) {
  // Luhn holds on the 14 digits but not on the first 9.
  EXPECT_FALSE(IsSiret("21750001700009"));
}

TEST(Rpps, ChecksLuhn) {
  EXPECT_TRUE(IsRpps("10003456786"));
  EXPECT_FALSE(IsRpps("10003456780"));
  EXPECT_FALSE(IsRpps("1000345678"));
}

TEST(PostalCode, TellsParisFromElsewhereAndWrong) {
  for (const char* text : {"75001", "75010", "75020", "75116"}) {
    EXPECT_EQ(ClassifyPostalCode(text), PostalCode::kParis) << text;
  }
  for (const char* text : {"93100", "01000", "00000", "99999"}) {
    EXPECT_EQ(ClassifyPostalCode(text), PostalCode::kElsewhere) << text;
  }
  for (const char* text : {"75000", "75021", "75100", "75101", "75115", "75117", "75999", "7501", "750I1", "",
                           "750011", " 75001", "-5001"}) {
    EXPECT_EQ(ClassifyPostalCode(text), PostalCode::kInvalid) << text;
  }
}

TEST(Arrondissement, ComesFromPostalOrInseeCodes) {
  EXPECT_EQ(Arrondissement::FromPostalCode("75116")->number(), 16);
  EXPECT_EQ(Arrondissement::FromPostalCode("75016"), Arrondissement::FromInseeCode("75116"));
  EXPECT_EQ(Arrondissement::FromInseeCode("75120")->number(), 20);
  EXPECT_EQ(Arrondissement::FromNumber(7)->InseeCode(), "75107");
  EXPECT_FALSE(Arrondissement::FromPostalCode("75101"));
  EXPECT_FALSE(Arrondissement::FromInseeCode("75001"));
  EXPECT_FALSE(Arrondissement::FromInseeCode("75056"));
  EXPECT_FALSE(Arrondissement::FromNumber(0));
  EXPECT_FALSE(Arrondissement::FromNumber(21));
}

TEST(Arrondissement, FirstFourAreParisCentre) {
  EXPECT_TRUE(Arrondissement::FromNumber(1)->InParisCentre());
  EXPECT_TRUE(Arrondissement::FromNumber(4)->InParisCentre());
  EXPECT_FALSE(Arrondissement::FromNumber(5)->InParisCentre());
}

}  // namespace
}  // namespace relais::text
