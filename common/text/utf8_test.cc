#include "common/text/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace relais::text {
namespace {

TEST(Utf8, AcceptsWellFormedText) {
  for (const char* text : {"", "abc", "é", "\xEF\xBF\xBF", "\xF0\x9F\x92\xA7", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF4\x8F\xBF\xBF", "une longue ligne sans accent, puis un é"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
}

TEST(Utf8, RefusesIllFormedBytes) {
  for (const char* bytes : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
                            "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                            "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x92", "12345678\xE9t\xE9"}) {
    EXPECT_FALSE(IsUtf8(bytes)) << bytes;
  }
}

TEST(Utf8, TrimsSpacesAndNoBreakSpacesOnly) {
  EXPECT_EQ(Trim("  \xC2\xA0 a b \xC2\xA0"), "a b");
  EXPECT_EQ(Trim(" \xC2\xA0 "), "");
  EXPECT_EQ(Trim("\ta\n"), "\ta\n");
  EXPECT_EQ(Trim("\xE2\x80\xAF"
                 "a"),
            "\xE2\x80\xAF"
            "a");
}

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(CodePoints(""), 0U);
  EXPECT_EQ(CodePoints("été"), 3U);
  EXPECT_EQ(CodePoints("e\xCC\x81"), 2U);
  EXPECT_EQ(CodePoints("\xF0\x9F\x92\xA7"), 1U);
}

TEST(Utf8, BringsTextToNfc) {
  EXPECT_EQ(ToNfc("e\xCC\x81t\xC3\xA9"), "été");
  EXPECT_EQ(ToNfc("plain"), "plain");
  EXPECT_EQ(ToNfc("\xE2\x84\xAA"), "K");  // the Kelvin sign
  EXPECT_TRUE(IsNfc("Ÿ été"));
  EXPECT_FALSE(IsNfc("e\xCC\x81"));
}

TEST(Utf8, ReplacesIllFormedParts) {
  bool replaced = false;
  EXPECT_EQ(ReplaceIllFormed("a\xE9z", replaced), "a\xEF\xBF\xBDz");
  EXPECT_TRUE(replaced);
  EXPECT_EQ(ReplaceIllFormed("a\xE2\x82z", replaced), "a\xEF\xBF\xBDz");
  EXPECT_EQ(ReplaceIllFormed("été", replaced), "été");
  EXPECT_FALSE(replaced);
}

TEST(Utf8, DecodesWindows1252) {
  EXPECT_EQ(DecodeWindows1252("H\xF4pital \x9Cuvre \x80"), "Hôpital œuvre €");
  EXPECT_EQ(DecodeWindows1252("\xA0"), "\xC2\xA0");
}

TEST(Utf8, KeepsBytesThatWindows1252LeavesUndefinedIllFormed) {
  for (const char* bytes : {"\x81", "a\x8D", "\xE9\x8F", "\x90z", "\xE9\xE9\x9D"}) {
    EXPECT_FALSE(IsUtf8(DecodeWindows1252(bytes))) << bytes;
  }
}

TEST(Utf8, CodePointsGoBothWays) {
  for (const char32_t code_point : {U'a', U'é', U'€', U'\U0001F4A7', U'\U0010FFFF', U'\0'}) {
    std::string out;
    AppendCodePoint(out, code_point);
    out += "z";
    std::string_view rest = out;
    EXPECT_EQ(TakeCodePoint(rest), code_point);
    EXPECT_EQ(rest, "z");
  }
}

}  // namespace
}  // namespace relais::text
