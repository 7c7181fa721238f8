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

}  // namespace
}  // namespace relais::consent
