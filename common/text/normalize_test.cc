#include "common/text/normalize.h"

#include <gtest/gtest.h>

namespace relais::text {
namespace {

struct Case {
  const char* input;
  const char* normalized;
};

TEST(NormalizeName, FollowsTheRuleOfTheSenderRecordKey) {
  const Case cases[] = {
      {"", ""},
      {"Dupont", "DUPONT"},
      {"  d'Alméïda--da  Silva. ", "D ALMEIDA DA SILVA"},
      {"D’Alméida", "D ALMEIDA"},
      {"e\xCC\x81t\xC3\xA9", "ETE"},
      {"Lœuvre Æsop ægir Œdipe", "LOEUVRE AESOP AEGIR OEDIPE"},
      {"Strauß STRAUẞ", "STRAUSS STRAUSS"},
      {"ǽ Ǣ", "AE AE"},
      {"Ñandú Ç Ÿ Å Š ź ő", "NANDU C Y A S Z O"},
      {"ﬁn ﬀ ½ ² № Ⅳ", "FIN FF 1 2 2 NO IV"},
      {"Søren Łask Đ", "S REN ASK"},
      {"Iıİi ſ", "IIII S"},
      {"Jean\xC2\xA0Pierre", "JEAN PIERRE"},
      {"李 Ли", ""},
      {"Nguy\xE1\xBB\x85n", "NGUYEN"},
      {"ＡＢ１２", "AB12"},
      {"a_b\tc\nd", "A B C D"},
      {"?!", ""},
      {"a\xE2\x80\x8B"
       "b",
       "A B"},
  };
  for (const Case& c : cases) EXPECT_EQ(NormalizeName(c.input), c.normalized) << c.input;
}

TEST(NormalizeAddress, WritesAbbreviationsOut) {
  const Case cases[] = {
      {"12 bd. de l'Hôpital", "12 BOULEVARD DE L HOPITAL"},
      {"12 BOULEVARD DE L HOPITAL", "12 BOULEVARD DE L HOPITAL"},
      {"3 av Foch", "3 AVENUE FOCH"},
      {"3 ave. Foch", "3 AVENUE FOCH"},
      {"3 bld X", "3 BOULEVARD X"},
      {"3 bvd X", "3 BOULEVARD X"},
      {"12 r de Rivoli", "12 RUE DE RIVOLI"},
      {"12 bis r de Rivoli", "12 BIS R DE RIVOLI"},
      {"r de Rivoli", "R DE RIVOLI"},
      {"3 pl. d'Italie", "3 PLACE D ITALIE"},
      {"rue du fg St-Denis", "RUE DU FAUBOURG SAINT DENIS"},
      {"rue du fbg Ste Anne", "RUE DU FAUBOURG SAINTE ANNE"},
      {"2 imp Y", "2 IMPASSE Y"},
      {"2 pass Y", "2 PASSAGE Y"},
      {"2 sq Y", "2 SQUARE Y"},
      {"2 all Y", "2 ALLEE Y"},
      {"2 avenues stes", "2 AVENUES STES"},
      {"av", "AVENUE"},
      {"", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(NormalizeAddress(c.input), c.normalized) << c.input;
}

TEST(NormalizeName, LeavesAbbreviationsOfNamesAlone) { EXPECT_EQ(NormalizeName("St Av R"), "ST AV R"); }

}  // namespace
}  // namespace relais::text
