#include "common/merkle/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace relais::merkle::internal {
namespace {

TEST(Utf8Test, NoteText) {
  for (const char* good : {"", "plain\ntext\n", "référent", "\xe2\x80\x94", "\xf0\x9f\x98\x80", "\x7f"}) {
    EXPECT_TRUE(IsNoteText(good)) << good;
  }
  const std::string bad[] = {
      "\t",
      "\r\n",
      std::string(1, '\0'),
      "\x1f",
      "\x80",              // continuation alone
      "\xc3",              // cut off
      "\xc3(",             // no continuation
      "\xc0\xaf",          // overlong
      "\xe0\x80\xaf",      // overlong
      "\xf0\x80\x80\xaf",  // overlong
      "\xed\xa0\x80",      // surrogate
      "\xf4\x90\x80\x80",  // above U+10FFFF
      "\xf5\x80\x80\x80",
      "\xff",
  };
  for (const std::string& text : bad) {
    EXPECT_FALSE(IsNoteText(text));
    EXPECT_FALSE(IsNoteText("a" + text + "b"));
  }
}

TEST(Utf8Test, KeyNames) {
  for (const char* good : {"PeterNeumann", "relais.paris/consent/1", "é"}) {
    EXPECT_TRUE(IsKeyName(good)) << good;
  }
  for (const char* bad :
       {"", "a b", "a+b", "a\n", "a\xc2\xa0z", "a\xe2\x80\x83z", "a\xe3\x80\x80z", "a\xff"}) {
    EXPECT_FALSE(IsKeyName(bad)) << bad;
  }
}

}  // namespace
}  // namespace relais::merkle::internal
