#include "services/cli/drop_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"
#include "services/cli/exit_code.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

class DropFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(::testing::TempDir()) / absl::StrCat("drop-", info->name());
    fs::remove_all(root_);
    fs::create_directories(root_ / "in");
    fs::create_directories(root_ / "out");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / "in" / name, std::ios::binary) << text;
  }
  static std::string Control(const std::string& data, uint64_t rows, uint64_t seq) {
    return absl::StrCat("type: bspp\nversion: 1\nrows: ", rows,
                        "\nsha256: ", crypto::HexEncode(crypto::Sha256(data)), "\nseq: ", seq, "\n");
  }
  void Drop(const std::string& name, const std::string& data, uint64_t rows, uint64_t seq) {
    Write(name + ".ndjson", data);
    Write(name + ".ctl", Control(data, rows, seq));
  }
  DropPass Pass(int code = kExitOk) {
    DropFolder folder((root_ / "in").string(), (root_ / "out").string(),
                      [&](const ControlFile& /*control*/, const std::string& data, const std::string& results,
                          const std::string& refused) {
                        imported_.push_back(fs::path(data).filename().string());
                        std::ofstream(results) << "results";
                        std::ofstream(refused) << "refused";
                        return DropImport{code, "said"};
                      });
    return *folder.Pass();
  }
  bool In(const std::string& name) { return fs::exists(root_ / "in" / name); }
  bool Out(const std::string& name) { return fs::exists(root_ / "out" / name); }
  static bool Says(const DropPass& pass, const std::string& word) {
    for (const std::string& message : pass.messages) {
      if (message.find(word) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

  fs::path root_;
  std::vector<std::string> imported_;
};

TEST_F(DropFolderTest, TakesAFileOnceItsControlFileIsThere) {
  Write("a.ndjson", "{}\n{}\n");
  EXPECT_EQ(Pass().taken, 0);
  Write("a.ctl", Control("{}\n{}\n", 2, 1));
  const DropPass pass = Pass();
  EXPECT_EQ(pass.taken, 1);
  EXPECT_EQ(pass.code, kExitOk);
  for (const char* name : {"a.ndjson", "a.ctl", "a.ndjson.results.csv", "a.ndjson.refused.csv"}) {
    EXPECT_TRUE(Out(name)) << name;
  }
  EXPECT_FALSE(In("a.ndjson"));
  EXPECT_FALSE(In("a.ctl"));
  EXPECT_EQ(Pass().taken, 0);
  EXPECT_EQ(imported_.size(), 1U);
}

TEST_F(DropFolderTest, LeavesATruncatedFile) {
  Drop("short", "{}\n", 2, 1);
  Drop("changed", "{}\n{}\n", 2, 2);
  Write("changed.ndjson", "{}\n");
  const DropPass pass = Pass();
  EXPECT_EQ(pass.taken, 0);
  EXPECT_EQ(pass.code, kExitIncomplete);
  EXPECT_TRUE(Says(pass, "short.ndjson: TRUNCATED: it has 1 rows"));
  EXPECT_TRUE(Says(pass, "changed.ndjson: TRUNCATED: its sha256"));
  EXPECT_TRUE(In("short.ndjson"));
  EXPECT_TRUE(In("changed.ctl"));
  EXPECT_TRUE(imported_.empty());
}

TEST_F(DropFolderTest, AnInterruptedImportIsTriedAgain) {
  Drop("a", "{}\n", 1, 1);
  EXPECT_EQ(Pass(kExitIncomplete).code, kExitIncomplete);
  EXPECT_TRUE(In("a.ndjson"));
  EXPECT_EQ(Pass(kExitRowsRefused).code, kExitRowsRefused);
  EXPECT_TRUE(Out("a.ndjson"));
}

TEST_F(DropFolderTest, ARefusedFileGoesWithTheReason) {
  Drop("a", "{}\n", 1, 1);
  EXPECT_EQ(Pass(kExitFileRefused).code, kExitFileRefused);
  EXPECT_TRUE(Out("a.ndjson.error"));
}

TEST_F(DropFolderTest, TakesInSequenceAndReportsAGap) {
  Drop("z-first", "{}\n", 1, 1);
  Drop("a-second", "{}\n", 1, 2);
  EXPECT_FALSE(Says(Pass(), "GAP"));
  EXPECT_EQ(imported_, (std::vector<std::string>{"z-first.ndjson", "a-second.ndjson"}));
  Drop("fifth", "{}\n", 1, 5);
  EXPECT_TRUE(Says(Pass(), "fifth: GAP: seq 3 to 4 are missing"));
}

TEST_F(DropFolderTest, AFileThatComesLateDoesNotMoveTheCountBack) {
  Drop("first", "{}\n", 1, 1);
  Drop("fourth", "{}\n", 1, 4);
  EXPECT_TRUE(Says(Pass(), "fourth: GAP: seq 2 to 3 are missing"));
  Drop("third", "{}\n", 1, 3);
  EXPECT_TRUE(Says(Pass(), "third: seq 3 comes after 4"));
  Drop("fifth", "{}\n", 1, 5);
  EXPECT_FALSE(Says(Pass(), "GAP"));
  Drop("seventh", "{}\n", 1, 7);
  EXPECT_TRUE(Says(Pass(), "seventh: GAP: seq 6 is missing"));
}

TEST_F(DropFolderTest, ANameIsTakenOnce) {
  Drop("a", "{}\n", 1, 1);
  Pass();
  Drop("a", "{}\n{}\n", 2, 2);
  const DropPass pass = Pass();
  EXPECT_EQ(pass.taken, 0);
  EXPECT_TRUE(Says(pass, "was taken already"));
  EXPECT_TRUE(In("a.ndjson"));
}

TEST(ControlFile, WantsEveryKeyOnce) {
  const std::string good =
      absl::StrCat("type=edf\nversion=1\nrows=3\nseq=9\nsha256=", std::string(64, 'A'), "\n");
  const auto control = ParseControlFile(good);
  ASSERT_TRUE(control.ok()) << control.status();
  EXPECT_EQ(control->rows, 3U);
  EXPECT_EQ(control->sha256, std::string(64, 'a'));
  for (const std::string& text :
       {std::string("type=edf\n"), good + "rows=3\n", good + "other=1\n", good + "nonsense\n",
        absl::StrCat("type=x\nversion=1\nrows=3\nseq=9\nsha256=", std::string(64, 'a')),
        absl::StrCat("type=edf\nversion=2\nrows=3\nseq=9\nsha256=", std::string(64, 'a')),
        absl::StrCat("type=edf\nversion=1\nrows=-3\nseq=9\nsha256=", std::string(64, 'a')),
        std::string("type=edf\nversion=1\nrows=3\nseq=9\nsha256=abc")}) {
    EXPECT_FALSE(ParseControlFile(text).ok()) << text;
  }
}

}  // namespace
}  // namespace relais::cli
