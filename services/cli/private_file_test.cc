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
#include <utility>

#include "services/cli/testing/disk_calls.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;
using testing::Disk;
using testing::DiskCalls;

class PrivateFileTest : public ::testing::Test {
 protected:
  PrivateFileTest() {
    Disk() = DiskCalls();
    std::string pattern = (fs::temp_directory_path() / "relais-private-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    path_ = (folder_ / "paper.pdf").string();
  }
  ~PrivateFileTest() override {
    Disk() = DiskCalls();
    fs::remove_all(folder_);
  }

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

// After a power cut it has its name: the folder that says so is on the disk too.
TEST_F(PrivateFileTest, ItsNameStays) {
  auto file = PrivateFile::Begin(path_);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Write("one").ok());
  Disk() = DiskCalls();
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_EQ(Disk().folders_synced, 1);
  {
    auto unsynced = PrivateFile::Begin(path_);
    ASSERT_TRUE(unsynced->Write("two").ok());
    Disk().syncs_fail_after = 0;
    EXPECT_TRUE(absl::IsInvalidArgument(unsynced->Finish()));
    EXPECT_EQ(Slurp(path_), "one") << "what is not on the disk takes nobody's name";
  }
  Disk().syncs_fail_after = 1;
  EXPECT_TRUE(absl::IsInvalidArgument(PrivateFile::GoOn(path_)->Finish())) << "the folder is not";
}

// Two commands to one name would write into one file.
TEST_F(PrivateFileTest, OneAtATimeWritesIt) {
  auto file = PrivateFile::Begin(path_);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Write("one").ok());
  for (const absl::Status& second : {PrivateFile::Begin(path_).status(), PrivateFile::GoOn(path_).status()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(second)) << second;
    EXPECT_NE(second.message().find("another command"), std::string::npos) << second;
  }
  EXPECT_TRUE(PrivateFile::Begin(path_, ".another").ok());
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_EQ(Slurp(path_), "one") << "the second emptied it";
  EXPECT_TRUE(PrivateFile::Begin(path_).ok());
}

TEST_F(PrivateFileTest, WrittenOverIsWhatMayBeAlone) {
  for (const auto& [no_replace, links] : {std::pair{true, true}, {false, true}, {false, false}}) {
    Disk().no_replace = no_replace;
    Disk().links = links;
    auto file = PrivateFile::Begin(path_);
    ASSERT_TRUE(file->Write("one").ok());
    ASSERT_TRUE(file->Finish(PrivateFile::Over::kNothing).ok());
    EXPECT_EQ(Slurp(path_), "one");
    EXPECT_FALSE(fs::exists(path_ + ".partial"));
    auto second = PrivateFile::Begin(path_);
    ASSERT_TRUE(second->Write("two").ok());
    EXPECT_TRUE(absl::IsInvalidArgument(second->Finish(PrivateFile::Over::kNothing)));
    EXPECT_EQ(Slurp(path_), "one");
    second->Remove();
    EXPECT_FALSE(fs::exists(path_ + ".partial"));
    EXPECT_EQ(Slurp(path_), "one") << "it is not its own";
    fs::remove(path_);
    fs::create_symlink(folder_ / "nowhere", path_);
    auto third = PrivateFile::Begin(path_);
    EXPECT_TRUE(absl::IsInvalidArgument(third->Finish(PrivateFile::Over::kNothing)));
    EXPECT_TRUE(fs::is_symlink(path_));
    third->Remove();
    fs::remove(path_);
  }
}

TEST_F(PrivateFileTest, WhatTookItsNameIsRemovedTooAndNobodyElses) {
  auto file = PrivateFile::Begin(path_);
  ASSERT_TRUE(file->Finish().ok());
  file->Remove();
  EXPECT_TRUE(fs::is_empty(folder_));
  auto replaced = PrivateFile::Begin(path_);
  ASSERT_TRUE(replaced->Finish().ok());
  fs::remove(path_);
  std::ofstream(path_) << "of somebody else";
  replaced->Remove();
  EXPECT_EQ(Slurp(path_), "of somebody else");
}

TEST_F(PrivateFileTest, WhatAPartIsOfIsInItsName) {
  {
    auto file = PrivateFile::Begin(path_, ".a.1");
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file->partial(), path_ + ".a.1.partial");
    ASSERT_TRUE(file->Write("one two").ok());
  }
  EXPECT_EQ(PrivateFile::GoOn(path_, ".a.2")->size(), 0U);
  auto file = PrivateFile::GoOn(path_, ".a.1");
  EXPECT_EQ(file->size(), 7U);
  ASSERT_TRUE(file->CutTo(4).ok());
  EXPECT_EQ(file->size(), 4U);
  ASSERT_TRUE(file->Write("three").ok());
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_EQ(Slurp(path_), "one three");
  EXPECT_FALSE(fs::exists(path_ + ".a.1.partial"));
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
