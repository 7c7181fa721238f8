#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "common/feeds/reader.h"

namespace relais::feeds {
namespace {

using Rows = std::vector<std::string>;

/// "line:json" of each row, "line:!" for a malformed one.
Rows Read(const std::string& file, Encoding encoding = Encoding::kUtf8) {
  std::istringstream input(file);
  auto reader = OpenFeed(FeedType::kBspp, input, encoding);
  EXPECT_TRUE(reader.ok()) << reader.status();
  Rows out;
  if (!reader.ok()) return out;
  RawRow row;
  for (;;) {
    const auto more = (*reader)->Next(row);
    EXPECT_TRUE(more.ok());
    if (!more.ok() || !*more) break;
    out.push_back(std::to_string(row.line) + ":" + (row.malformed ? "!" : row.json));
  }
  EXPECT_EQ((*reader)->bytes_consumed(), file.size());
  return out;
}

TEST(NdjsonReader, ReadsLines) {
  EXPECT_EQ(Read(""), Rows());
  EXPECT_EQ(Read("{}\n\n \t\r\n{\"a\":1}\r\n{\"b\":2}"), (Rows{"1:{}", "4:{\"a\":1}", "5:{\"b\":2}"}));
  EXPECT_EQ(Read("\xEF\xBB\xBF{}\n\xC2\xA0\n{}"), (Rows{"1:{}", "3:{}"}));
}

TEST(NdjsonReader, ALongLineIsMalformedAndCostsNoOther) {
  const std::string longest(kMaxNdjsonLine, 'x');
  EXPECT_EQ(Read("{}\n" + longest + "\r\n" + longest + "x\n{}\n" + std::string(3000000, 'y') + "\n{}"),
            (Rows{"1:{}", "2:" + longest, "3:!", "4:{}", "5:!", "6:{}"}));
  EXPECT_EQ(Read(longest + "x"), (Rows{"1:!"}));
}

TEST(NdjsonReader, ABlankLineOfAnyLengthIsSkippedAndCounted) {
  for (const size_t size : {kMaxNdjsonLine, kMaxNdjsonLine + 1, size_t{1'000'000}}) {
    const std::string blank(size, ' ');
    EXPECT_EQ(Read(blank + "\n{}\n" + blank), (Rows{"2:{}"})) << size;
  }
  // With anything after them, such a line is one that is too long.
  EXPECT_EQ(Read(std::string(kMaxNdjsonLine - 2, ' ') + "{}\n{}"),
            (Rows{"1:" + std::string(kMaxNdjsonLine - 2, ' ') + "{}", "2:{}"}));
  EXPECT_EQ(Read(std::string(kMaxNdjsonLine - 1, ' ') + "{}\n{}"), (Rows{"1:!", "2:{}"}));
  EXPECT_EQ(Read(std::string(1'000'000, ' ') + "{}\n{}"), (Rows{"1:!", "2:{}"}));
}

TEST(NdjsonReader, DecodesWindows1252OnlyWhenTold) {
  EXPECT_EQ(Read("\"\xE9\"\n", Encoding::kWindows1252), (Rows{"1:\"é\""}));
  EXPECT_EQ(Read("\"\xE9\"\n"), (Rows{"1:\"\xE9\""}));
}

TEST(NdjsonReader, RefusesUtf16) {
  for (const std::string& file :
       {std::string("\xFF\xFE{\0", 4), std::string("\xFE\xFF\0{", 4), std::string("{\0", 2)}) {
    std::istringstream input(file);
    EXPECT_EQ(OpenFeed(FeedType::kBspp, input, Encoding::kUtf8).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace relais::feeds
