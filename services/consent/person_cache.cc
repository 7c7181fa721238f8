#include "services/consent/person_cache.h"

#include <algorithm>

namespace relais::consent {

PersonCache::PersonCache(size_t capacity) : shard_capacity_(std::max<size_t>(1, capacity / kShards)) {}

PersonCache::Shard& PersonCache::ShardOf(const Id128& person) {
  return shards_[static_cast<uint8_t>(person.bytes()[0]) % kShards];
}

VersionedState PersonCache::Find(const Id128& person) {
  Shard& shard = ShardOf(person);
  std::lock_guard lock(shard.mu);
  const auto found = shard.kept.find(person);
  if (found == shard.kept.end()) {
    return {};
  }
  shard.order.splice(shard.order.begin(), shard.order, found->second.place);
  return found->second.state;
}

uint64_t PersonCache::Ticket(const Id128& person) {
  Shard& shard = ShardOf(person);
  std::lock_guard lock(shard.mu);
  return shard.generation;
}

void PersonCache::Insert(const Id128& person, VersionedState state, uint64_t ticket) {
  Shard& shard = ShardOf(person);
  std::lock_guard lock(shard.mu);
  if (shard.generation == ticket && !shard.writing.contains(person)) {
    Put(shard, person, std::move(state));
  }
}

void PersonCache::Forget(const Id128& person) {
  Shard& shard = ShardOf(person);
  std::lock_guard lock(shard.mu);
  Drop(shard, person);
}

void PersonCache::Begin(const Id128& person) {
  Shard& shard = ShardOf(person);
  std::lock_guard lock(shard.mu);
  Drop(shard, person);
  ++shard.generation;
  Writers& writers = shard.writing[person];
  ++writers.count;
  writers.overlapped = writers.overlapped || writers.count > 1;
}

void PersonCache::End(const Id128& person, VersionedState written) {
  Shard& shard = ShardOf(person);
  std::lock_guard lock(shard.mu);
  ++shard.generation;
  const auto writers = shard.writing.find(person);
  if (--writers->second.count > 0) {
    return;
  }
  const bool alone = !writers->second.overlapped;
  shard.writing.erase(writers);
  if (alone && written.state != nullptr) {
    Put(shard, person, std::move(written));
  }
}

void PersonCache::Drop(Shard& shard, const Id128& person) {
  const auto found = shard.kept.find(person);
  if (found != shard.kept.end()) {
    shard.order.erase(found->second.place);
    shard.kept.erase(found);
  }
}

void PersonCache::Put(Shard& shard, const Id128& person, VersionedState state) const {
  Drop(shard, person);
  if (shard.kept.size() >= shard_capacity_) {
    shard.kept.erase(shard.order.back());
    shard.order.pop_back();
  }
  shard.order.push_front(person);
  shard.kept.emplace(person, Kept{std::move(state), shard.order.begin()});
}

}  // namespace relais::consent
