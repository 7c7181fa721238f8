#include "common/storage/testing/store_conformance.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <thread>

#include "common/base/task.h"
#include "common/storage/validate.h"

namespace relais::storage::testing {

void LinkLogConformance();  // store_conformance_log.cc

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Keys(const absl::StatusOr<Page>& page) {
  std::vector<std::string> keys;
  if (!page.ok()) {
    return {page.status().ToString()};
  }
  for (const KeyedEntry& entry : page->entries) {
    keys.push_back(entry.key);
  }
  return keys;
}

CommitRequest Puts(const Partition& partition, const std::vector<std::string>& keys) {
  CommitRequest request{.partition = partition};
  for (const std::string& key : keys) {
    request.batch.push_back({.key = key, .value = "of " + key});
  }
  return request;
}

// Adds one to the number under "n", trying again when another got in between; false when the store gives up.
Task<bool> Increment(Store& store, Partition partition) {
  while (true) {
    const absl::StatusOr<std::optional<Entry>> seen = store.Get(partition, "n");
    if (!seen.ok()) {
      co_return false;
    }
    const int count = seen->has_value() ? std::stoi((*seen)->value) : 0;
    CommitRequest request = Put(partition, "n", std::to_string(count + 1));
    request = seen->has_value() ? IfVersion(std::move(request), "n", (*seen)->version)
                                : IfAbsent(std::move(request), "n");
    const absl::StatusOr<CommitResult> done =
        co_await store.Commit(WithLeaf(std::move(request), std::to_string(count + 1)));
    if (done.ok() || !absl::IsAborted(done.status())) {
      co_return done.ok();
    }
  }
}

}  // namespace

Partition MakePartition(PartitionKind kind, uint8_t n) {
  std::array<uint8_t, Id128::kSize> raw{};
  raw.back() = n;
  return {.kind = kind, .id = Id128(raw)};
}

CommitRequest Put(const Partition& partition, std::string key, std::string value) {
  CommitRequest request{.partition = partition};
  request.batch.push_back({.key = std::move(key), .value = std::move(value)});
  return request;
}

CommitRequest WithLeaf(CommitRequest request, std::string leaf) {
  request.leaves.push_back({.bytes = std::move(leaf)});
  return request;
}

CommitRequest IfAbsent(CommitRequest request, std::string key) {
  request.preconditions.push_back({.key = std::move(key), .version = std::nullopt});
  return request;
}

CommitRequest IfVersion(CommitRequest request, std::string key, uint64_t version) {
  request.preconditions.push_back({.key = std::move(key), .version = version});
  return request;
}

BackendCase Case(std::string name, std::function<std::unique_ptr<Backend>()> make) {
  LinkLogConformance();  // a linker drops a file of tests that nothing refers to
  return {.name = std::move(name), .make = std::move(make)};
}

void StoreConformance::SetUp() {
  backend_ = GetParam().make();
  backend_->Open();
}

void StoreConformance::CheckTwice(const std::function<void()>& check) {
  {
    SCOPED_TRACE("as written");
    check();
  }
  EXPECT_FALSE(backend_->sequencer().out_of_turn());
  backend_->Reopen();
  SCOPED_TRACE("reopened");
  check();
}

absl::StatusOr<CommitResult> StoreConformance::Commit(CommitRequest request) {
  return BlockOn(store().Commit(std::move(request)));
}

std::vector<absl::StatusOr<CommitResult>> StoreConformance::CommitAll(std::vector<CommitRequest> requests) {
  return BlockOn(store().CommitAll(std::move(requests)));
}

std::string StoreConformance::Read(const Partition& partition, std::string_view key) {
  const absl::StatusOr<std::optional<Entry>> entry = store().Get(partition, key);
  if (!entry.ok()) {
    return entry.status().ToString();
  }
  return entry->has_value() ? (*entry)->value + "@" + std::to_string((*entry)->version) : "-";
}

std::vector<std::string> StoreConformance::Leaves() {
  std::vector<std::string> leaves;
  const auto rows = store().LogScan(LogTable::kLeaves, "", "", 100000);
  if (!rows.ok()) {
    return {rows.status().ToString()};
  }
  for (const Store::LogEntry& row : *rows) {
    leaves.push_back(row.value);
  }
  return leaves;
}

namespace {

const Partition kOne = MakePartition(PartitionKind::kPerson, 1);
const Partition kTwo = MakePartition(PartitionKind::kPerson, 2);

TEST_P(StoreConformance, RemembersValuesVersionsAndLeaves) {
  CommitRequest request = Put(kOne, "a", "1");
  request.batch.push_back({.key = "b", .value = ""});
  request = WithLeaf(WithLeaf(std::move(request), "first"), "second");
  const auto first = Commit(std::move(request));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->leaves.first, 0);
  EXPECT_EQ(first->leaves.count, 2);
  EXPECT_EQ(first->leaves.tree_size, 2);
  const auto second = Commit(Put(kOne, "a", "2"));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->leaves.count, 0);
  EXPECT_EQ(second->leaves.tree_size, 2);
  EXPECT_GT(second->version, first->version);
  CheckTwice([&] {
    EXPECT_EQ(Read(kOne, "a"), "2@" + std::to_string(second->version));
    EXPECT_EQ(Read(kOne, "b"), "@" + std::to_string(first->version));
    EXPECT_EQ(Read(kOne, "c"), "-");
    EXPECT_EQ(Read(kTwo, "a"), "-");
    EXPECT_THAT(Leaves(), ElementsAre("first", "second"));
  });
  const auto third = Commit(WithLeaf(Put(kOne, "a", "3"), "third"));
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_GT(third->version, second->version) << "versions go on after a restart";
  EXPECT_EQ(third->leaves.first, 2);
}

TEST_P(StoreConformance, AbsentHoldsOnlyForAKeyThatIsNotThere) {
  ASSERT_TRUE(Commit(IfAbsent(Put(kOne, "a", "1"), "a")).ok());
  const std::string before = Read(kOne, "a");
  CheckTwice([&] {
    EXPECT_TRUE(absl::IsAborted(Commit(WithLeaf(IfAbsent(Put(kOne, "a", "2"), "a"), "no")).status()));
    EXPECT_EQ(Read(kOne, "a"), before);
    EXPECT_THAT(Leaves(), IsEmpty());
  });
  ASSERT_TRUE(Commit({.partition = kOne, .batch = {{.key = "a", .value = std::nullopt}}}).ok());
  CheckTwice([&] {
    EXPECT_EQ(Read(kOne, "a"), "-");
    EXPECT_TRUE(Commit(IfAbsent({.partition = kOne}, "a")).ok());
  });
  EXPECT_TRUE(Commit(IfAbsent(Put(kOne, "a", "3"), "a")).ok());
}

TEST_P(StoreConformance, VersionHoldsOnlyForTheLastWriter) {
  const auto first = Commit(Put(kOne, "a", "1"));
  const auto second = Commit(Put(kOne, "a", "2"));
  ASSERT_TRUE(first.ok() && second.ok());
  CheckTwice([&] {
    EXPECT_TRUE(absl::IsAborted(Commit(IfVersion(Put(kOne, "a", "x"), "a", first->version)).status()));
    EXPECT_TRUE(absl::IsAborted(Commit(IfVersion(Put(kOne, "b", "x"), "b", 1)).status())) << "absent key";
    EXPECT_TRUE(absl::IsAborted(Commit(IfVersion(Put(kTwo, "a", "x"), "a", second->version)).status()))
        << "same key of another partition";
    EXPECT_EQ(Read(kOne, "a"), "2@" + std::to_string(second->version));
  });
  const auto third = Commit(IfVersion(Put(kOne, "b", "3"), "a", second->version));
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(Read(kOne, "a"), "2@" + std::to_string(second->version)) << "a guard is not a write";
}

TEST_P(StoreConformance, AllPreconditionsMustHoldAndGuardTheWholeBatch) {
  ASSERT_TRUE(Commit(Put(kOne, "a", "1")).ok());
  CommitRequest request = Puts(kOne, {"b", "c"});
  request = IfAbsent(IfAbsent(WithLeaf(std::move(request), "no"), "b"), "a");
  EXPECT_TRUE(absl::IsAborted(Commit(std::move(request)).status()));
  CheckTwice([&] {
    EXPECT_EQ(Read(kOne, "b"), "-");
    EXPECT_EQ(Read(kOne, "c"), "-");
    EXPECT_THAT(Leaves(), IsEmpty());
  });
}

TEST_P(StoreConformance, ACommitMayHoldLeavesAlone) {
  const auto done = Commit(WithLeaf(IfAbsent({.partition = kOne}, "a"), "refused"));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->leaves.count, 1);
  CheckTwice([&] { EXPECT_THAT(Leaves(), ElementsAre("refused")); });
}

TEST_P(StoreConformance, ScansAPrefixOfAPartitionPageByPage) {
  ASSERT_TRUE(Commit(Puts(kOne, {"a", "b", "b/1", "b/2", "b/3", "b/4", "b0", "\xff", "\xff\xff"})).ok());
  ASSERT_TRUE(Commit(Puts(kTwo, {"b/5"})).ok());
  ASSERT_TRUE(Commit(Puts(MakePartition(PartitionKind::kPerson, 0), {"b/0"})).ok());
  CheckTwice([&] {
    const auto first = store().Scan(kOne, "b/", "", 3);
    EXPECT_THAT(Keys(first), ElementsAre("b/1", "b/2", "b/3"));
    EXPECT_EQ(first->next, "b/4");
    EXPECT_EQ(first->entries[1].entry.value, "of b/2");
    EXPECT_GT(first->entries[1].entry.version, 0);
    const auto second = store().Scan(kOne, "b/", first->next, 3);
    EXPECT_THAT(Keys(second), ElementsAre("b/4"));
    EXPECT_EQ(second->next, "");
    EXPECT_EQ(store().Scan(kOne, "b/", "", 4)->next, "") << "a full last page is the last";
    EXPECT_THAT(Keys(store().Scan(kOne, "b/", "a", 10)), ElementsAre("b/1", "b/2", "b/3", "b/4"));
    EXPECT_THAT(Keys(store().Scan(kOne, "b/", "b/22", 10)), ElementsAre("b/3", "b/4"));
    EXPECT_THAT(Keys(store().Scan(kOne, "b/", "c", 10)), IsEmpty());
    EXPECT_THAT(Keys(store().Scan(kOne, "\xff", "", 10)), ElementsAre("\xff", "\xff\xff"));
    EXPECT_THAT(Keys(store().Scan(kOne, "", "", 1000)),
                ElementsAre("a", "b", "b/1", "b/2", "b/3", "b/4", "b0", "\xff", "\xff\xff"));
    EXPECT_THAT(Keys(store().Scan(MakePartition(PartitionKind::kCase, 1), "", "", 10)), IsEmpty());
  });
}

TEST_P(StoreConformance, APageOfLargeValuesEndsEarlyAndGoesOn) {
  const std::string large(kMaxValueBytes, 'x');
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(Commit(Put(kOne, std::to_string(i), large)).ok());
  }
  CheckTwice([&] {
    const auto first = store().Scan(kOne, "", "", 1000);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(first->entries.size(), 4);
    EXPECT_EQ(first->next, "4");
    EXPECT_EQ(first->entries[3].entry.value, large);
    EXPECT_THAT(Keys(store().Scan(kOne, "", first->next, 1000)), ElementsAre("4", "5"));
  });
}

TEST_P(StoreConformance, MultiGetAnswersInOrderAcrossPartitions) {
  const auto one = Commit(Put(kOne, "a", "1"));
  const auto two = Commit(Put(kTwo, "b", "2"));
  ASSERT_TRUE(one.ok() && two.ok());
  CheckTwice([&] {
    const auto found = store().MultiGet({{kTwo, "b"}, {kOne, "missing"}, {kOne, "a"}, {kTwo, "b"}});
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->size(), 4);
    EXPECT_EQ((*found)[0]->value, "2");
    EXPECT_EQ((*found)[0]->version, two->version);
    EXPECT_FALSE((*found)[1].has_value());
    EXPECT_EQ((*found)[2]->value, "1");
    EXPECT_EQ((*found)[3]->value, "2");
    EXPECT_THAT(*store().MultiGet({}), IsEmpty());
  });
}

TEST_P(StoreConformance, AValueIsSeenWhereItLies) {
  const Partition paper = MakePartition(PartitionKind::kDocument, 1);
  const std::string large(kMaxValueBytes, 'x');
  ASSERT_TRUE(Commit(Put(kOne, "a", "1")).ok());
  ASSERT_TRUE(Commit(Put(kOne, "empty", "")).ok());
  ASSERT_TRUE(Commit(Put(paper, "c/1", large)).ok());
  int calls = 0;
  std::string seen;
  const auto see = [&](std::string_view value) {
    ++calls;
    seen = value;
    return absl::OkStatus();
  };
  CheckTwice([&] {
    calls = 0;
    EXPECT_TRUE(store().WithValue(kOne, "a", see).value());
    EXPECT_EQ(seen, "1");
    EXPECT_TRUE(store().WithValue(kOne, "empty", see).value());
    EXPECT_EQ(seen, "");
    EXPECT_TRUE(store().WithValue(paper, "c/1", see).value());
    EXPECT_TRUE(seen == large);
    EXPECT_EQ(calls, 3);
    EXPECT_FALSE(store().WithValue(kOne, "missing", see).value());
    EXPECT_FALSE(store().WithValue(kTwo, "a", see).value());
    EXPECT_TRUE(absl::IsInvalidArgument(store().WithValue(kOne, "", see).status()));
    EXPECT_EQ(calls, 3) << "nothing was there to be seen";
    const absl::Status why = absl::DataLossError("not what it should be");
    EXPECT_EQ(store().WithValue(kOne, "a", [&](std::string_view) { return why; }).status(), why);
    EXPECT_TRUE(store().failure().ok()) << "what a caller thinks of a value is not the store's";
  });
}

TEST_P(StoreConformance, CommitsOfOneCallStandOrFallAlone) {
  std::vector<CommitRequest> requests;
  requests.push_back(WithLeaf(Put(kOne, "a", "1"), "one"));
  requests.push_back(WithLeaf(IfAbsent(Put(kOne, "b", "2"), "a"), "two"));  // the first one wrote it
  requests.push_back(WithLeaf(Put(kOne, "", "out of bounds"), "three"));
  requests.push_back(WithLeaf(Put(kTwo, "a", "4"), "four"));
  const auto results = CommitAll(std::move(requests));
  ASSERT_EQ(results.size(), 4);
  ASSERT_TRUE(results[0].ok()) << results[0].status();
  EXPECT_TRUE(absl::IsAborted(results[1].status())) << results[1].status();
  EXPECT_TRUE(absl::IsInvalidArgument(results[2].status())) << results[2].status();
  ASSERT_TRUE(results[3].ok()) << results[3].status();
  EXPECT_EQ(results[3]->leaves.first, 1);
  EXPECT_GT(results[3]->version, results[0]->version);
  EXPECT_THAT(CommitAll({}), IsEmpty());
  CheckTwice([&] {
    EXPECT_EQ(Read(kOne, "a"), "1@" + std::to_string(results[0]->version));
    EXPECT_EQ(Read(kOne, "b"), "-");
    EXPECT_EQ(Read(kTwo, "a"), "4@" + std::to_string(results[3]->version));
    EXPECT_THAT(Leaves(), ElementsAre("one", "four"));
  });
}

TEST_P(StoreConformance, ACommitSeesThoseBeforeItInTheSameCall) {
  const auto before = Commit(Put(kOne, "old", "0"));
  ASSERT_TRUE(before.ok());
  std::vector<CommitRequest> requests;
  requests.push_back(Put(kOne, "a", "1"));
  requests.push_back(IfAbsent(Put(kOne, "a", "2"), "a"));  // aborted
  requests.push_back({.partition = kOne, .batch = {{.key = "a", .value = std::nullopt}}});
  requests.push_back(IfAbsent(Put(kOne, "a", "3"), "a"));
  requests.push_back(IfVersion(Put(kOne, "old", "1"), "old", before->version));
  requests.push_back(IfVersion(Put(kOne, "old", "2"), "old", before->version));  // aborted
  const auto results = CommitAll(std::move(requests));
  std::vector<bool> ok;
  for (const auto& result : results) {
    ok.push_back(result.ok());
  }
  EXPECT_THAT(ok, ElementsAre(true, false, true, true, true, false));
  CheckTwice([&] {
    EXPECT_EQ(Read(kOne, "a"), "3@" + std::to_string(results[3]->version));
    EXPECT_EQ(Read(kOne, "old"), "1@" + std::to_string(results[4]->version));
  });
}

TEST_P(StoreConformance, RefusesWhatIsOutOfBounds) {
  const std::string longest(kMaxKeyBytes, 'k');
  ASSERT_TRUE(Commit(Put(kOne, longest, std::string(kMaxValueBytes, 'v'))).ok());
  const auto refused = [&](CommitRequest request) {
    return absl::IsInvalidArgument(Commit(WithLeaf(std::move(request), "no")).status());
  };
  CheckTwice([&] {
    EXPECT_EQ((*store().Get(kOne, longest))->value.size(), kMaxValueBytes);
    EXPECT_TRUE(refused(Put(kOne, "", "v")));
    EXPECT_TRUE(refused(Put(kOne, longest + "k", "v")));
    EXPECT_TRUE(refused(Put(kOne, "k", std::string(kMaxValueBytes + 1, 'v'))));
    EXPECT_TRUE(refused(Puts(kOne, {"k", "l", "k"})));
    EXPECT_TRUE(refused(IfAbsent(IfAbsent(Put(kOne, "k", "v"), "k"), "k")));
    EXPECT_TRUE(refused(IfAbsent(Put(kOne, "k", "v"), "")));
    EXPECT_EQ(Read(kOne, "k"), "-");
    EXPECT_THAT(Leaves(), IsEmpty());
    EXPECT_TRUE(absl::IsInvalidArgument(store().Get(kOne, "").status()));
    EXPECT_TRUE(absl::IsInvalidArgument(store().MultiGet({{kOne, ""}}).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(store().Scan(kOne, "", "", 0).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(store().Scan(kOne, "", "", kMaxPageSize + 1).status()));
  });
}

TEST_P(StoreConformance, ConcurrentIncrementsAreNeverLost) {
  constexpr int kCallers = 16;
  constexpr int kEach = 20;
  std::vector<std::thread> callers;
  std::atomic<int> done = 0;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < kEach; ++j) {
        done += BlockOn(Increment(store(), kOne)) ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(done, kCallers * kEach);
  std::vector<std::string> expected;
  for (int i = 1; i <= kCallers * kEach; ++i) {
    expected.push_back(std::to_string(i));
  }
  CheckTwice([&] {
    EXPECT_EQ((*store().Get(kOne, "n"))->value, std::to_string(kCallers * kEach));
    EXPECT_EQ(Leaves(), expected) << "leaves stand in the order of the commits";
  });
}

TEST_P(StoreConformance, ConcurrentCommitsGetDifferentVersionsAndPlaces) {
  std::vector<Task<absl::StatusOr<CommitResult>>> tasks;
  constexpr int kCommits = 200;
  for (int i = 0; i < kCommits; ++i) {
    tasks.push_back(store().Commit(
        WithLeaf(Put(MakePartition(PartitionKind::kAlert, static_cast<uint8_t>(i)), "k", "v"), "leaf")));
  }
  std::set<uint64_t> versions;
  std::set<uint64_t> places;
  for (const auto& result : BlockOn(WhenAll(backend_->executor(), std::move(tasks)))) {
    ASSERT_TRUE(result.ok()) << result.status();
    versions.insert(result->version);
    places.insert(result->leaves.first);
    EXPECT_GT(result->leaves.tree_size, result->leaves.first);
  }
  EXPECT_EQ(versions.size(), kCommits);
  EXPECT_EQ(places.size(), kCommits);
  EXPECT_EQ(*places.rbegin(), kCommits - 1);
  EXPECT_EQ(backend_->sequencer().durable_size(), kCommits);
  CheckTwice([&] { EXPECT_EQ(Leaves().size(), kCommits); });
}

TEST_P(StoreConformance, ABrokenStoreRefusesEverythingAndKeepsWhatItAcknowledged) {
  ASSERT_TRUE(store().failure().ok());
  const auto kept = Commit(WithLeaf(Put(kOne, "a", "1"), "kept"));
  ASSERT_TRUE(kept.ok());
  backend_->Break();
  EXPECT_TRUE(absl::IsUnavailable(Commit(WithLeaf(Put(kOne, "b", "2"), "lost")).status()));
  EXPECT_TRUE(absl::IsUnavailable(store().failure()));
  EXPECT_TRUE(absl::IsUnavailable(Commit(Put(kOne, "c", "3")).status()));
  EXPECT_TRUE(absl::IsUnavailable(CommitAll({Put(kOne, "d", "4")}).front().status()));
  EXPECT_TRUE(absl::IsUnavailable(store().Get(kOne, "a").status()));
  const auto unseen = [](std::string_view /*value*/) {
    ADD_FAILURE() << "a value of a broken store";
    return absl::OkStatus();
  };
  EXPECT_TRUE(absl::IsUnavailable(store().WithValue(kOne, "a", unseen).status()));
  EXPECT_TRUE(absl::IsUnavailable(store().MultiGet({{kOne, "a"}}).status()));
  EXPECT_TRUE(absl::IsUnavailable(store().Scan(kOne, "", "", 10).status()));
  EXPECT_TRUE(absl::IsUnavailable(store().LogGet(LogTable::kMeta, "k").status()));
  EXPECT_TRUE(absl::IsUnavailable(store().LogScan(LogTable::kLeaves, "", "", 10).status()));
  EXPECT_TRUE(absl::IsUnavailable(store().LogLast(LogTable::kLeaves).status()));
  EXPECT_TRUE(absl::IsUnavailable(store().LogCompact(LogTable::kSubjectKeys)));
  backend_->Reopen();
  EXPECT_TRUE(store().failure().ok());
  EXPECT_EQ(Read(kOne, "a"), "1@" + std::to_string(kept->version));
  EXPECT_EQ(Read(kOne, "c"), "-") << "came after the failure";
}

}  // namespace
}  // namespace relais::storage::testing
