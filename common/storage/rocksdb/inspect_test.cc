#include "common/storage/rocksdb/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/executor.h"
#include "common/storage/rocksdb/rocksdb_store.h"
#include "common/storage/testing/counting_sequencer.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::storage {
namespace {

const Partition kCase{PartitionKind::kCase, {}};

class InspectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RocksDbOptions options;
    options.path = path();
    testing::CountingSequencer sequencer;
    auto store = RocksDbStore::Open(options, pool_, sequencer);
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < 50; ++i) {
      CommitRequest commit;
      commit.partition = kCase;
      commit.batch.push_back({"key " + std::to_string(i), std::string(100, static_cast<char>('a' + i % 26))});
      commit.leaves.push_back({"leaf " + std::to_string(i)});
      ASSERT_TRUE(BlockOn((*store)->Commit(std::move(commit))).ok());
      if (i == 30) {
        ASSERT_TRUE((*store)->LogCompact(LogTable::kLeaves).ok());  // flushes; the rest stays in the log file
      }
    }
  }
  [[nodiscard]] std::string path() const { return folder_ / "store"; }
  // How many things are wrong; one when it does not even open.
  [[nodiscard]] size_t Wrong() const {
    RocksDbOptions options;
    options.path = path();
    const auto store = ReadOnlyStore::Open(options);
    return store.ok() ? (*store)->Check().size() : 1;
  }
  [[nodiscard]] std::vector<std::string> Files(const std::string& extension) const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path())) {
      if (entry.path().extension() == extension && entry.file_size() > 0) {
        files.push_back(entry.path().string());
      }
    }
    return files;
  }
  static std::string Read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static void Write(const std::string& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }

  testing::TempFolder folder_;
  ThreadPool pool_{2};
};

TEST_F(InspectTest, ReadsWhatIsThereAndChangesNothing) {
  std::vector<std::string> before;
  for (const auto& entry : std::filesystem::directory_iterator(path())) {
    before.push_back(entry.path().string() + std::to_string(entry.file_size()));
  }
  RocksDbOptions options;
  options.path = path();
  {
    const auto store = ReadOnlyStore::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE((*store)->Check().empty());
    EXPECT_EQ((*(*store)->Get(kCase, "key 49"))->version, 50U);
    EXPECT_EQ((*store)->LogScan(LogTable::kLeaves, "", "", 1000)->size(), 50U);
    EXPECT_EQ((*store)->Scan(kCase, "", "", 1000)->entries.size(), 50U);
    CommitRequest commit;
    commit.partition = kCase;
    EXPECT_EQ(BlockOn((*store)->Commit(commit)).status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ((*store)->LogCompact(LogTable::kLeaves).code(), absl::StatusCode::kFailedPrecondition);
  }
  std::vector<std::string> after;
  for (const auto& entry : std::filesystem::directory_iterator(path())) {
    after.push_back(entry.path().string() + std::to_string(entry.file_size()));
  }
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  EXPECT_EQ(after, before);
}

TEST_F(InspectTest, NoStoreIsNotFound) {
  RocksDbOptions options;
  options.path = folder_ / "none";
  EXPECT_EQ(ReadOnlyStore::Open(options).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(options.path));
}

TEST_F(InspectTest, FlippedBytesOfTablesAreFound) {
  const std::vector<std::string> files = Files(".sst");
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    const std::string good = Read(file);
    // The blocks at the front hold the rows; what describes them stands behind.
    for (size_t at = 0; at < good.size() / 2; at += 41) {
      std::string bad = good;
      bad[at] ^= 0x10;
      Write(file, bad);
      EXPECT_GT(Wrong(), 0U) << file << " byte " << at << " of " << good.size();
    }
    Write(file, good);
  }
  EXPECT_EQ(Wrong(), 0U);
}

TEST_F(InspectTest, AFlippedBitOfTheWriteAheadLogIsFound) {
  const auto logs = Files(".log");
  ASSERT_FALSE(logs.empty());
  for (const std::string& file : logs) {
    const std::string good = Read(file);
    std::string bad = good;
    bad[good.size() / 2] ^= 1;
    Write(file, bad);
    EXPECT_GT(Wrong(), 0U) << file;
    Write(file, good);
  }
}

}  // namespace
}  // namespace relais::storage
