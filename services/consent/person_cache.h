// Decoded states of persons, so that a check reads no disk and opens no seal. Bounded.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/id128.h"
#include "services/consent/domain/person_state.h"

namespace relais::consent {

/// A state and the version of the entry that guards it.
struct VersionedState {
  std::shared_ptr<const PersonState> state;
  uint64_t version = 0;
  /// Of a person who is linked to another: in whose partition that entry is. Zero: in her own.
  Id128 root = {};
  /// Her linking or its end is between two commits: to be completed before anything is recorded.
  bool unfinished = false;

  [[nodiscard]] Id128 RootFor(const Id128& person) const { return root.IsZero() ? person : root; }
};

/// Thread-safe. What Find gives is never older than a commit that has been acknowledged, nor than a leaf that
/// has been tailed: from before a commit that changes a person until after it she is not in the cache, and a
/// reader that loaded her in between cannot put her back (its ticket is stale).
class PersonCache {
 public:
  /// At most about `capacity` persons.
  explicit PersonCache(size_t capacity);

  /// A null state: not here; with `root`: she is linked to that person, whose state is to be looked for.
  [[nodiscard]] VersionedState Find(const Id128& person);
  /// To be taken before reading the store, and given back with what was read.
  [[nodiscard]] uint64_t Ticket(const Id128& person);
  void Insert(const Id128& person, VersionedState state, uint64_t ticket);
  /// What was found proved stale.
  void Forget(const Id128& person);

  /// Brackets a commit that changes the person. `Committed` says what it wrote; without it the person is left
  /// out.
  class Writing {
   public:
    Writing(PersonCache& cache, const Id128& person) : cache_(cache), person_(person) {
      cache_.Begin(person_);
    }
    ~Writing() { cache_.End(person_, std::move(written_)); }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    void Committed(VersionedState written) { written_ = std::move(written); }

   private:
    PersonCache& cache_;
    Id128 person_;
    VersionedState written_;
  };

 private:
  struct Kept {
    VersionedState state;
    std::list<Id128>::iterator place;
  };
  struct Writers {
    int count = 0;
    bool overlapped = false;  // then nobody knows whose version is the last
  };
  struct Shard {
    std::mutex mu;
    uint64_t generation = 0;
    absl::flat_hash_map<Id128, Kept> kept;
    std::list<Id128> order;  // the least recently used last
    absl::flat_hash_map<Id128, Writers> writing;
  };

  void Begin(const Id128& person);
  void End(const Id128& person, VersionedState written);
  Shard& ShardOf(const Id128& person);
  static void Drop(Shard& shard, const Id128& person);
  void Put(Shard& shard, const Id128& person, VersionedState state) const;

  static constexpr size_t kShards = 64;
  size_t shard_capacity_;
  std::array<Shard, kShards> shards_;
};

}  // namespace relais::consent
