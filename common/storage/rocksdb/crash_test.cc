// A process killed with -9 while it commits: everything it was told is durable must be there.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/storage/testing/rocksdb_backend.h"
#include "common/storage/value_format.h"

extern char** environ;  // NOLINT

namespace relais::storage {
namespace {

using testing::CountingSequencer;
using testing::MakePartition;
using testing::Put;
using testing::WithLeaf;

constexpr const char* kPathVariable = "RELAIS_TEST_CRASH_PATH";
constexpr int kReportFd = 7;
constexpr int kCallers = 4;

// One acknowledged commit, as the child reports it: 24 bytes, whole or not at all.
struct Report {
  uint64_t caller;
  uint64_t number;
  uint64_t leaf;
};

std::string Value(uint64_t caller, uint64_t number) {
  return std::to_string(caller) + ":" + std::to_string(number);
}

void CommitForever(Store& store, uint64_t caller, uint64_t number) {
  for (;; ++number) {
    const Partition partition = MakePartition(PartitionKind::kCase, static_cast<uint8_t>(caller));
    const auto done = BlockOn(store.Commit(
        WithLeaf(Put(partition, EncodeBigEndian64(number), Value(caller, number)), Value(caller, number))));
    const Report report{caller, number, done.ok() ? done->leaves.first : UINT64_MAX};
    if (!done.ok() || ::write(kReportFd, &report, sizeof(report)) != sizeof(report)) {
      ::_exit(3);
    }
  }
}

// The child: this binary again, with this test alone.
TEST(CrashChild, DISABLED_CommitsUntilItIsKilled) {
  const char* path = ::getenv(kPathVariable);
  ASSERT_NE(path, nullptr) << "run by RocksDbCrash";
  ThreadPool pool(2);
  CountingSequencer sequencer;
  auto store = RocksDbStore::Open({.path = path}, pool, sequencer);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE(sequencer.Restore(**store).ok());
  const uint64_t start = sequencer.durable_size();
  std::vector<std::thread> callers;
  for (uint64_t caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] { CommitForever(**store, caller, start); });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
}

// Starts the child, reads `kill_after` reports, kills it, returns all it had reported.
std::vector<Report> RunAndKill(const std::string& path, uint64_t kill_after) {
  int pipe_fds[2];
  EXPECT_EQ(::pipe(pipe_fds), 0);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], kReportFd);
  ::posix_spawn_file_actions_addclose(&actions, pipe_fds[0]);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::setenv(kPathVariable, path.c_str(), 1);
  std::string name = "storage_test";
  std::string filter = "--gtest_filter=CrashChild.*";
  std::string disabled = "--gtest_also_run_disabled_tests";
  char* argv[] = {name.data(), filter.data(), disabled.data(), nullptr};
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, argv, environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  ::unsetenv(kPathVariable);
  ::close(pipe_fds[1]);

  std::vector<Report> reports;
  Report report{};
  bool killed = false;
  while (::read(pipe_fds[0], &report, sizeof(report)) == sizeof(report)) {
    reports.push_back(report);
    if (!killed && reports.size() >= kill_after) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  ::close(pipe_fds[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
  return reports;
}

// Every leaf has its value and every value its leaf.
void ExpectBatchesAndLeavesAgree(const Store& store) {
  uint64_t leaves = 0;
  for (std::string from;;) {
    const auto rows = store.LogScan(LogTable::kLeaves, "", from, 1000);
    ASSERT_TRUE(rows.ok()) << rows.status();
    for (const Store::LogEntry& row : *rows) {
      ASSERT_EQ(row.key, EncodeBigEndian64(leaves)) << "a gap in the log";
      ++leaves;
      const uint64_t caller = std::stoull(row.value);
      const uint64_t number = std::stoull(row.value.substr(row.value.find(':') + 1));
      const auto value = store.Get(MakePartition(PartitionKind::kCase, static_cast<uint8_t>(caller)),
                                   EncodeBigEndian64(number));
      ASSERT_TRUE(value.ok() && value->has_value()) << "leaf without its batch: " << row.value;
      EXPECT_EQ((*value)->value, row.value);
    }
    if (rows->empty()) {
      break;
    }
    from = rows->back().key + '\0';
  }
  uint64_t values = 0;
  for (int caller = 0; caller < kCallers; ++caller) {
    std::string from;
    do {
      const auto page =
          store.Scan(MakePartition(PartitionKind::kCase, static_cast<uint8_t>(caller)), "", from, 1000);
      ASSERT_TRUE(page.ok()) << page.status();
      values += page->entries.size();
      from = page->next;
    } while (!from.empty());
  }
  EXPECT_EQ(values, leaves) << "batch without its leaf";
}

TEST(RocksDbCrash, AKilledProcessLosesNothingItAcknowledged) {
  const testing::TempFolder folder;
  SystemRandom random;
  std::vector<Report> acknowledged;
  for (int round = 0; round < 10; ++round) {
    uint16_t dice = 0;
    random.Fill(reinterpret_cast<uint8_t*>(&dice), sizeof(dice));
    SCOPED_TRACE("round " + std::to_string(round) + ", killed after " + std::to_string(1 + dice % 300));
    const std::vector<Report> reports = RunAndKill(folder / "store", 1 + dice % 300);
    ASSERT_FALSE(reports.empty());
    acknowledged.insert(acknowledged.end(), reports.begin(), reports.end());

    ThreadPool pool(1);
    CountingSequencer sequencer;
    const auto store = RocksDbStore::Open({.path = folder / "store"}, pool, sequencer);
    ASSERT_TRUE(store.ok()) << store.status();
    for (const Report& report : acknowledged) {
      const std::string expected = Value(report.caller, report.number);
      const auto value =
          (*store)->Get(MakePartition(PartitionKind::kCase, static_cast<uint8_t>(report.caller)),
                        EncodeBigEndian64(report.number));
      ASSERT_TRUE(value.ok() && value->has_value()) << expected;
      ASSERT_EQ((*value)->value, expected);
      ASSERT_EQ(*(*store)->LogGet(LogTable::kLeaves, EncodeBigEndian64(report.leaf)), expected);
    }
    ExpectBatchesAndLeavesAgree(**store);
  }
}

}  // namespace
}  // namespace relais::storage
