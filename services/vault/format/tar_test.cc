#include "services/vault/format/tar.h"

#include <gtest/gtest.h>

#include <map>

#include "services/vault/format/testing.h"

namespace relais::vault {
namespace {

const absl::Time kTime = absl::FromUnixSeconds(1793700000);

std::string File(const std::string& name, const std::string& content) {
  return *TarHeader(name, content.size(), kTime) + content + TarPadding(content.size());
}

absl::StatusOr<std::map<std::string, std::string>> Read(std::string_view archive, size_t step = 4096) {
  std::map<std::string, std::string> files;
  std::string* content = nullptr;
  uint64_t left = 0;
  TarReader reader(
      [&](std::string_view name, uint64_t size) {
        EXPECT_EQ(left, 0u);
        content = &files[std::string(name)];
        left = size;
        return absl::OkStatus();
      },
      [&](std::string_view data) {
        *content += data;
        left -= data.size();
        return absl::OkStatus();
      });
  for (; !archive.empty(); archive.remove_prefix(std::min(step, archive.size()))) {
    if (absl::Status status = reader.Write(archive.substr(0, step)); !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = reader.Finish(); !status.ok()) {
    return status;
  }
  return files;
}

TEST(Tar, HeaderAsPosixHasIt) {
  const std::string block = *TarHeader("documents/a.pdf", 1234, kTime);
  ASSERT_EQ(block.size(), kTarBlock);
  EXPECT_EQ(block.substr(0, 16), std::string("documents/a.pdf\0", 16));
  EXPECT_EQ(block.substr(100, 8), std::string("0000600\0", 8));
  EXPECT_EQ(block.substr(124, 12), std::string("00000002322\0", 12));
  EXPECT_EQ(block.substr(156, 1), "0");
  EXPECT_EQ(block.substr(257, 8), std::string("ustar\00000", 8));
  uint64_t sum = 8 * ' ';
  for (size_t i = 0; i < block.size(); ++i) {
    sum += i >= 148 && i < 156 ? 0 : static_cast<uint8_t>(block[i]);
  }
  char expected[9];
  snprintf(expected, sizeof expected, "%06lo", static_cast<unsigned long>(sum));
  EXPECT_EQ(block.substr(148, 8), std::string(expected) + std::string("\0 ", 2));
}

TEST(Tar, FilesComeBack) {
  const std::map<std::string, std::string> files = {
      {"manifest.json", "{}"},
      {"empty", ""},
      {"block", std::string(kTarBlock, 'b')},
      {"documents/" + std::string(200, 'n') + ".pdf", testing::TextOf(70000)}};
  std::string archive;
  for (const auto& [name, content] : files) {
    archive += File(name, content);
  }
  archive += TarEnd();
  EXPECT_EQ(archive.size() % kTarBlock, 0u);
  for (const size_t step : {size_t{1}, size_t{511}, size_t{512}, size_t{100000}}) {
    const auto read = Read(archive, step);
    ASSERT_TRUE(read.ok()) << step << " " << read.status();
    EXPECT_EQ(*read, files) << step;
  }
}

TEST(Tar, EveryTruncationIsNoticed) {
  const std::string archive = File("a", "text") + File(std::string(120, 'n'), "more") + TarEnd();
  for (size_t n = 0; n < archive.size(); n += 64) {
    EXPECT_FALSE(Read(archive.substr(0, n)).ok()) << n;
  }
  EXPECT_FALSE(Read(archive.substr(0, archive.size() - 1)).ok());
  EXPECT_FALSE(Read(archive + "x").ok());
  EXPECT_FALSE(Read(archive + std::string(kTarBlock, '\0')).ok());
}

TEST(Tar, SizesBeyondEightGigabytesAreInThePaxHeader) {
  const uint64_t size = (uint64_t{1} << 33) + 5;
  const std::string header = *TarHeader("big", size, kTime);
  EXPECT_EQ(header.size(), 3 * kTarBlock);
  EXPECT_NE(header.find("19 size=8589934597\n"), std::string::npos);
  uint64_t seen = 0;
  TarReader reader(
      [&](std::string_view, uint64_t n) {
        seen = n;
        return absl::OkStatus();
      },
      [](std::string_view) { return absl::OkStatus(); });
  ASSERT_TRUE(reader.Write(header).ok());
  EXPECT_EQ(seen, size);
}

TEST(Tar, NamesThatCouldLeaveTheFolderAreNeitherWrittenNorRead) {
  for (const char* name :
       {"", "/etc/passwd", "../up", "a/../b", "a//b", "./a", "a/", "tab\tname", "nl\nname"}) {
    EXPECT_FALSE(TarHeader(name, 0, kTime).ok()) << name;
  }
  EXPECT_FALSE(TarHeader(std::string(1001, 'n'), 0, kTime).ok());
  EXPECT_TRUE(TarHeader(std::string(1000, 'n'), 0, kTime).ok());
  EXPECT_TRUE(TarHeader("papiers/été.pdf", 0, kTime).ok());
  // A foreign archive: the name is put in and the sum made right.
  std::string block = *TarHeader("xx/passwd", 0, kTime);
  block[0] = block[1] = '.';
  uint64_t sum = 8 * ' ';
  for (size_t i = 0; i < block.size(); ++i) {
    sum += i >= 148 && i < 156 ? 0 : static_cast<uint8_t>(block[i]);
  }
  snprintf(&block[148], 7, "%06lo", static_cast<unsigned long>(sum));
  EXPECT_EQ(Read(block + TarEnd()).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Tar, EveryAlteredByteOfAHeaderIsNoticed) {
  const std::string archive = File("a", "text") + TarEnd();
  for (size_t i = 0; i < kTarBlock; ++i) {
    std::string altered = archive;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(Read(altered).ok()) << i;
  }
}

TEST(Tar, WhatACallbackAnswersIsGivenBack) {
  TarReader reader([](std::string_view, uint64_t) { return absl::ResourceExhaustedError("full"); },
                   [](std::string_view) { return absl::OkStatus(); });
  EXPECT_EQ(reader.Write(File("a", "text")).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(reader.Write(TarEnd()).ok());
}

}  // namespace
}  // namespace relais::vault
