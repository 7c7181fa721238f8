#include "common/storage/rocksdb/record_logs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/base/executor.h"
#include "common/storage/rocksdb/rocksdb_store.h"
#include "common/storage/testing/counting_sequencer.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::storage {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHeader = 7;
const Partition kCase{PartitionKind::kCase, {}};

// A store of which the last rows are in the write-ahead log and the others were flushed and never compacted.
class RecordLogsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < 20; ++i) {
      CommitRequest commit;
      commit.partition = kCase;
      commit.batch.push_back({"key " + std::to_string(i), std::string(100, static_cast<char>('a' + i))});
      commit.leaves.push_back({"leaf " + std::to_string(i)});
      ASSERT_TRUE(BlockOn((*store)->Commit(std::move(commit))).ok());
      if (i == 9) {
        ASSERT_TRUE((*store)->LogCompact(LogTable::kMeta).ok());  // flushes all tables
      }
    }
  }
  absl::StatusOr<std::unique_ptr<RocksDbStore>> Open() {
    RocksDbOptions options;
    options.path = folder_ / "store";
    return RocksDbStore::Open(options, pool_, sequencer_);
  }
  [[nodiscard]] std::vector<fs::path> Logs() const {
    std::vector<fs::path> logs;
    for (const auto& entry : fs::directory_iterator(folder_ / "store")) {
      const std::string name = entry.path().filename();
      if ((name.starts_with("MANIFEST-") || entry.path().extension() == ".log") && entry.file_size() > 0) {
        logs.push_back(entry.path());
      }
    }
    return logs;
  }
  static std::string Read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static void Write(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  // Where its records begin; all in one block.
  static std::vector<size_t> RecordsOf(const std::string& log) {
    std::vector<size_t> records;
    for (size_t at = 0; at + kHeader <= log.size();) {
      records.push_back(at);
      at += kHeader + static_cast<uint8_t>(log[at + 4]) + (size_t{static_cast<uint8_t>(log[at + 5])} << 8);
    }
    return records;
  }
  [[nodiscard]] absl::Status Check() const { return CheckRecordLogs(folder_ / "store"); }

  testing::TempFolder folder_;
  testing::CountingSequencer sequencer_;
  ThreadPool pool_{2};
};

TEST_F(RecordLogsTest, NoBitOfALengthOrATypeEndsALogUnseen) {
  ASSERT_TRUE(Check().ok()) << Check();
  const std::vector<fs::path> logs = Logs();
  ASSERT_GE(logs.size(), 2U) << "MANIFEST and the write-ahead log";
  for (const fs::path& log : logs) {
    const std::string good = Read(log);
    ASSERT_LT(good.size(), 32768U);
    for (const size_t record : RecordsOf(good)) {
      for (size_t at = record + 4; at < record + kHeader; ++at) {
        for (int bit = 0; bit < 8; ++bit) {
          std::string bad = good;
          bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
          Write(log, bad);
          const auto opened = Open();
          EXPECT_TRUE(absl::IsDataLoss(opened.status())) << log << " byte " << at << " bit " << bit;
        }
      }
    }
    Write(log, good);
  }
  EXPECT_TRUE(Open().ok());
}

TEST_F(RecordLogsTest, ALogThatACrashCutOpens) {
  for (const fs::path& log : Logs()) {
    const std::string good = Read(log);
    const std::vector<size_t> records = RecordsOf(good);
    for (size_t size = records.back(); size < good.size(); ++size) {
      Write(log, good.substr(0, size));
      EXPECT_TRUE(Check().ok()) << log << " " << size << " of " << good.size();
    }
    Write(log, good);
  }
}

TEST(RecordLogs, NoStoreIsNotDamaged) {
  const testing::TempFolder folder;
  EXPECT_TRUE(CheckRecordLogs(folder / "none").ok());
}

}  // namespace
}  // namespace relais::storage
