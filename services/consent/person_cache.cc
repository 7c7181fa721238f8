#include "services/consent/person_cache.h"

#include <algorithm>

namespace relais::consent {

namespace {

// Of an entry beside what is packed: its place in two tables.
constexpr size_t kEntryBytes = 192;

template <typename Acts>
size_t BytesOf(const Acts& acts) {
  return acts.capacity() * sizeof(typename Acts::value_type);
}

// About; what acts point to is counted where it is often much.
size_t BytesOf(const PersonState& state) {
  size_t bytes = sizeof(PersonState) + BytesOf(state.agreements()) + BytesOf(state.denials()) +
                 BytesOf(state.objections()) + BytesOf(state.emergencies()) + BytesOf(state.information()) +
                 BytesOf(state.restrictions()) + BytesOf(state.links());
  for (const Agreement& agreement : state.agreements()) {
    bytes += BytesOf(agreement.renewals);
  }
  for (const Denial& denial : state.denials()) {
    bytes += BytesOf(denial.lines);
  }
  return bytes;
}

size_t WeightOf(const VersionedState& kept) {
  return kept.state == nullptr ? 1 : 1 + BytesOf(*kept.state) / PersonCache::kBytesOfOne;
}

}  // namespace

PersonCache::PersonCache(size_t decoded, size_t packed_bytes)
    // A small cache in shards would be many tiny ones.
    : shard_count_(decoded < kShards ? 1 : kShards),
      shard_decoded_(std::max<size_t>(1, decoded / shard_count_)),
      shard_packed_bytes_(packed_bytes / shard_count_) {}

PersonCache::Shard& PersonCache::ShardOf(const Id128& person) {
  return shards_[static_cast<uint8_t>(person.bytes()[0]) % shard_count_];
}

VersionedState PersonCache::Find(const Id128& person) {
  Shard& shard = ShardOf(person);
  std::unique_lock lock(shard.mu);
  const auto found = shard.kept.find(person);
  if (found == shard.kept.end()) {
    return {};
  }
  Kept& kept = found->second;
  Order& order = kept.decoded ? shard.decoded : shard.packed;
  order.splice(order.begin(), order, kept.place);
  if (kept.decoded) {
    return kept.state;
  }
  VersionedState state = kept.state;
  const std::shared_ptr<const PackedPerson> packed = kept.packed;
  lock.unlock();
  return Unpack(shard, person, std::move(state), packed);
}

// As she was when she was found, and decoded for who comes next unless she was changed meanwhile.
VersionedState PersonCache::Unpack(Shard& shard, const Id128& person, VersionedState found,
                                   const std::shared_ptr<const PackedPerson>& packed) {
  absl::StatusOr<PersonState> state = packed->Unpack(sets_);
  if (!state.ok()) {
    Forget(person);  // she is read again
    return {};
  }
  found.state = std::make_shared<const PersonState>(*std::move(state));
  std::lock_guard lock(shard.mu);
  const auto now = shard.kept.find(person);
  if (now != shard.kept.end() && !now->second.decoded && now->second.packed == packed) {
    now->second.state = found;
    now->second.decoded = true;
    now->second.weight = WeightOf(found);
    shard.weight += now->second.weight;
    shard.decoded.splice(shard.decoded.begin(), shard.packed, now->second.place);
    Trim(shard);
  }
  return found;
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
  if (found == shard.kept.end()) {
    return;
  }
  const Kept& kept = found->second;
  if (kept.packed != nullptr) {
    shard.packed_bytes -= kept.packed->size() + kEntryBytes;
  }
  shard.weight -= kept.decoded ? kept.weight : 0;
  (kept.decoded ? shard.decoded : shard.packed).erase(kept.place);
  shard.kept.erase(found);
}

void PersonCache::Put(Shard& shard, const Id128& person, VersionedState state) {
  Drop(shard, person);
  shard.decoded.push_front(person);
  const size_t weight = WeightOf(state);
  shard.kept.emplace(person, Kept{std::move(state), nullptr, shard.decoded.begin(), weight});
  shard.weight += weight;
  Trim(shard);
}

void PersonCache::Trim(Shard& shard) {
  while (shard.weight > shard_decoded_ && shard.decoded.size() > 1) {
    Pack(shard, Id128(shard.decoded.back()));
  }
  while (shard.packed_bytes > shard_packed_bytes_ && !shard.packed.empty()) {
    Drop(shard, Id128(shard.packed.back()));
  }
}

// Of one who was decoded: packed from here on, or dropped.
void PersonCache::Pack(Shard& shard, const Id128& person) {
  Kept& kept = shard.kept.find(person)->second;
  if (kept.packed == nullptr && kept.state.state != nullptr && shard_packed_bytes_ > 0) {
    kept.packed = PackedPerson::Pack(*kept.state.state, sets_);
    shard.packed_bytes += kept.packed == nullptr ? 0 : kept.packed->size() + kEntryBytes;
  }
  if (kept.packed == nullptr) {
    Drop(shard, person);
    return;
  }
  shard.weight -= kept.weight;
  kept.state.state.reset();
  kept.decoded = false;
  shard.packed.splice(shard.packed.begin(), shard.decoded, kept.place);
}

}  // namespace relais::consent
