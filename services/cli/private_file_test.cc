// What of hers is on the way to a disk: hers alone, whole or resumable, gone when it must not stay.
#include "services/cli/private_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

class PrivateFileTest : public ::testing::Test {
 protected:
  PrivateFileTest() {
    std::string pattern = (fs::temp_directory_path() / "relais-private-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    path_ = (folder_ / "paper.pdf").string();
  }
  ~PrivateFileTest() override { fs::remove_all(folder_); }

  static std::string Slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static mode_t Mode(const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(PrivateFileTest, HasItsNameOnlyWhenItIsWhole) {
  auto file = PrivateFile::Begin(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("one ").ok());
  ASSERT_TRUE(file->Write("two").ok());
  EXPECT_EQ(file->size(), 7U);
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(Mode(path_ + ".partial"), 0600U);
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_EQ(Slurp(path_), "one two");
  EXPECT_EQ(Mode(path_), 0600U);
  EXPECT_FALSE(fs::exists(path_ + ".partial"));
}

TEST_F(PrivateFileTest, GoesOnOrBeginsAnew) {
  { ASSERT_TRUE(PrivateFile::Begin(path_)->Write("one ").ok()); }
  {
    auto file = PrivateFile::GoOn(path_);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file->size(), 4U);
    ASSERT_TRUE(file->Write("two").ok());
  }
  EXPECT_EQ(Slurp(path_ + ".partial"), "one two");
  auto anew = PrivateFile::Begin(path_);
  ASSERT_TRUE(anew.ok());
  EXPECT_EQ(anew->size(), 0U);
  anew->Remove();
  EXPECT_FALSE(fs::exists(path_ + ".partial"));
}

TEST_F(PrivateFileTest, OthersRightsAreTakenAwayAndLinksNotFollowed) {
  std::ofstream(path_ + ".partial") << "old";
  fs::permissions(path_ + ".partial", fs::perms::others_read, fs::perm_options::add);
  { ASSERT_TRUE(PrivateFile::GoOn(path_).ok()); }
  EXPECT_EQ(Mode(path_ + ".partial"), 0600U);
  fs::remove(path_ + ".partial");
  fs::create_symlink(folder_ / "elsewhere", path_ + ".partial");
  EXPECT_TRUE(absl::IsInvalidArgument(PrivateFile::Begin(path_).status()));
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

// What goes to standard output, or any pipe, goes when it is whole, and is kept nowhere.
TEST_F(PrivateFileTest, WhatGoesOutGoesWhole) {
  setenv("TMPDIR", folder_.c_str(), 1);
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  char got[16] = {};
  {
    auto file = PrivateFile::Spool(ends[1]);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->Write("one ").ok());
    ASSERT_TRUE(file->Write("two").ok());
    EXPECT_EQ(file->size(), 7U);
    EXPECT_LT(read(ends[0], got, sizeof got), 0) << "nothing yet";
    EXPECT_TRUE(fs::is_empty(folder_));
    ASSERT_TRUE(file->Finish().ok());
  }
  ASSERT_EQ(read(ends[0], got, sizeof got), 7);
  EXPECT_EQ(std::string(got, 7), "one two");
  {
    auto given_up = PrivateFile::Spool(ends[1]);
    ASSERT_TRUE(given_up->Write("three").ok());
    given_up->Remove();
  }
  EXPECT_LT(read(ends[0], got, sizeof got), 0);
  EXPECT_TRUE(fs::is_empty(folder_));
  close(ends[0]);
  close(ends[1]);
  setenv("TMPDIR", (folder_ / "none").c_str(), 1);
  EXPECT_TRUE(absl::IsInvalidArgument(PrivateFile::Spool(1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(PrivateFile::GoOn("-").status()));
  unsetenv("TMPDIR");
}

}  // namespace
}  // namespace relais::cli
