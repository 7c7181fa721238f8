// What institutions deposit, counted: many at once in one commit, and nobody's twice or not at all.
#include "services/vault/counting.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "services/vault/testing/damage.h"
#include "services/vault/testing/world.h"

namespace relais::vault {
namespace {

using testing::kHost;
using testing::kReader;
using testing::World;

constexpr uint64_t kMany = 64;  // as many as a follower has in flight

VaultStore::CountedText Text(uint64_t n) { return {World::Person(n), 1, World::Person(1000 + n)}; }

VaultStore::CountedChange Kept(uint64_t n) { return {Text(n), n, VaultStore::Counted::kKept}; }

Stored<v1::InstitutionUsage> UsageOf(World& world, const std::string& institution) {
  auto usage = world.store().InstitutionUsage(institution);
  World::Require(usage.status());
  return *std::move(usage);
}

// The commits by which uploads count as they do.
std::set<uint64_t> Commits(World& world, const std::string& institution) {
  const auto rows = world.context().store.Scan(
      world.context().idempotency.Bucket("vault-usage", institution, ""), "u/", "", 10 * kMany);
  World::Require(rows.status());
  std::set<uint64_t> commits;
  for (const storage::KeyedEntry& row : rows->entries) {
    commits.insert(row.entry.version);
  }
  return commits;
}

// All begun before any has ended.
std::vector<absl::Status> CountAll(World& world, const std::string& institution,
                                   const std::vector<VaultStore::CountedChange>& changes) {
  std::vector<absl::Status> done(changes.size(), absl::UnknownError("not ended"));
  for (size_t i = 0; i < changes.size(); ++i) {
    Start(world.vault().counting.Count(institution, changes[i]),
          [&done, i](absl::Status status) { done[i] = std::move(status); });
  }
  world.Settle();
  return done;
}

std::vector<VaultStore::CountedChange> Many() {
  std::vector<VaultStore::CountedChange> changes;
  for (uint64_t n = 1; n <= kMany; ++n) {
    changes.push_back(Kept(n));
  }
  return changes;
}

TEST(Counting, WhatComesWhileOneIsCountedIsCountedTogether) {
  World world;
  for (const absl::Status& done : CountAll(world, kHost, Many())) {
    EXPECT_TRUE(done.ok()) << done;
  }
  EXPECT_EQ(UsageOf(world, kHost).value.documents(), kMany);
  EXPECT_EQ(UsageOf(world, kHost).value.bytes(), kMany * (kMany + 1) / 2);
  EXPECT_EQ(Commits(world, kHost).size(), 2U) << "the first, and all others";
}

TEST(Counting, OnceHoweverOften) {
  World world;
  CountAll(world, kHost, Many());
  const std::set<uint64_t> before = Commits(world, kHost);
  const uint64_t total = UsageOf(world, kHost).version;
  for (const absl::Status& done : CountAll(world, kHost, Many())) {
    EXPECT_TRUE(done.ok()) << done;
  }
  EXPECT_EQ(UsageOf(world, kHost).value.documents(), kMany);
  EXPECT_EQ(Commits(world, kHost), before) << "nothing to commit";
  EXPECT_EQ(UsageOf(world, kHost).version, total);
}

TEST(Counting, OfTheSameUploadTheLastCounts) {
  World world;
  VaultStore::CountedChange reserved = Kept(7);
  reserved.counted = VaultStore::Counted::kReserved;
  VaultStore::CountedChange none = Kept(8);
  none.counted = VaultStore::Counted::kNone;
  CountAll(world, kHost, {Kept(1), reserved, Kept(7), Kept(8), none});
  EXPECT_EQ(UsageOf(world, kHost).value.documents(), 2U);
  EXPECT_EQ(UsageOf(world, kHost).value.bytes(), 8U);
  EXPECT_EQ(UsageOf(world, kHost).value.reserved_bytes(), 0U);
}

TEST(Counting, EachInstitutionHasItsOwn) {
  World world;
  CountAll(world, kHost, {Kept(1), Kept(2)});
  CountAll(world, kReader, {Kept(3)});
  EXPECT_EQ(UsageOf(world, kHost).value.bytes(), 3U);
  EXPECT_EQ(UsageOf(world, kReader).value.bytes(), 3U);
}

TEST(Counting, WhatDoesNotReadKeepsNoOtherFromBeingCounted) {
  World world;
  CountAll(world, kHost, {Kept(5)});
  const storage::Partition bucket = world.context().idempotency.Bucket("vault-usage", kHost, "");
  const auto rows = world.context().store.Scan(bucket, "u/", "", 10);
  World::Require(rows.status());
  ASSERT_EQ(rows->entries.size(), 1U);
  testing::SetRaw(world, bucket, rows->entries.front().key, std::string("x"));
  VaultStore::CountedChange again = Kept(5);
  again.counted = VaultStore::Counted::kNone;
  const std::vector<absl::Status> done = CountAll(world, kHost, {Kept(1), again, Kept(2)});
  EXPECT_TRUE(done[0].ok()) << done[0];
  EXPECT_TRUE(absl::IsDataLoss(done[1])) << done[1];
  EXPECT_TRUE(done[2].ok()) << done[2];
  EXPECT_EQ(UsageOf(world, kHost).value.bytes(), 8U);
}

// More than one commit takes, so that the turn is handed on.
TEST(Counting, HoweverManyAreAllCounted) {
  World world;
  constexpr uint64_t kMost = 1000;
  std::vector<VaultStore::CountedChange> changes;
  for (uint64_t n = 1; n <= kMost; ++n) {
    changes.push_back(Kept(n));
  }
  for (const absl::Status& done : CountAll(world, kHost, changes)) {
    EXPECT_TRUE(done.ok()) << done;
  }
  EXPECT_EQ(UsageOf(world, kHost).value.documents(), kMost);
  // And whoever comes after all that does not wait for a turn that nobody gives.
  EXPECT_TRUE(CountAll(world, kHost, {Kept(kMost + 1)}).front().ok());
}

}  // namespace
}  // namespace relais::vault
