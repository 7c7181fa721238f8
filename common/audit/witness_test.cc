#include "common/audit/witness.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/audit/testing/fake_log_source.h"
#include "common/merkle/cosignature.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::audit {
namespace {

using testing::FakeLogSource;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class WitnessTest : public ::testing::Test {
 protected:
  WitnessTest() { log_.AddMany(10); }

  absl::StatusOr<Witness::Cosigned> Cosign(const std::string& note) {
    const auto witness = Witness::Open(folder_ / "state", {"w.example/1", key_});
    EXPECT_TRUE(witness.ok()) << witness.status();
    return (*witness)->Cosign(note, log_.verifiers(), log_, kNow);
  }
  absl::StatusOr<Witness::Cosigned> Cosign() { return Cosign(log_.Note(log_.size())); }
  static std::string AlarmOf(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
    const std::string message(status.message());
    EXPECT_TRUE(std::filesystem::exists(message.substr(message.find("; evidence in ") + 14) + "/alarm.txt"));
    return message.substr(0, message.find(':'));
  }

  storage::testing::TempFolder folder_;
  FakeLogSource log_;
  relais::testing::SeededRandom random_{31};
  crypto::SigningKey key_ = crypto::SigningKey::Generate(random_);
};

TEST_F(WitnessTest, CosignsALogThatGrows) {
  for (const size_t more : {0, 0, 1, 100}) {
    log_.AddMany(more);
    const auto cosigned = Cosign();
    ASSERT_TRUE(cosigned.ok()) << cosigned.status();
    EXPECT_EQ(cosigned->checkpoint.size, log_.size());
    const std::vector<merkle::NoteVerifier> witnesses = {{"w.example/1", key_.verify_key()}};
    const auto found = merkle::VerifyCosignatures(*merkle::ParseNote(cosigned->note), witnesses);
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ((*found)[0].timestamp, 1'800'000'000U);
    EXPECT_NE(cosigned->note.find(cosigned->signature), std::string::npos);
  }
}

TEST_F(WitnessTest, NeverCosignsTwoHistories) {
  ASSERT_TRUE(Cosign().ok());
  FakeLogSource other;
  other.AddMany(5);
  other.AddMany(20, "other ");
  log_ = other;
  EXPECT_EQ(AlarmOf(Cosign().status()), "fork");
  FakeLogSource same_size;
  same_size.AddMany(9);
  same_size.Add("other");
  log_ = same_size;
  EXPECT_EQ(AlarmOf(Cosign().status()), "fork");
  FakeLogSource shorter;
  shorter.AddMany(9);
  log_ = shorter;
  EXPECT_EQ(AlarmOf(Cosign().status()), "roll-back");
}

TEST_F(WitnessTest, AStrangersCheckpointIsAnAlarm) {
  const std::string note = *merkle::SignCheckpoint({"relais.test/fake/1", 10, log_.RootAt(10), {}}, key_);
  EXPECT_EQ(AlarmOf(Cosign(note).status()), "signature");
}

TEST_F(WitnessTest, RemembersEachLogOnItsOwn) {
  ASSERT_TRUE(Cosign().ok());
  FakeLogSource second("relais.test/second/1");
  second.AddMany(3);
  const auto witness = Witness::Open(folder_ / "state", {"w.example/1", key_});
  EXPECT_TRUE((*witness)->Cosign(second.Note(3), second.verifiers(), second, kNow).ok());
}

TEST_F(WitnessTest, IsDurableBeforeItSigns) {
  // Where nothing can be written no cosignature is given.
  const auto witness = Witness::Open(folder_ / "state", {"w.example/1", key_});
  ASSERT_TRUE(witness.ok());
  std::filesystem::remove_all(folder_ / "state");
  std::ofstream(folder_ / "state") << "a file";
  EXPECT_FALSE((*witness)->Cosign(log_.Note(10), log_.verifiers(), log_, kNow).ok());
}

TEST_F(WitnessTest, ADamagedMemoryIsNotForgotten) {
  ASSERT_TRUE(Cosign().ok());
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "state")) {
    if (entry.path().filename() != ".lock") {
      std::ofstream(entry.path()) << "damaged";
    }
  }
  EXPECT_EQ(Cosign().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(WitnessTest, KeyFiles) {
  const std::string path = folder_ / "witness.key";
  ASSERT_TRUE(WriteWitnessKey(path, {"w.example/1", key_}).ok());
  const auto read = ReadWitnessKey(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->name, "w.example/1");
  EXPECT_TRUE(read->key.verify_key() == key_.verify_key());
  EXPECT_FALSE(WriteWitnessKey(path, {"w.example/1", key_}).ok()) << "a key is never overwritten";
  EXPECT_FALSE(WriteWitnessKey(folder_ / "other", {"a name", key_}).ok());
  ASSERT_TRUE(WriteWitnessKey(folder_ / "other", {"w", crypto::SigningKey::Generate(random_)}).ok());
  std::filesystem::copy_file(folder_ / "other.pub", path + ".pub",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(ReadWitnessKey(path).ok());
}

}  // namespace
}  // namespace relais::audit
