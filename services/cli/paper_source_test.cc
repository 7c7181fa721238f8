// The bytes of a paper: from a file, or from standard input, of which nothing stays.
#include "services/cli/paper_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "common/crypto/sha256.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

class PaperSourceTest : public ::testing::Test {
 protected:
  PaperSourceTest() {
    std::string pattern = (fs::temp_directory_path() / "relais-source-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    setenv("TMPDIR", folder_.c_str(), 1);
    for (size_t i = 0; i < 600'000; ++i) {  // several pieces, not a whole number of them
      data_ += static_cast<char>('a' + i % 23);
    }
  }
  ~PaperSourceTest() override {
    unsetenv("TMPDIR");
    fs::remove_all(folder_);
  }

  // What comes through a pipe that is closed after it.
  absl::StatusOr<PaperSource> Spooled(const std::string& data, uint64_t most = kMostSpooled) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe(ends), 0);
    std::thread writer([&] {
      for (size_t at = 0; at < data.size();) {
        const ssize_t written = write(ends[1], data.data() + at, data.size() - at);
        if (written <= 0) {
          break;
        }
        at += static_cast<size_t>(written);
      }
      close(ends[1]);
    });
    absl::StatusOr<PaperSource> source = PaperSource::Spool(ends[0], most);
    std::string rest(1'000'000, '\0');
    while (read(ends[0], rest.data(), rest.size()) > 0) {
    }
    writer.join();
    close(ends[0]);
    return source;
  }
  static std::string From(PaperSource& source, uint64_t offset) {
    EXPECT_TRUE(source.SeekTo(offset));
    std::string all;
    for (std::string piece; source.Read(100'000, piece);) {
      all += piece;
    }
    return all;
  }
  std::string Path(const std::string& data) {
    std::string path = (folder_ / "paper.pdf").string();
    std::ofstream(path, std::ios::binary) << data;
    return path;
  }

  fs::path folder_;
  std::string data_;
};

TEST_F(PaperSourceTest, AFileAndAPipeGiveTheSame) {
  auto file = PaperSource::Open(Path(data_));
  auto piped = Spooled(data_);
  for (absl::StatusOr<PaperSource>* source : {&file, &piped}) {
    ASSERT_TRUE(source->ok()) << source->status();
    EXPECT_EQ((*source)->size(), data_.size());
    EXPECT_EQ((*source)->sha256(), crypto::Sha256(data_));
    EXPECT_EQ(From(**source, 0), data_);
    EXPECT_EQ(From(**source, 300'001), data_.substr(300'001)) << "again, from where a stream broke";
    EXPECT_EQ(From(**source, data_.size()), "");
    EXPECT_FALSE((*source)->SeekTo(data_.size() + 1));
  }
  // A moved one is the same.
  const PaperSource moved = *std::move(piped);
  EXPECT_EQ(moved.size(), data_.size());
}

TEST_F(PaperSourceTest, NothingOfAPipeHasANameAndAnEmptyOneIsEmpty) {
  auto source = Spooled(data_);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_TRUE(fs::is_empty(folder_));
  auto empty = Spooled("");
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->size(), 0U);
  EXPECT_EQ(empty->sha256(), crypto::Sha256(""));
}

TEST_F(PaperSourceTest, APipeWithANameIsKeptToo) {
  const std::string path = (folder_ / "pipe").string();
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path, std::ios::binary) << data_; });
  auto source = PaperSource::Open(path);
  writer.join();
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->sha256(), crypto::Sha256(data_));
  EXPECT_EQ(From(*source, 7), data_.substr(7));
}

TEST_F(PaperSourceTest, MoreThanItTakesIsRefused) {
  EXPECT_TRUE(Spooled(data_, data_.size()).ok());
  const auto source = Spooled(data_, data_.size() - 1);
  EXPECT_TRUE(absl::IsInvalidArgument(source.status()));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(PaperSourceTest, WhatCannotBeReadOrKept) {
  EXPECT_TRUE(absl::IsInvalidArgument(PaperSource::Open((folder_ / "none").string()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(PaperSource::Open(folder_.string()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(PaperSource::Spool(-1).status()));
  setenv("TMPDIR", (folder_ / "none").c_str(), 1);
  EXPECT_TRUE(absl::IsInvalidArgument(Spooled("x").status()));
}

TEST_F(PaperSourceTest, AFileThatBecameShorterIsNotSoughtBeyondItsEnd) {
  auto source = PaperSource::Open(Path(data_));
  ASSERT_TRUE(source.ok());
  fs::resize_file(folder_ / "paper.pdf", 1000);
  EXPECT_TRUE(source->SeekTo(1000));
  EXPECT_FALSE(source->SeekTo(1001));
}

}  // namespace
}  // namespace relais::cli
