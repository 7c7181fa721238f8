#include "common/crypto/file_key_ring.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "common/base/testing/seeded_random.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

const Secret kMaster(std::string(32, 'm'));

class FileKeyRingTest : public ::testing::Test {
 protected:
  FileKeyRingTest() {
    std::string name = std::filesystem::temp_directory_path() / "relais-ring-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/ring";
  }
  ~FileKeyRingTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<FileKeyRing> Filled() {
    auto ring = *FileKeyRing::Create(path_, kMaster, random_);
    EXPECT_TRUE(ring->Put("epoch", 1, Secret(std::string(32, 'a'))).ok());
    EXPECT_TRUE(ring->Put("epoch", 2, Secret(std::string(32, 'b'))).ok());
    EXPECT_TRUE(ring->Put("siv", 1, Secret(std::string(64, 'c'))).ok());
    EXPECT_TRUE(ring->Put("gone", 1, Secret(std::string(32, 'd'))).ok());
    EXPECT_TRUE(ring->Destroy("gone", 1).ok());
    return ring;
  }
  std::string Text() const {
    std::ifstream in(path_, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void Write(const std::string& text) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
  }
  absl::Status OpenStatus(const Secret& master = kMaster) {
    return FileKeyRing::Open(path_, master, random_).status();
  }

  testing::SeededRandom random_{1};
  std::string folder_;
  std::string path_;
};

TEST_F(FileKeyRingTest, FormatAndMode) {
  Filled();
  const std::string text = Text();
  EXPECT_EQ(text.rfind("relais-keyring/1\nmaster ", 0), 0U);
  EXPECT_NE(text.find("\nepoch 1 "), std::string::npos);
  EXPECT_NE(text.find("\ngone 1 destroyed\n"), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
  struct stat st {};
  ASSERT_EQ(::stat(path_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
  // Nothing but the ring is left in the folder.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

// Golden file: a ring written today opens for ever.
TEST_F(FileKeyRingTest, GoldenFile) {
  Write(
      "relais-keyring/1\n"
      "master 6IjcKEGIeqtuqs2lPWDmwgAc+gr65c81W5tA/5A22W3/uPRrakr/bTq2eVIxHqLSDMSPOsLc2UhzPoqkBiX"
      "UfwwNl4daUA9b\n"
      "epoch 1 XuaUI2bHvT7N8TUl+wbzG8eCm19W8FPtKJX+NWpsG4tNR5TRbJkHvzoFj13auKunHmLo2MSWxrlmNFfwxt"
      "AZfaUQOBwPuvNKWbMYC36mcchwZD0orJVAQcmmk1TCeSxWQxIi+/wNWtM=\n"
      "epoch 2 k3WqrgPZ0KLO8ciBKSnVzqWJJyKqB8yJaicWTL52VhhOVqRRRKPfWHZ3PwOHyb/o1mydjIbJvj4eDlV7aC"
      "MSNCpldDSTb+5T+WT4Bb9M4EKIE3h3eSOWUCGt3PwJadrHyrQ/MIr31lc=\n"
      "gone 1 destroyed\n"
      "siv 1 Yf/OGNQomvvF9sJLRENHVWG6XcxHFUoFINHXDwGCeTKnFy1Ui+DN9giAIuyPMO+L4aKtQRDp4qNuI3EUQFYS"
      "OHD5Yn8e7qSuiZCrjSMIIaOKxM22i5a5wvyp/"
      "Oub+FKgaYoRGIwEtjLNOHSNxeNWYh4sm5KfxEiQjIzbrbNVy2O63H8cBTkJKQ==\n");
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  const auto ring = FileKeyRing::Open(path_, kMaster, random_);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_EQ((*ring)->Get("epoch", 2)->ExposeSecret(), std::string(32, 'b'));
  EXPECT_EQ((*ring)->Get("siv", 1)->ExposeSecret(), std::string(64, 'c'));
  EXPECT_EQ((*ring)->List().size(), 3U);
}

TEST_F(FileKeyRingTest, WrongMasterIsToldEvenForAnEmptyRing) {
  ASSERT_TRUE(FileKeyRing::Create(path_, kMaster, random_).ok());
  const absl::Status status = OpenStatus(Secret(std::string(32, 'w')));
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.ToString().find("wrong master key"), std::string::npos);
  EXPECT_TRUE(absl::IsInvalidArgument(OpenStatus(Secret("short"))));
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(FileKeyRingTest, CreateNeverOverwrites) {
  Filled();
  EXPECT_TRUE(absl::IsAlreadyExists(FileKeyRing::Create(path_, kMaster, random_).status()));
  EXPECT_EQ((*FileKeyRing::Open(path_, kMaster, random_))->List().size(), 3U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileKeyRingTest, MissingOrOpenFileIsRefused) {
  EXPECT_TRUE(absl::IsNotFound(OpenStatus()));
  Filled();
  for (const mode_t mode : {0640, 0604, 0620, 0601}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_TRUE(absl::IsPermissionDenied(OpenStatus())) << mode;
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(FileKeyRingTest, EveryTruncationAndAlteredByteIsRefused) {
  Filled();
  const std::string text = Text();
  const size_t after_master = text.find('\n', text.find("master")) + 1;
  for (size_t n = 0; n < text.size(); ++n) {
    Write(text.substr(0, n));
    // Cutting whole lines off the end cannot be seen: the ring does not authenticate its length.
    const bool whole_lines = n >= after_master && text[n - 1] == '\n';
    EXPECT_EQ(OpenStatus().ok(), whole_lines) << n;
  }
  const size_t gone = text.find("gone 1 destroyed");
  const size_t gone_end = gone + std::string("gone 1 destroyed").size();
  for (size_t i = 0; i < text.size(); ++i) {
    std::string altered = text;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    Write(altered);
    // A tombstone carries no key to authenticate; its name and number alone may change unseen.
    const bool tombstone = i >= gone && i < gone_end;
    if (!tombstone) {
      EXPECT_FALSE(OpenStatus().ok()) << i << ": " << altered;
    }
  }
}

TEST_F(FileKeyRingTest, LinesCannotBeExchangedOrRepeated) {
  Filled();
  const std::string text = Text();
  const size_t one = text.find("epoch 1 ");
  const size_t two = text.find("epoch 2 ");
  std::string swapped = text;
  swapped[one + 6] = '2';
  swapped[two + 6] = '1';
  Write(swapped);
  EXPECT_TRUE(absl::IsDataLoss(OpenStatus()));
  std::string renamed = text;
  renamed.replace(one, 5, "epoxy");
  Write(renamed);
  EXPECT_TRUE(absl::IsDataLoss(OpenStatus()));
  Write(text + text.substr(one, two - one));
  EXPECT_TRUE(absl::IsDataLoss(OpenStatus()));
  Write("something else\n");
  EXPECT_TRUE(absl::IsDataLoss(OpenStatus()));
}

TEST_F(FileKeyRingTest, ErrorsQuoteNoKey) {
  Filled();
  std::string text = Text();
  text.insert(text.find("epoch 1 ") + 8, "A");
  Write(text);
  const absl::Status status = OpenStatus();
  EXPECT_NE(status.ToString().find("line 3"), std::string::npos) << status;
  EXPECT_EQ(status.ToString().find("epoch 1"), std::string::npos) << status;
}

TEST_F(FileKeyRingTest, TwoProcessesLoseNothing) {
  auto a = Filled();
  auto b = *FileKeyRing::Open(path_, kMaster, random_);
  EXPECT_EQ(*a->Add("epoch", Secret(std::string(32, 'x'))), 3U);
  EXPECT_TRUE(absl::IsNotFound(b->Get("epoch", 3).status()));
  EXPECT_EQ(*b->Add("epoch", Secret(std::string(32, 'y'))), 4U);
  EXPECT_EQ(b->Get("epoch", 3)->ExposeSecret(), std::string(32, 'x'));
  EXPECT_TRUE(a->Reload().ok());
  EXPECT_EQ(a->Get("epoch", 4)->ExposeSecret(), std::string(32, 'y'));
}

TEST_F(FileKeyRingTest, TheReplacedFileIsOverwritten) {
  auto ring = Filled();
  const int old = ::open(path_.c_str(), O_RDONLY);
  ASSERT_GE(old, 0);
  const size_t size = Text().size();
  ASSERT_TRUE(ring->Destroy("epoch", 1).ok());
  std::string bytes(size, 'x');
  EXPECT_EQ(::read(old, bytes.data(), bytes.size()), static_cast<ssize_t>(size));
  EXPECT_EQ(bytes, std::string(size, '\0'));
  ::close(old);
}

TEST_F(FileKeyRingTest, AFailedChangeLeavesTheRingAsItWas) {
  auto ring = Filled();
  // A folder in the place of the temporary file makes the write fail, for root as well.
  ASSERT_TRUE(std::filesystem::create_directories(path_ + ".tmp/x"));
  EXPECT_FALSE(ring->Add("epoch", Secret(std::string(32, 'x'))).ok());
  EXPECT_EQ(*ring->Latest("epoch"), 2U);
  EXPECT_TRUE(OpenStatus().ok());
  std::filesystem::remove_all(path_ + ".tmp");
  EXPECT_EQ(*ring->Add("epoch", Secret(std::string(32, 'x'))), 3U);
}

TEST_F(FileKeyRingTest, ALeftoverTemporaryFileIsNoObstacle) {
  auto ring = Filled();
  std::ofstream(path_ + ".tmp") << "half a ring";
  EXPECT_TRUE(ring->Add("epoch", Secret(std::string(32, 'x'))).ok());
  EXPECT_FALSE(std::filesystem::exists(path_ + ".tmp"));
}

TEST_F(FileKeyRingTest, AReloadThatFailsKeepsTheOpenedKeys) {
  auto ring = Filled();
  Write("garbage");
  EXPECT_FALSE(ring->Reload().ok());
  EXPECT_TRUE(ring->Get("epoch", 1).ok());
  // But nothing is written over what could not be read.
  EXPECT_FALSE(ring->Add("epoch", Secret(std::string(32, 'x'))).ok());
  EXPECT_EQ(Text(), "garbage");
}

}  // namespace
}  // namespace relais::crypto
