#include "common/identity/phone.h"

#include "gtest/gtest.h"

namespace relais::identity {
namespace {

TEST(PhoneTest, SpellingsOfOneFrenchNumber) {
  for (const char* text :
       {"0612345678", "06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78", "06/12/34/56/78", "+33612345678",
        "+33 6 12 34 56 78", "0033612345678", "00 33 6 12 34 56 78", "33612345678", "+33 (0)6 12 34 56 78",
        "+330612345678", "(06) 12 34 56 78", "612345678", "06\u00A012\u00A034\u00A056\u00A078",
        "06\u202F12345678"}) {
    EXPECT_EQ(NormalizePhone(text), "+33612345678") << text;
  }
}

TEST(PhoneTest, OtherCountriesNeedTheirPrefix) {
  EXPECT_EQ(NormalizePhone("+223 76 12 34 56"), "+22376123456");
  EXPECT_EQ(NormalizePhone("00213 551 23 45 67"), "+213551234567");
  EXPECT_EQ(NormalizePhone("+442079460958"), "+442079460958");
  EXPECT_EQ(NormalizePhone("22376123456"), "");
}

TEST(PhoneTest, WhatIsNoSubscribersNumberIsEmpty) {
  for (const char* text : {"",
                           "115",
                           "3919",
                           "06 12 34 56",
                           "06 12 34 56 7",
                           "06 12 34 56 789",
                           "001234567",
                           "+33 6 12 34 56",
                           "+3361234567890",
                           "0000000000",
                           "0600000000",
                           "0666666666",
                           "+33000000000",
                           "+0612345678",
                           "inconnu",
                           "06 12 34 56 78 (soeur)",
                           "06 12 34 56 78 p. 12",
                           "06+12345678",
                           "++33612345678",
                           "+",
                           "00",
                           "+1234567",
                           "+1234567890123456",
                           "\xC2",
                           "06\xC2",
                           "+11111111"}) {
    EXPECT_EQ(NormalizePhone(text), "") << text;
  }
}

}  // namespace
}  // namespace relais::identity
