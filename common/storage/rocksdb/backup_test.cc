#include "common/storage/rocksdb/backup.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/storage/testing/rocksdb_backend.h"

namespace relais::storage {
namespace {

using testing::CountingSequencer;
using testing::MakePartition;
using testing::Put;
using testing::RocksDbBackend;
using ::testing::SizeIs;
using testing::WithLeaf;

const Partition kOne = MakePartition(PartitionKind::kPerson, 1);

class BackupTest : public ::testing::Test {
 protected:
  BackupTest() { backend_.Open(); }
  [[nodiscard]] std::string folder() const { return backend_.folder() / "backups"; }
  void Write(const std::string& key, const std::string& value) {
    ASSERT_TRUE(BlockOn(backend_.store().Commit(WithLeaf(Put(kOne, key, value), key))).ok());
  }
  BackupInfo Make(const std::string& about) {
    const auto made = backend_.store().Backup({folder(), about});
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : BackupInfo();
  }
  bool InFiles(const std::string& root, const std::string& text) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(root)) {
      if (file.is_regular_file()) {
        std::ifstream in(file.path(), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        if (bytes.find(text) != std::string::npos) {
          return true;
        }
      }
    }
    return false;
  }
  RocksDbBackend backend_;
};

TEST_F(BackupTest, AnOlderOneComesBackWhole) {
  Write("a", "1");
  const BackupInfo first = Make("what the log says");
  Write("b", "2");
  const BackupInfo second = Make("later");
  EXPECT_NE(first.id, second.id);
  const auto listed = ListBackups(folder());
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_THAT(*listed, SizeIs(2));
  EXPECT_EQ((*listed)[0].about, "what the log says");
  EXPECT_GT((*listed)[0].bytes, 0);
  EXPECT_TRUE(VerifyBackup(folder(), first.id).ok());

  const std::string path = backend_.folder() / "restored";
  ASSERT_TRUE(RestoreBackup(folder(), first.id, path).ok());
  ThreadPool pool(1);
  CountingSequencer sequencer;
  const auto store = RocksDbStore::Open({.path = path}, pool, sequencer);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->Get(kOne, "a")->has_value());
  EXPECT_FALSE((*store)->Get(kOne, "b")->has_value());
  EXPECT_EQ(RestoreBackup(folder(), first.id, path).code(), absl::StatusCode::kAlreadyExists)
      << "a store is never overwritten";
}

TEST_F(BackupTest, DamageIsToldAndNeverRestored) {
  Write("a", "1");
  const BackupInfo made = Make("");
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder())) {
    if (file.path().extension() == ".sst") {
      std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(10).put('\x55');
    }
  }
  EXPECT_TRUE(absl::IsDataLoss(VerifyBackup(folder(), made.id)));
  EXPECT_FALSE(RestoreBackup(folder(), made.id, backend_.folder() / "restored").ok());
  EXPECT_FALSE(std::filesystem::exists(backend_.folder() / "restored/CURRENT"));
}

TEST_F(BackupTest, WhatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(ListBackups(folder()).status()));
  Write("a", "1");
  const BackupInfo made = Make("");
  EXPECT_FALSE(VerifyBackup(folder(), made.id + 1).ok());
  ASSERT_TRUE(DeleteBackup(folder(), made.id).ok());
  EXPECT_THAT(*ListBackups(folder()), SizeIs(0));
}

TEST_F(BackupTest, AfterACompactionNothingDeletedIsInStoreOrBackup) {
  Write("a", "the canary sings");
  Write("b", "2");
  EXPECT_TRUE(InFiles(backend_.options().path, "the canary sings")) << "in the write-ahead log";
  ASSERT_TRUE(BlockOn(backend_.store().Commit({.partition = kOne, .batch = {{"a", std::nullopt}}})).ok());
  ASSERT_TRUE(backend_.store().Compact().ok());
  EXPECT_FALSE(InFiles(backend_.options().path, "the canary sings"));
  Make("");
  EXPECT_FALSE(InFiles(folder(), "the canary sings"));
}

TEST_F(BackupTest, AFolderThatCannotBeWrittenIsNotTheStoresFault) {
  Write("a", "1");
  { std::ofstream(backend_.folder() / "file") << "x"; }
  EXPECT_FALSE(backend_.store().Backup({backend_.folder() / "file/backups", ""}).ok());
  EXPECT_TRUE(backend_.store().failure().ok());
  Write("b", "2");
}

TEST_F(BackupTest, ACompactionEndsWhenTheStoreCloses) {
  Write("a", "1");
  backend_.store().CancelCompactions();
  EXPECT_TRUE(absl::IsCancelled(backend_.store().Compact()));
  EXPECT_TRUE(backend_.store().failure().ok());
}

}  // namespace
}  // namespace relais::storage
