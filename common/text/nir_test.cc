#include "common/text/nir.h"

#include <gtest/gtest.h>

#include <string>

namespace relais::text {
namespace {

// D-6.5: 2061275111005 has key 64, 185012A004123 has key 89.

TEST(Nir, FindsItWithOrWithoutSeparators) {
  for (const char* text : {
           "206127511100564",
           "185012A00412389",
           "185012a00412389",
           "2 06 12 75 111 005 64",
           "2.06.12.75.111.005.64",
           "2-06-12-75-111-005-64",
           "2\xC2\xA0"
           "06\xC2\xA0"
           "12\xC2\xA0"
           "75\xC2\xA0"
           "111\xC2\xA0"
           "005\xC2\xA0"
           "64",
           "2 06 12 75 111 005 - 64",
           "2 0 6 1 2 7 5 1 1 1 0 0 5 6 4",
           "185012-A 00412389",
           "nir206127511100564x",
           "NIR: 206127511100564.",
           "12 206127511100564",
           "0612345678, 206127511100564",
           "206127511100564 75011",
       }) {
    EXPECT_TRUE(ContainsNir(text)) << text;
  }
}

TEST(Nir, MayStartWithAnyDigit) {
  for (char first = '0'; first <= '9'; ++first) {
    const std::string number = std::string(1, first) + "061275111005";
    const int key = static_cast<int>(97 - std::stoull(number) % 97);
    const std::string nir = number + (key < 10 ? "0" : "") + std::to_string(key);
    EXPECT_TRUE(ContainsNir(nir)) << nir;
  }
}

TEST(Nir, CountsHauteCorseAs18) {
  const int key = static_cast<int>(97 - 1850118004123ULL % 97);
  const std::string digits = (key < 10 ? "0" : "") + std::to_string(key);
  EXPECT_TRUE(ContainsNir("185012B004123" + digits));
  EXPECT_TRUE(ContainsNir("185012b004123" + digits));
  EXPECT_FALSE(ContainsNir("185012A004123" + digits));
}

TEST(Nir, LetsOtherNumbersPass) {
  for (const char* text : {
           "",
           "206127511100565",    // wrong key
           "2061275111005",      // no key
           "1206127511100564",   // inside a longer run of digits
           "2061275111005640",   //
           "2 061275111005640",  //
           "185012C00412389",    // no such département
           "18501A200412389",    // letter elsewhere
           "206127511/100564",   // another separator
           "06 12 34 56 78 - 01 45 67 89 10",
           "99 av du Maine",
       }) {
    EXPECT_FALSE(ContainsNir(text)) << text;
  }
}

}  // namespace
}  // namespace relais::text
