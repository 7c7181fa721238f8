#include "common/pki/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace relais::pki {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = ::testing::TempDir() + "relais_file_test";
    std::filesystem::remove_all(dir_);
    ASSERT_TRUE(MakeFolder(dir_, 0700).ok());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string dir_;
};

TEST_F(FileTest, WritesWithTheGivenModeAndLeavesNoTemporary) {
  const std::string path = dir_ + "/key";
  ASSERT_TRUE(WriteFileDurably(path, "one", 0600).ok());
  ASSERT_TRUE(WriteFileDurably(path, "two", 0600).ok());
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(ReadWholeFile(path, 100).value(), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

// In a folder that others write to: nothing of a secret comes where they say.
TEST_F(FileTest, NothingIsWrittenThroughWhatHasTheTemporarysName) {
  const std::string elsewhere = dir_ + "/elsewhere";
  const std::string path = dir_ + "/key";
  ASSERT_TRUE(WriteFileDurably(elsewhere, "theirs", 0644).ok());
  std::filesystem::create_symlink(elsewhere, path + ".new");
  ASSERT_TRUE(WriteFileDurably(path, "secret", 0600).ok());
  EXPECT_FALSE(std::filesystem::is_symlink(path));
  EXPECT_EQ(ReadWholeFile(path, 100).value(), "secret");
  EXPECT_EQ(ReadWholeFile(elsewhere, 100).value(), "theirs");
  // A second name of a file, which its owner has open.
  std::filesystem::create_hard_link(elsewhere, path + ".new");
  ASSERT_TRUE(WriteFileDurably(path, "another", 0600).ok());
  EXPECT_EQ(ReadWholeFile(path, 100).value(), "another");
  EXPECT_EQ(ReadWholeFile(elsewhere, 100).value(), "theirs");
}

TEST_F(FileTest, AFolderThatIsNotThereIsNotSynced) {
  EXPECT_TRUE(SyncFolderOf(dir_ + "/none").ok()) << "the folder of a path that is free";
  EXPECT_EQ(SyncFolderOf(dir_ + "/none/file").code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(SyncFolderOf("file").ok()) << "the current one";
}

TEST_F(FileTest, FailuresKeepWhatWasThere) {
  EXPECT_EQ(WriteFileDurably(dir_ + "/absent/file", "x", 0600).code(), absl::StatusCode::kUnavailable);
  // A folder cannot be replaced by a file: the temporary goes away again.
  ASSERT_TRUE(MakeFolder(dir_ + "/folder/inside", 0700).ok());
  EXPECT_FALSE(WriteFileDurably(dir_ + "/folder", "x", 0600).ok());
  EXPECT_TRUE(std::filesystem::is_directory(dir_ + "/folder/inside"));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/folder.new"));
}

TEST_F(FileTest, ReadingIsBounded) {
  ASSERT_TRUE(WriteFileDurably(dir_ + "/f", "12345", 0600).ok());
  EXPECT_TRUE(ReadWholeFile(dir_ + "/f", 5).ok());
  EXPECT_EQ(ReadWholeFile(dir_ + "/f", 4).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadWholeFile(dir_ + "/none", 4).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadWholeFile(dir_, 4).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace relais::pki
