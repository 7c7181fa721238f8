#include "common/audit/mirror.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "common/audit/fsck_tiles.h"
#include "common/audit/testing/fake_log_source.h"
#include "common/base/testing/fake_clock.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::audit {
namespace {

using testing::FakeLogSource;

class MirrorTest : public ::testing::Test {
 protected:
  absl::StatusOr<MirrorReport> Update() {
    MirrorOptions options;
    options.verifiers = source_.verifiers();
    options.proof_interval = 512;
    clock_.Advance(absl::Seconds(1));
    absl::StatusOr<std::unique_ptr<Mirror>> mirror = Mirror::Open(path(), std::move(options), clock_);
    if (!mirror.ok()) {
      return mirror.status();
    }
    return (*mirror)->Update(source_, 0, absl::ZeroDuration());
  }
  [[nodiscard]] std::string path() const { return temp_.path() + "/mirror"; }
  [[nodiscard]] std::string Read(const std::string& name) const {
    std::ifstream in(path() + "/" + name, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path() + "/" + name, std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] bool Has(const std::string& name) const {
    return std::filesystem::exists(path() + "/" + name);
  }
  // "" when fsck finds nothing.
  [[nodiscard]] std::string Fsck() const {
    const auto folder = TileFolder::OpenForReading(path());
    Findings findings;
    const std::vector<merkle::NoteVerifier> verifiers = source_.verifiers();
    FsckTilesOptions options;
    options.verifiers = verifiers;
    options.check_leaves = false;
    EXPECT_TRUE(FsckTiles(**folder, options, findings).ok());
    std::string text;
    for (const Finding& finding : findings.list()) {
      text += finding.where + ": " + finding.what + "\n";
    }
    return text;
  }
  // The alarm's first words, after checking that its evidence is there.
  std::string AlarmOf(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
    const std::string message(status.message());
    const std::string folder = message.substr(message.find("; evidence in ") + 14);
    EXPECT_TRUE(std::filesystem::exists(folder + "/alarm.txt")) << message;
    EXPECT_TRUE(std::filesystem::exists(folder + "/checkpoint-offered")) << message;
    evidence_ = folder;
    return message.substr(0, message.find(':'));
  }

  storage::testing::TempFolder temp_;
  relais::testing::FakeClock clock_{absl::FromUnixSeconds(1'767'225'600)};
  FakeLogSource source_;
  std::string evidence_;
};

TEST_F(MirrorTest, CopiesAndFollows) {
  for (const size_t more : {0, 1, 254, 1, 1, 0, 255, 513, 3000}) {
    source_.AddMany(more);
    source_.fetched = 0;
    const auto report = Update();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->checkpoint.size, source_.size());
    EXPECT_EQ(source_.fetched, more) << "it fetches only what is new";
    EXPECT_EQ(Read("checkpoint"), source_.Note(source_.size()));
    EXPECT_EQ(Fsck(), "");
  }
  // Partial tiles go once the full one is there.
  EXPECT_FALSE(Has("tile/0/000.p"));
  EXPECT_FALSE(Has("tile/entries/000.p"));
  EXPECT_TRUE(Has("tile/0/000"));
}

TEST_F(MirrorTest, ResumesAfterACutAndFetchesNothingTwice) {
  source_.AddMany(100);
  ASSERT_TRUE(Update().ok());
  source_.AddMany(2000);
  source_.cut_at = 1500;
  EXPECT_EQ(Update().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Read("checkpoint"), source_.Note(100)) << "the checkpoint is written last";
  source_.cut_at.reset();
  source_.fetched = 0;
  const auto report = Update();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->reused, 1280 - 100U);
  EXPECT_EQ(source_.fetched, 2100 - 1280U);
  EXPECT_EQ(Fsck(), "");
}

TEST_F(MirrorTest, WhatAnInterruptedRunLeftIsProvenBeforeItIsUsed) {
  source_.AddMany(2000);
  source_.cut_at = 1500;
  EXPECT_FALSE(Update().ok());
  std::string bundle = Read("tile/entries/002");
  bundle[105] ^= 1;  // within a leaf
  Write("tile/entries/002", bundle);
  source_.cut_at.reset();
  source_.fetched = 0;
  const auto report = Update();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->reused, 0U);
  EXPECT_EQ(source_.fetched, 2000U);
  EXPECT_EQ(Fsck(), "");
}

TEST_F(MirrorTest, AlarmsOnAFork) {
  source_.AddMany(300);
  ASSERT_TRUE(Update().ok());
  const std::string before = Read("checkpoint");
  FakeLogSource other;  // the same key, another history
  other.AddMany(150);
  other.AddMany(350, "other ");
  std::swap(source_, other);
  EXPECT_EQ(AlarmOf(Update().status()), "fork");
  EXPECT_TRUE(std::filesystem::exists(evidence_ + "/checkpoint-held"));
  EXPECT_TRUE(std::filesystem::exists(evidence_ + "/consistency-proof"));
  EXPECT_EQ(Read("checkpoint"), before);
  EXPECT_EQ(Fsck(), "") << "the copy is what it was";
  // Two roots for one size.
  FakeLogSource equal;
  equal.AddMany(299);
  equal.Add("other");
  std::swap(source_, equal);
  EXPECT_EQ(AlarmOf(Update().status()), "fork");
}

TEST_F(MirrorTest, AlarmsOnARollBack) {
  source_.AddMany(300);
  ASSERT_TRUE(Update().ok());
  source_.shown = 299;
  const absl::Status rolled = Update().status();
  EXPECT_EQ(AlarmOf(rolled), "roll-back");
  EXPECT_EQ(std::string(rolled.message()).find("forked"), std::string::npos);
  FakeLogSource other;
  other.AddMany(200, "other ");
  std::swap(source_, other);
  const absl::Status forked = Update().status();
  EXPECT_EQ(AlarmOf(forked), "roll-back");
  EXPECT_NE(std::string(forked.message()).find("forked too"), std::string::npos);
}

TEST_F(MirrorTest, NamesTheAlteredLeaf) {
  source_.AddMany(700);
  ASSERT_TRUE(Update().ok());
  source_.AddMany(2300);
  for (const uint64_t index : {700UL, 701UL, 1023UL, 1024UL, 1700UL, 2998UL, 2999UL}) {
    source_.altered = {{index, "altered"}};
    const absl::Status status = Update().status();
    EXPECT_EQ(AlarmOf(status), "altered leaf");
    EXPECT_NE(std::string(status.message()).find("leaf " + std::to_string(index) + " "), std::string::npos)
        << status;
    EXPECT_TRUE(std::filesystem::exists(evidence_ + "/leaf-" + std::to_string(index)));
    EXPECT_TRUE(std::filesystem::exists(evidence_ + "/inclusion-proof"));
  }
  source_.altered.clear();
  ASSERT_TRUE(Update().ok());
  EXPECT_EQ(Fsck(), "");
}

TEST_F(MirrorTest, NamesTheFirstOfSeveralAlteredLeaves) {
  source_.AddMany(3000);
  source_.altered = {{900, "x"}, {1300, "y"}, {2500, "z"}};
  const absl::Status status = Update().status();
  EXPECT_NE(std::string(status.message()).find("leaf 900 "), std::string::npos) << status;
  source_.altered = {{2, std::string(70'000, 'x')}};
  EXPECT_EQ(AlarmOf(Update().status()), "altered leaf");
}

TEST_F(MirrorTest, SplicedReorderedAndMissingLeavesAreAltered) {
  source_.AddMany(600);
  source_.altered = {{10, "leaf 11"}, {11, "leaf 10"}};
  EXPECT_NE(std::string(Update().status().message()).find("leaf 10 "), std::string::npos);
  source_.altered.clear();
  for (uint64_t i = 20; i < 599; ++i) {
    source_.altered[i] = "leaf " + std::to_string(i + 1);
  }
  EXPECT_NE(std::string(Update().status().message()).find("leaf 20 "), std::string::npos);
}

TEST_F(MirrorTest, AlarmsOnAnotherOriginAndOnAStrangersSignature) {
  source_.AddMany(3);
  ASSERT_TRUE(Update().ok());
  FakeLogSource other("relais.test/other/1");
  other.AddMany(5);
  source_.note = other.Note(5);
  EXPECT_EQ(AlarmOf(Update().status()), "origin");
  relais::testing::SeededRandom random(99);
  const crypto::SigningKey stranger = crypto::SigningKey::Generate(random);
  source_.note = *merkle::SignCheckpoint({"relais.test/fake/1", 3, source_.RootAt(3), {}}, stranger);
  EXPECT_EQ(AlarmOf(Update().status()), "signature");
}

TEST_F(MirrorTest, ADamagedCopyIsNoAlarm) {
  source_.AddMany(300);
  ASSERT_TRUE(Update().ok());
  source_.AddMany(10);
  for (const char* name : {"tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "checkpoint"}) {
    const std::string good = Read(name);
    std::string bad = good;
    bad[bad.size() / 2] ^= 1;
    Write(name, bad);
    EXPECT_EQ(Update().status().code(), absl::StatusCode::kDataLoss) << name;
    Write(name, good);
  }
  EXPECT_TRUE(Update().ok());
}

TEST_F(MirrorTest, OneWriterAtATime) {
  MirrorOptions options;
  const auto first = Mirror::Open(path(), options, clock_);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Mirror::Open(path(), options, clock_).status().code(), absl::StatusCode::kFailedPrecondition);
}

// Every file of a small mirror, every bit: fsck names the file.
TEST_F(MirrorTest, FsckNamesEveryFlippedBit) {
  source_.AddMany(1);
  ASSERT_TRUE(Update().ok());
  source_.AddMany(1);
  ASSERT_TRUE(Update().ok());  // leaves the partial tiles of the older checkpoint
  std::vector<std::string> names;
  const auto folder = TileFolder::OpenForReading(path());
  ASSERT_TRUE((*folder)->List("", [&](const std::string& name) { names.push_back(name); }).ok());
  size_t flips = 0;
  for (const std::string& name : names) {
    if (name == kWriterLock) {
      continue;
    }
    const std::string good = Read(name);
    for (size_t bit = 0; bit < good.size() * 8; ++bit, ++flips) {
      std::string bad = good;
      bad[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      Write(name, bad);
      EXPECT_NE(Fsck().find(name), std::string::npos) << name << " bit " << bit << "\n" << Fsck();
    }
    for (const size_t cut : {size_t{0}, good.size() / 2, good.size() - 1}) {
      Write(name, good.substr(0, cut));
      EXPECT_NE(Fsck().find(name), std::string::npos) << name << " cut at " << cut;
    }
    Write(name, good + "x");
    EXPECT_NE(Fsck().find(name), std::string::npos) << name << " longer";
    Write(name, good);
  }
  EXPECT_GT(flips, 2000U);
  EXPECT_EQ(Fsck(), "");
}

TEST_F(MirrorTest, FsckSaysWhichSideIsWrong) {
  source_.AddMany(600);
  ASSERT_TRUE(Update().ok());
  const auto changed = [&](const std::string& name, size_t at) {
    const std::string good = Read(name);
    std::string bad = good;
    bad[at] ^= 1;
    Write(name, bad);
    std::string found = Fsck();
    Write(name, good);
    return found;
  };
  // Leaf 1 is "leaf 1", after the 8 bytes of leaf 0.
  EXPECT_EQ(changed("tile/entries/000", 10),
            "tile/entries/000 bytes 10-15: leaf 1 is not the one that was logged\n");
  EXPECT_EQ(changed("tile/0/001", 70), "tile/0/001 bytes 64-95: is not the hash of leaf 258\n");
  EXPECT_EQ(changed("tile/0/002.p/88", 3), "tile/0/002.p/88 bytes 0-31: is not the hash of leaf 512\n");
  EXPECT_EQ(changed("tile/1/000.p/2", 33),
            "tile/1/000.p/2 bytes 32-63: is not the root of tile 1 of level 0\n");
  Write("tile/0/strange", "x");
  EXPECT_EQ(Fsck(), "tile/0/strange: does not belong to a tiled log\n");
  std::filesystem::remove(path() + "/tile/0/strange");
  std::filesystem::remove(path() + "/tile/entries/001");
  EXPECT_EQ(Fsck(), "tile/entries/001: missing\n");
}

TEST_F(MirrorTest, FsckSeesAWholeBundleOfAnotherLog) {
  source_.AddMany(600);
  ASSERT_TRUE(Update().ok());
  const std::string own = Read("tile/entries/000");
  Write("tile/entries/000", Read("tile/entries/001"));
  EXPECT_NE(Fsck().find("tile/entries/000 bytes"), std::string::npos);
  Write("tile/entries/000", own);
  // A checkpoint of another size, though signed.
  Write("checkpoint", source_.Note(599));
  EXPECT_NE(Fsck(), "");
}

}  // namespace
}  // namespace relais::audit
