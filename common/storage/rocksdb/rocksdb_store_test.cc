#include "common/storage/rocksdb/rocksdb_store.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "common/storage/testing/rocksdb_backend.h"

namespace relais::storage {

namespace testing {
INSTANTIATE_TEST_SUITE_P(RocksDb, StoreConformance,
                         ::testing::Values(Case("Default", [] { return std::make_unique<RocksDbBackend>(); }),
                                           // Nothing is remembered between groups, and groups are cut often.
                                           Case("SmallGroups",
                                                [] {
                                                  return std::make_unique<RocksDbBackend>(RocksDbOptions{
                                                      .version_cache_bytes = 0, .group_limit = 2});
                                                })),
                         [](const auto& info) { return info.param.name; });
}  // namespace testing

namespace {

using testing::CountingSequencer;
using ::testing::HasSubstr;
using testing::IfAbsent;
using testing::IfVersion;
using testing::MakePartition;
using testing::Put;
using testing::RocksDbBackend;
using testing::WithLeaf;

using Answer = absl::StatusOr<CommitResult>;
const Partition kOne = MakePartition(PartitionKind::kPerson, 1);

// Holds the writer inside Stage until it is let go, so that what is queued meanwhile is one group.
class Gate final : public Sequencer {
 public:
  LeafRange Stage(std::vector<LeafDraft> leaves, std::vector<LogRow>& rows) override {
    {
      std::unique_lock lock(mu_);
      reached_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    }
    return inner_.Stage(std::move(leaves), rows);
  }
  void Committed() override { inner_.Committed(); }
  void Abandoned() override { inner_.Abandoned(); }

  void WaitUntilReached() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [this] { return reached_; });
  }
  void Open() {
    std::lock_guard lock(mu_);
    open_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] const CountingSequencer& inner() const { return inner_; }

 private:
  CountingSequencer inner_;
  std::mutex mu_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool open_ = false;
};

struct Gated {
  explicit Gated(RocksDbOptions options = {}) {
    options.path = folder / "store";
    store = *RocksDbStore::Open(std::move(options), pool, gate);
  }
  ~Gated() { gate.Open(); }

  OneShot<Answer> Begin(CommitRequest request) {
    OneShot<Answer> answer(pool);
    Start(store->Commit(std::move(request)), [answer](Answer result) { answer.Set(std::move(result)); });
    return answer;
  }

  testing::TempFolder folder;
  ThreadPool pool{2};
  Gate gate;
  std::unique_ptr<RocksDbStore> store;
};

Task<Answer> Await(OneShot<Answer> answer) {
  Answer result = co_await answer;
  co_return result;
}

TEST(RocksDbStore, WhatQueuesWhileTheWriterIsBusyIsOneGroupThatSeesItsOwnWrites) {
  Gated gated;
  const auto first = gated.Begin(Put(kOne, "x", "1"));
  gated.gate.WaitUntilReached();
  const auto second = gated.Begin(WithLeaf(IfAbsent(Put(kOne, "a", "1"), "a"), "second"));
  const auto third = gated.Begin(WithLeaf(IfAbsent(Put(kOne, "a", "2"), "a"), "third"));
  const auto fourth = gated.Begin({.partition = kOne, .batch = {{.key = "x", .value = std::nullopt}}});
  const auto fifth = gated.Begin(WithLeaf(IfAbsent(Put(kOne, "b", "1"), "x"), "fifth"));
  EXPECT_EQ(gated.store->queued(), 4);
  gated.gate.Open();
  EXPECT_TRUE(BlockOn(Await(first)).ok());
  EXPECT_TRUE(BlockOn(Await(second)).ok());
  EXPECT_TRUE(absl::IsAborted(BlockOn(Await(third)).status()));
  EXPECT_TRUE(BlockOn(Await(fourth)).ok());
  const Answer last = BlockOn(Await(fifth));
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->leaves.first, 1);
  EXPECT_EQ(gated.gate.inner().counts().committed, 2) << "the first alone, the others together";
  EXPECT_EQ(gated.gate.inner().threads(), 1) << "the sequencer belongs to the writer thread";
}

TEST(RocksDbStore, AFullQueueRefusesAndWritesNothing) {
  Gated gated({.queue_limit = 2});
  const auto busy = gated.Begin(Put(kOne, "x", "1"));
  gated.gate.WaitUntilReached();
  const auto a = gated.Begin(Put(kOne, "a", "1"));
  const auto b = gated.Begin(Put(kOne, "b", "1"));
  EXPECT_TRUE(absl::IsResourceExhausted(BlockOn(gated.store->Commit(Put(kOne, "c", "1"))).status()));
  for (const auto& result : BlockOn(gated.store->CommitAll({Put(kOne, "d", "1"), Put(kOne, "", "bad")}))) {
    EXPECT_FALSE(result.ok());
  }
  gated.gate.Open();
  EXPECT_TRUE(BlockOn(Await(busy)).ok());
  EXPECT_TRUE(BlockOn(Await(a)).ok());
  EXPECT_TRUE(BlockOn(Await(b)).ok());
  EXPECT_FALSE(gated.store->Get(kOne, "c")->has_value());
  EXPECT_TRUE(BlockOn(gated.store->Commit(Put(kOne, "c", "1"))).ok()) << "room again";
  // More than the queue holds, but nobody else is waiting: taken.
  EXPECT_TRUE(BlockOn(gated.store->CommitAll({Put(kOne, "d", "1"), Put(kOne, "e", "1"), Put(kOne, "f", "1")}))
                  .back()
                  .ok());
}

TEST(RocksDbStore, TheQueueIsBoundedInBytesToo) {
  Gated gated({.queue_bytes = 1000});
  const auto busy = gated.Begin(Put(kOne, "x", "1"));
  gated.gate.WaitUntilReached();
  const auto a = gated.Begin(Put(kOne, "a", std::string(600, 'v')));
  EXPECT_TRUE(absl::IsResourceExhausted(
      BlockOn(gated.store->Commit(Put(kOne, "b", std::string(600, 'v')))).status()));
  gated.gate.Open();
  EXPECT_TRUE(BlockOn(Await(busy)).ok());
  EXPECT_TRUE(BlockOn(Await(a)).ok());
}

TEST(RocksDbStore, CloseCommitsWhatIsQueuedAndRefusesTheRest) {
  Gated gated;
  const auto first = gated.Begin(Put(kOne, "a", "1"));
  gated.gate.WaitUntilReached();
  const auto second = gated.Begin(Put(kOne, "b", "1"));
  gated.gate.Open();
  gated.store->Close();
  EXPECT_TRUE(BlockOn(Await(first)).ok());
  EXPECT_TRUE(BlockOn(Await(second)).ok());
  EXPECT_EQ(BlockOn(gated.store->Commit(Put(kOne, "c", "1"))).status().message(), "store is closed");
  EXPECT_EQ(gated.store->Get(kOne, "a").status().message(), "store is closed");
  EXPECT_EQ(gated.store->failure().message(), "store is closed");
  gated.store->Close();
}

TEST(RocksDbStore, ASecondOpenOfTheSameFolderFailsClearly) {
  RocksDbBackend backend;
  backend.Open();
  ThreadPool pool(1);
  CountingSequencer sequencer;
  const auto second = RocksDbStore::Open({.path = backend.options().path}, pool, sequencer);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("open in another process"));
  backend.store().Close();
  EXPECT_TRUE(RocksDbStore::Open({.path = backend.options().path}, pool, sequencer).ok())
      << "Close releases it";
}

TEST(RocksDbStore, OpensNothingThatIsNotThereUnlessAsked) {
  const testing::TempFolder folder;
  ThreadPool pool(1);
  CountingSequencer sequencer;
  const auto missing =
      RocksDbStore::Open({.path = folder / "none", .create_if_missing = false}, pool, sequencer);
  EXPECT_TRUE(absl::IsNotFound(missing.status())) << missing.status();
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
  ASSERT_TRUE(RocksDbStore::Open({.path = folder / "a/b"}, pool, sequencer).ok());
  EXPECT_EQ(std::filesystem::status(folder / "a/b").permissions(), std::filesystem::perms::owner_all);
  EXPECT_TRUE(RocksDbStore::Open({.path = folder / "a/b", .create_if_missing = false}, pool, sequencer).ok());
}

// Whether any file of the store holds `bytes`.
bool OnDisk(const std::string& path, const std::string& bytes) {
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (content.find(bytes) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST(RocksDbStore, CompactionLeavesNoFileWithADeletedRow) {
  const std::string secret = "0123456789 wrapped key of a person who asked to be forgotten";
  RocksDbBackend backend;
  backend.Open();
  const auto write = [&](std::string key, std::optional<std::string> value) {
    CommitRequest request{.partition = kOne};
    request.leaves.push_back({.bytes = "leaf"});
    request.leaves.back().rows.push_back(
        {.table = LogTable::kSubjectKeys, .key = std::move(key), .value = std::move(value)});
    return BlockOn(backend.store().Commit(std::move(request))).ok();
  };
  ASSERT_TRUE(write("s", secret));
  ASSERT_TRUE(write("t", "kept"));
  // Once in a table, once in the write-ahead log.
  for (const bool in_table : {true, false}) {
    if (in_table) {
      backend.Reopen();
    }
    ASSERT_TRUE(OnDisk(backend.options().path, secret)) << "or the test sees nothing";
    ASSERT_TRUE(write("s", std::nullopt));
    ASSERT_TRUE(backend.store().LogCompact(LogTable::kSubjectKeys).ok());
    EXPECT_FALSE(OnDisk(backend.options().path, secret)) << (in_table ? "table" : "log");
    EXPECT_EQ(**backend.store().LogGet(LogTable::kSubjectKeys, "t"), "kept");
    ASSERT_TRUE(write("s", secret));
  }
}

// The one blob file of a store; empty: there is none.
std::string BlobFileIn(const std::string& folder) {
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".blob") {
      return file.path().string();
    }
  }
  return "";
}

uint64_t BytesOfBlobs(const std::string& folder) {
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    bytes += file.path().extension() == ".blob" ? file.file_size() : 0;
  }
  return bytes;
}

TEST(RocksDbStore, ACompactionCopiesPapersOnlyWhenMostOfTheirFilesIsGarbage) {
  RocksDbBackend backend;
  backend.Open();
  constexpr int kPieces = 20;
  constexpr uint64_t kPiece = 262'208;
  const Partition paper = MakePartition(PartitionKind::kDocument, 1);
  const auto key = [](int i) { return "c/" + std::to_string(i); };
  for (int i = 0; i < kPieces; ++i) {
    ASSERT_TRUE(BlockOn(backend.store().Commit(Put(paper, key(i), std::string(kPiece, 'p')))).ok());
  }
  const auto destroy = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      CommitRequest commit;
      commit.partition = paper;
      commit.batch.push_back({key(i), std::nullopt});
      ASSERT_TRUE(BlockOn(backend.store().Commit(std::move(commit))).ok());
    }
  };
  ASSERT_TRUE(backend.store().Compact().ok());
  const std::string file = BlobFileIn(backend.options().path);
  destroy(0, 8);
  ASSERT_TRUE(backend.store().Compact().ok());
  EXPECT_TRUE(std::filesystem::exists(file)) << "twelve of twenty are in use: they are not moved for eight";
  EXPECT_GT(BytesOfBlobs(backend.options().path), kPieces * kPiece);
  destroy(8, 15);
  ASSERT_TRUE(backend.store().Compact().ok());
  EXPECT_LT(BytesOfBlobs(backend.options().path), 6 * kPiece) << "five are left";
  backend.Reopen();
  for (int i = 15; i < kPieces; ++i) {
    EXPECT_EQ((*backend.store().Get(paper, key(i)))->value, std::string(kPiece, 'p'));
  }
}

TEST(RocksDbStore, DocumentsAreInBlobFilesAndReadLikeAllElse) {
  RocksDbBackend backend;
  backend.Open();
  const Partition paper = MakePartition(PartitionKind::kDocument, 1);
  const std::string piece(262'208, 'p');
  ASSERT_TRUE(BlockOn(backend.store().Commit(Put(paper, "head", "small"))).ok());
  ASSERT_TRUE(BlockOn(backend.store().Commit(Put(paper, "c/1", piece))).ok());
  ASSERT_TRUE(BlockOn(backend.store().Commit(Put(kOne, "c/1", std::string(100'000, 'q')))).ok());
  ASSERT_TRUE(backend.store().Compact().ok());
  EXPECT_NE(BlobFileIn(backend.options().path), "");
  backend.Reopen();
  EXPECT_EQ((*backend.store().Get(paper, "c/1"))->value, piece);
  std::string seen;
  const auto there = backend.store().WithValue(paper, "c/1", [&](std::string_view value) {
    seen = value;
    return absl::OkStatus();
  });
  EXPECT_TRUE(there.ok() && *there);
  EXPECT_EQ(seen, piece);
  const auto both =
      backend.store().MultiGet({{kOne, "c/1"}, {paper, "head"}, {paper, "c/1"}, {paper, "c/2"}});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ((*both)[0]->value.size(), 100'000U);
  EXPECT_EQ((*both)[1]->value, "small");
  EXPECT_EQ((*both)[2]->value, piece);
  EXPECT_FALSE((*both)[3].has_value());
  EXPECT_EQ(backend.store().Scan(paper, "", "", 10)->entries.size(), 2U);
  EXPECT_EQ(backend.store().ListPartitions(PartitionKind::kDocument, Id128(), 10)->size(), 1U);
  EXPECT_EQ(backend.store().ListPartitions(PartitionKind::kPerson, Id128(), 10)->size(), 1U);
  EXPECT_FALSE(BlockOn(backend.store().Commit(IfAbsent(Put(paper, "c/1", "x"), "c/1"))).ok());
}

TEST(RocksDbStore, ABitFlippedInABlobIsToldByAScanAndNothingElseFails) {
  RocksDbBackend backend;
  backend.Open();
  const Partition paper = MakePartition(PartitionKind::kDocument, 1);
  ASSERT_TRUE(BlockOn(backend.store().Commit(Put(paper, "c/1", std::string(262'208, 'p')))).ok());
  ASSERT_TRUE(BlockOn(backend.store().Commit(Put(paper, "head", "small"))).ok());
  ASSERT_TRUE(backend.store().Compact().ok());
  backend.store().Close();
  const std::string blob = BlobFileIn(backend.options().path);
  ASSERT_NE(blob, "");
  {
    std::fstream file(blob, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100'000);
    file.put('P');  // it was p: one bit
  }
  backend.Reopen();
  EXPECT_TRUE(absl::IsDataLoss(backend.store().Scan(paper, "c/", "", 10).status()));
  // What is sealed says so itself: it is given out as it lies there.
  std::string flipped(262'208, 'p');
  const auto read = backend.store().Get(paper, "c/1");
  ASSERT_TRUE(read.ok());
  EXPECT_NE((*read)->value, flipped);
  const auto judged = backend.store().WithValue(paper, "c/1", [&](std::string_view value) {
    EXPECT_EQ(value, (*read)->value);
    return absl::DataLossError("does not open");
  });
  EXPECT_TRUE(absl::IsDataLoss(judged.status()));
  EXPECT_EQ((*backend.store().Get(paper, "head"))->value, "small");
  EXPECT_TRUE(backend.store().failure().ok());
}

TEST(RocksDbStore, VersionsStayTrueWhenTheCacheForgets) {
  RocksDbBackend backend({.version_cache_bytes = 1000});
  backend.Open();
  std::vector<uint64_t> versions;
  for (int i = 0; i < 100; ++i) {
    const Answer done = BlockOn(backend.store().Commit(Put(kOne, std::to_string(i), "1")));
    ASSERT_TRUE(done.ok());
    versions.push_back(done->version);
  }
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::to_string(i);
    EXPECT_FALSE(BlockOn(backend.store().Commit(IfAbsent(Put(kOne, key, "2"), key))).ok()) << i;
    EXPECT_TRUE(BlockOn(backend.store().Commit(IfVersion(Put(kOne, key, "2"), key, versions[i]))).ok()) << i;
  }
}

}  // namespace
}  // namespace relais::storage
