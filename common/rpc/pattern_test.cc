#include "common/rpc/pattern.h"

#include <gtest/gtest.h>

namespace relais::rpc {
namespace {

bool Matches(std::string_view pattern, std::string_view text) {
  const auto compiled = Pattern::Compile(pattern);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return compiled.ok() && compiled->Matches(text);
}

TEST(Pattern, ThoseOfTheProtos) {
  EXPECT_TRUE(Matches("[a-z0-9-]+", "ville-paris"));
  EXPECT_FALSE(Matches("[a-z0-9-]+", "Ville-paris"));
  EXPECT_FALSE(Matches("[a-z0-9-]+", ""));
  EXPECT_TRUE(Matches("[0-9a-f]{32}", "0123456789abcdef0123456789abcdef"));
  EXPECT_FALSE(Matches("[0-9a-f]{32}", "0123456789abcdef0123456789abcde"));
  EXPECT_FALSE(Matches("[0-9a-f]{32}", "0123456789abcdef0123456789abcdef0"));
  EXPECT_TRUE(Matches("[A-Z]{3}", "EUR"));
  EXPECT_FALSE(Matches("[A-Z]{3}", "EU1"));
  EXPECT_TRUE(Matches("[A-Za-z0-9_-]+", "a_B-9"));
}

TEST(Pattern, SequencesAndCounts) {
  EXPECT_TRUE(Matches("rh1_[a-z]{2,4}", "rh1_abc"));
  EXPECT_FALSE(Matches("rh1_[a-z]{2,4}", "rh1_a"));
  EXPECT_FALSE(Matches("rh1_[a-z]{2,4}", "rh1_abcde"));
  EXPECT_TRUE(Matches("[0-9]+:[0-9]*", "12:"));
  EXPECT_TRUE(Matches("-?[0-9]{2}", "-10"));
  EXPECT_TRUE(Matches("-?[0-9]{2}", "10"));
}

TEST(Pattern, BytesBeyondAsciiMatchNothing) {
  EXPECT_FALSE(Matches("[a-z]+", "é"));
  EXPECT_FALSE(Matches("[a-z]{2}", "\xff\xfe"));
  EXPECT_FALSE(Matches("[a-z]+", std::string_view("a\0b", 3)));
}

TEST(Pattern, RefusesWhatItCannotKeep) {
  for (const char* text :
       {"",   "(a)",  "a|b",    "^a",  "a$",      ".",        "\\d", "[^a]", "[a",  "[]", "[z-a]",
        "a{", "a{x}", "a{2,1}", "a{2", "[a-z]+a", "[a-z]*b?", "é",   "[é]",  "{2}", "]"}) {
    EXPECT_FALSE(Pattern::Compile(text).ok()) << text;
  }
}

}  // namespace
}  // namespace relais::rpc
