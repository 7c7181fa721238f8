#include "services/consent/person_cache.h"

#include <gtest/gtest.h>

#include <optional>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::IdOf;

VersionedState At(uint64_t version) { return {std::make_shared<const PersonState>(), version}; }

TEST(PersonCache, GivesWhatWasPut) {
  PersonCache cache(100);
  EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
  cache.Insert(IdOf(1), At(3), cache.Ticket(IdOf(1)));
  EXPECT_EQ(cache.Find(IdOf(1)).version, 3u);
  cache.Forget(IdOf(1));
  EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
}

TEST(PersonCache, AReaderFromBeforeAWriteCannotPutBackWhatItRead) {
  PersonCache cache(100);
  const uint64_t ticket = cache.Ticket(IdOf(1));
  {
    PersonCache::Writing writing(cache, IdOf(1));
    cache.Insert(IdOf(1), At(1), ticket);
    EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
    cache.Insert(IdOf(1), At(1), cache.Ticket(IdOf(1)));  // while the commit is on its way
    EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
    writing.Committed(At(2));
  }
  EXPECT_EQ(cache.Find(IdOf(1)).version, 2u);
  cache.Forget(IdOf(1));  // evicted
  cache.Insert(IdOf(1), At(1), ticket);
  EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
}

TEST(PersonCache, AFailedWriteLeavesHerOut) {
  PersonCache cache(100);
  cache.Insert(IdOf(1), At(1), cache.Ticket(IdOf(1)));
  { PersonCache::Writing writing(cache, IdOf(1)); }
  EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
}

TEST(PersonCache, OverlappingWritersLeaveHerOut) {
  PersonCache cache(100);
  std::optional<PersonCache::Writing> first;
  std::optional<PersonCache::Writing> second;
  first.emplace(cache, IdOf(1));
  second.emplace(cache, IdOf(1));
  second->Committed(At(2));
  second.reset();
  first->Committed(At(1));
  first.reset();
  EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
}

TEST(PersonCache, ForgetsTheLeastRecentlyUsed) {
  PersonCache cache(128);  // two in each of 64 shards; these ids share one
  cache.Insert(IdOf(1), At(1), cache.Ticket(IdOf(1)));
  cache.Insert(IdOf(2), At(2), cache.Ticket(IdOf(2)));
  EXPECT_NE(cache.Find(IdOf(1)).state, nullptr);
  cache.Insert(IdOf(3), At(3), cache.Ticket(IdOf(3)));
  EXPECT_NE(cache.Find(IdOf(1)).state, nullptr);
  EXPECT_EQ(cache.Find(IdOf(2)).state, nullptr);
  EXPECT_NE(cache.Find(IdOf(3)).state, nullptr);
}

// Room for one decoded person in each of 64 shards; these ids share one.
constexpr size_t kOneEach = 64;
constexpr size_t kMuch = size_t{64} << 20;

VersionedState WithOneNo(uint8_t id, uint64_t version) {
  auto state = std::make_shared<PersonState>();
  Denial denial;
  denial.id = IdOf(id);
  denial.at = testing::Noon(2026, 5, 1);
  state->Add(std::move(denial));
  return {std::move(state), version};
}

TEST(PersonCache, WhoIsNotDecodedIsPacked) {
  PersonCache cache(kOneEach, kMuch);
  for (uint8_t id = 1; id <= 20; ++id) {
    cache.Insert(IdOf(id), WithOneNo(id, id), cache.Ticket(IdOf(id)));
  }
  for (int round = 0; round < 2; ++round) {
    for (uint8_t id = 1; id <= 20; ++id) {
      const VersionedState found = cache.Find(IdOf(id));
      ASSERT_NE(found.state, nullptr) << int{id};
      EXPECT_EQ(found.version, id);
      ASSERT_EQ(found.state->denials().size(), 1u);
      EXPECT_EQ(found.state->denials()[0].id, IdOf(id));
    }
  }
}

// One with so many acts weighs as much as several.
VersionedState WithNoes(size_t noes, uint64_t version) {
  auto state = std::make_shared<PersonState>();
  for (size_t i = 0; i < noes; ++i) {
    Denial denial;
    denial.id = IdOf(static_cast<uint8_t>(i));
    denial.at = testing::Noon(2026, 5, 1);
    state->Add(std::move(denial));
  }
  return {std::move(state), version};
}

TEST(PersonCache, WhoSaidMuchCountsAsSeveral) {
  PersonCache cache(4 * 64);  // four in each of 64 shards; these ids share one
  for (uint8_t id = 1; id <= 3; ++id) {
    cache.Insert(IdOf(id), WithOneNo(id, id), cache.Ticket(IdOf(id)));
  }
  const size_t three = 2 * PersonCache::kBytesOfOne / sizeof(Denial);  // between two and three units, and one
  cache.Insert(IdOf(4), WithNoes(three, 4), cache.Ticket(IdOf(4)));
  int kept = 0;
  for (uint8_t id = 1; id <= 3; ++id) {
    kept += cache.Find(IdOf(id)).state != nullptr ? 1 : 0;
  }
  EXPECT_LE(kept, 1);
  EXPECT_NE(cache.Find(IdOf(4)).state, nullptr);
  cache.Forget(IdOf(4));  // her place is free again
  for (uint8_t id = 1; id <= 4; ++id) {
    cache.Insert(IdOf(id), WithOneNo(id, id), cache.Ticket(IdOf(id)));
  }
  for (uint8_t id = 1; id <= 4; ++id) {
    EXPECT_NE(cache.Find(IdOf(id)).state, nullptr) << int{id};
  }
}

TEST(PersonCache, OneWhoIsTooBigForAllIsKeptAlone) {
  PersonCache cache(1);
  cache.Insert(IdOf(1), WithNoes(10 * PersonCache::kBytesOfOne / sizeof(Denial), 1), cache.Ticket(IdOf(1)));
  EXPECT_NE(cache.Find(IdOf(1)).state, nullptr);
  cache.Insert(IdOf(2), WithOneNo(2, 2), cache.Ticket(IdOf(2)));
  EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
  EXPECT_NE(cache.Find(IdOf(2)).state, nullptr);
}

TEST(PersonCache, PackedPersonsHaveTheirMemoryAndNoMore) {
  PersonCache cache(kOneEach, 64 * 1000);  // 1,000 bytes in the shard: a few
  for (uint8_t id = 1; id <= 100; ++id) {
    cache.Insert(IdOf(id), WithOneNo(id, id), cache.Ticket(IdOf(id)));
  }
  int kept = 0;
  for (uint8_t id = 100; id > 0; --id) {
    kept += cache.Find(IdOf(id)).state != nullptr ? 1 : 0;
  }
  EXPECT_GT(kept, 1);
  EXPECT_LT(kept, 10);
}

TEST(PersonCache, APackedPersonIsOutWhileSheIsWritten) {
  PersonCache cache(kOneEach, kMuch);
  const uint64_t ticket = cache.Ticket(IdOf(1));
  cache.Insert(IdOf(1), WithOneNo(1, 1), ticket);
  cache.Insert(IdOf(2), WithOneNo(2, 2), cache.Ticket(IdOf(2)));  // 1 is packed now
  {
    PersonCache::Writing writing(cache, IdOf(1));
    EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
    writing.Committed(WithOneNo(1, 5));
  }
  EXPECT_EQ(cache.Find(IdOf(1)).version, 5u);
  EXPECT_EQ(cache.Find(IdOf(2)).version, 2u);
  cache.Forget(IdOf(1));
  cache.Insert(IdOf(1), WithOneNo(1, 1), ticket);
  EXPECT_EQ(cache.Find(IdOf(1)).state, nullptr);
}

TEST(PersonCache, APointerToAnotherPersonIsNeverPacked) {
  PersonCache cache(kOneEach, kMuch);
  cache.Insert(IdOf(1), {nullptr, 0, IdOf(7)}, cache.Ticket(IdOf(1)));
  EXPECT_EQ(cache.Find(IdOf(1)).root, IdOf(7));
  cache.Insert(IdOf(2), WithOneNo(2, 2), cache.Ticket(IdOf(2)));
  EXPECT_TRUE(cache.Find(IdOf(1)).root.IsZero());
}

}  // namespace
}  // namespace relais::consent
