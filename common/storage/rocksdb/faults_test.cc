// Disks that fail, logs that are torn, power that goes.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include "common/storage/testing/rocksdb_backend.h"
#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

using testing::CountingSequencer;
using testing::Fault;
using ::testing::HasSubstr;
using testing::IfVersion;
using testing::MakePartition;
using testing::Put;
using testing::RocksDbBackend;
using testing::WithLeaf;

const Partition kOne = MakePartition(PartitionKind::kPerson, 1);

absl::StatusOr<CommitResult> CommitNumber(Store& store, int i) {
  const std::string n = std::to_string(i);
  return BlockOn(store.Commit(WithLeaf(Put(kOne, n, n), n)));
}

// How many commits of CommitNumber(0, 1, …) are there, batch and leaf, none missing in between; -1 if any is
// torn.
int Intact(const Store& store, int written) {
  int count = 0;
  bool ended = false;
  for (int i = 0; i < written; ++i) {
    const bool batch = store.Get(kOne, std::to_string(i))->has_value();
    const auto leaf = *store.LogGet(LogTable::kLeaves, EncodeBigEndian64(static_cast<uint64_t>(i)));
    if (batch != leaf.has_value() || (batch && ended) || (batch && *leaf != std::to_string(i))) {
      return -1;
    }
    ended |= !batch;
    count += batch ? 1 : 0;
  }
  return count;
}

std::string LastWal(const std::string& path) {
  std::vector<std::string> wals;
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    if (file.path().extension() == ".log") {
      wals.push_back(file.path().string());
    }
  }
  std::sort(wals.begin(), wals.end());
  return wals.empty() ? "" : wals.back();
}

// Also where a stop would write out what is in memory, as services' stores do.
class DiskFault : public ::testing::TestWithParam<std::tuple<Fault, bool>> {};

TEST_P(DiskFault, NothingIsAcknowledgedOnceTheLogCannotBeWritten) {
  std::mutex mu;
  std::vector<absl::Status> told;
  RocksDbOptions options;
  options.flush_at_close = std::get<1>(GetParam());
  options.on_failure = [&](absl::Status why) {
    std::lock_guard lock(mu);
    told.push_back(std::move(why));
  };
  RocksDbBackend backend(options);
  backend.Open();
  ASSERT_TRUE(CommitNumber(backend.store(), 0).ok());
  backend.disk().Fail(std::get<0>(GetParam()), ".log");
  const auto failed = CommitNumber(backend.store(), 1);
  EXPECT_TRUE(absl::IsUnavailable(failed.status())) << failed.status();
  EXPECT_THAT(std::string(backend.store().failure().message()), HasSubstr("injected fault"));
  EXPECT_EQ(backend.sequencer().counts().abandoned, 1);
  EXPECT_EQ(backend.sequencer().durable_size(), 1);

  backend.disk().Fail(Fault::kNone, "");
  EXPECT_TRUE(absl::IsUnavailable(CommitNumber(backend.store(), 2).status())) << "never tried again";
  EXPECT_TRUE(absl::IsUnavailable(backend.store().failure()));
  EXPECT_EQ(backend.sequencer().counts().staged, 2);

  backend.Reopen();
  EXPECT_GE(Intact(backend.store(), 3), 1);
  EXPECT_FALSE(backend.store().Get(kOne, "2")->has_value());
  EXPECT_TRUE(CommitNumber(backend.store(), 3).ok());
  std::lock_guard lock(mu);
  ASSERT_EQ(told.size(), 1) << "once";
  EXPECT_THAT(std::string(told[0].message()), HasSubstr("injected fault"));
}
INSTANTIATE_TEST_SUITE_P(Faults, DiskFault,
                         ::testing::Combine(::testing::Values(Fault::kSync, Fault::kAppend),
                                            ::testing::Bool()),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) == Fault::kSync ? "Sync" : "Append") +
                                  (std::get<1>(info.param) ? "Flushing" : "");
                         });

TEST(RocksDbFaults, EveryCommitOfAFailedGroupAndOfTheQueueIsUnavailable) {
  RocksDbBackend backend({.group_limit = 4});
  backend.Open();
  backend.disk().Fail(Fault::kSync, ".log");
  std::vector<CommitRequest> requests;
  for (int i = 0; i < 20; ++i) {
    requests.push_back(Put(kOne, std::to_string(i), "v"));
  }
  requests.push_back(IfVersion(Put(kOne, "x", "v"), "x", 99));
  for (const auto& result : BlockOn(backend.store().CommitAll(std::move(requests)))) {
    EXPECT_TRUE(absl::IsUnavailable(result.status())) << result.status();
  }
  EXPECT_EQ(backend.sequencer().counts().abandoned, 1);
  EXPECT_EQ(backend.sequencer().counts().staged, 4);
}

TEST(RocksDbFaults, AFailureInTheBackgroundStopsTheStore) {
  RocksDbBackend backend;
  backend.Open();
  ASSERT_TRUE(CommitNumber(backend.store(), 0).ok());
  backend.disk().Fail(Fault::kSync, ".sst");
  EXPECT_TRUE(absl::IsUnavailable(backend.store().LogCompact(LogTable::kLeaves)));
  EXPECT_TRUE(absl::IsUnavailable(CommitNumber(backend.store(), 1).status()));
  EXPECT_TRUE(absl::IsUnavailable(backend.store().failure()));
  backend.Reopen();
  EXPECT_EQ(Intact(backend.store(), 2), 1);
}

TEST(RocksDbFaults, WhatWasAcknowledgedSurvivesALossOfPower) {
  RocksDbBackend backend;
  backend.Open();
  ThreadPool pool(2);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(CommitNumber(backend.store(), i).ok());
    if (i % 5 != 0) {
      continue;
    }
    const std::string after = backend.folder() / ("after" + std::to_string(i));
    backend.disk().CopySynced(backend.options().path, after);
    CountingSequencer sequencer;
    const auto store = RocksDbStore::Open({.path = after}, pool, sequencer);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ(Intact(**store, 20), i + 1);
  }
}

TEST(RocksDbFaults, WithoutFsyncALossOfPowerIsALoss) {
  // That the test above can fail.
  RocksDbBackend backend({.fsync = false});
  backend.Open();
  ASSERT_TRUE(CommitNumber(backend.store(), 0).ok());
  backend.disk().CopySynced(backend.options().path, backend.folder() / "after");
  ThreadPool pool(2);
  CountingSequencer sequencer;
  const auto store = RocksDbStore::Open({.path = backend.folder() / "after"}, pool, sequencer);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(Intact(**store, 1), 0);
}

TEST(RocksDbFaults, ATornTailOfTheLogLosesWholeCommitsFromTheEndOnly) {
  constexpr int kCommits = 20;
  for (const int cut : {1, 7, 40, 200, 400}) {
    SCOPED_TRACE(cut);
    RocksDbBackend backend;
    backend.Open();
    for (int i = 0; i < kCommits; ++i) {
      ASSERT_TRUE(CommitNumber(backend.store(), i).ok());
    }
    backend.store().Close();
    const std::string wal = LastWal(backend.options().path);
    ASSERT_GT(std::filesystem::file_size(wal), 400);
    std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - cut);
    backend.Reopen();
    const int left = Intact(backend.store(), kCommits);
    EXPECT_GE(left, kCommits - 1 - cut / 50);
    EXPECT_LT(left, kCommits);
    EXPECT_EQ(backend.sequencer().durable_size(), left);
  }
}

TEST(RocksDbFaults, ADamagedLogIsRefusedNotRolledBack) {
  RocksDbBackend backend;
  backend.Open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(CommitNumber(backend.store(), i).ok());
  }
  backend.store().Close();
  const std::string wal = LastWal(backend.options().path);
  {
    std::fstream file(wal, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(std::filesystem::file_size(wal) / 2));
    const int byte = file.peek();
    file.seekp(file.tellg());
    file.put(static_cast<char>(byte ^ 0x55));
  }
  ThreadPool pool(1);
  CountingSequencer sequencer;
  const auto opened = RocksDbStore::Open({.path = backend.options().path}, pool, sequencer);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss) << opened.status();
}

}  // namespace
}  // namespace relais::storage
