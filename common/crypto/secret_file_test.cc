#include "common/crypto/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

class SecretFileTest : public ::testing::Test {
 protected:
  SecretFileTest() {
    std::string name = std::filesystem::temp_directory_path() / "relais-secret-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/key";
  }
  ~SecretFileTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<Secret> ReadOf(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
    EXPECT_EQ(::chmod(path_.c_str(), mode), 0);
    return ReadSecretFile(path_);
  }

  std::string folder_;
  std::string path_;
};

TEST_F(SecretFileTest, ReadsWhatItWrote) {
  for (const size_t n : {32, 64}) {
    const std::string path = path_ + std::to_string(n);
    ASSERT_TRUE(WriteSecretFile(path, Secret(std::string(n, '\x9c'))).ok());
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600U);
    const auto read = ReadSecretFile(path);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->ExposeSecret(), std::string(n, '\x9c'));
    EXPECT_TRUE(absl::IsAlreadyExists(WriteSecretFile(path, Secret(std::string(n, 'x')))));
    EXPECT_EQ(ReadSecretFile(path)->ExposeSecret(), std::string(n, '\x9c'));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(WriteSecretFile(path_, Secret("short"))));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SecretFileTest, HexadecimalOrRaw) {
  const std::string hex(64, 'a');
  for (const char* const end : {"", "\n", "\r\n"}) {
    EXPECT_EQ(ReadOf(hex + end)->ExposeSecret(), std::string(32, '\xaa'));
    EXPECT_EQ(ReadOf(hex + hex + end)->ExposeSecret(), std::string(64, '\xaa'));
  }
  EXPECT_EQ(ReadOf(std::string(32, '\n'))->ExposeSecret(), std::string(32, '\n'));
  EXPECT_EQ(ReadOf(std::string(64, 'z'))->ExposeSecret(), std::string(64, 'z'));
  EXPECT_EQ(ReadOf(std::string(32, '\0'))->size(), 32U);
}

TEST_F(SecretFileTest, OtherContentIsRefusedUnquoted) {
  const std::string hex(64, 'a');
  for (const std::string& bad : {std::string(), std::string(31, 'z'), std::string(33, 'z'), hex + "\n\n",
                                 hex + " ", hex + "a", hex + hex + "aa", std::string(5000, 'a')}) {
    const absl::Status status = ReadOf(bad).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad;
    EXPECT_EQ(status.ToString().find("aaaa"), std::string::npos);
    EXPECT_EQ(status.ToString().find("zzzz"), std::string::npos);
  }
}

TEST_F(SecretFileTest, OthersMustHaveNoRight) {
  const std::string hex(64, 'a');
  for (const mode_t mode : {0640, 0644, 0620, 0602, 0604}) {
    EXPECT_TRUE(absl::IsPermissionDenied(ReadOf(hex, mode).status())) << mode;
  }
  EXPECT_TRUE(ReadOf(hex, 0400).ok());
  EXPECT_TRUE(absl::IsNotFound(ReadSecretFile(folder_ + "/none").status()));
  EXPECT_FALSE(ReadSecretFile(folder_).ok());
}

}  // namespace
}  // namespace relais::crypto
