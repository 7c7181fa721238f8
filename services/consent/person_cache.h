// States of persons, so that a check reads no disk and opens no seal: decoded those of the last used, packed
// the many before them (ADR 29). Bounded, the decoded by what they weigh: somebody's history may be long.
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
#include "services/consent/packed_person.h"

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
  /// What one decoded person may take of memory, in bytes; who takes more counts as several.
  static constexpr size_t kBytesOfOne = 4096;

  /// At most about `decoded` persons ready to be read, and packed ones in `packed_bytes` of memory. Persons
  /// who are linked are never packed.
  explicit PersonCache(size_t decoded, size_t packed_bytes = 0);

  /// A null state: not here; with `root`: she is linked to that person, whose state is to be looked for.
  [[nodiscard]] VersionedState Find(const Id128& person);
  /// To be taken before reading the store, and given back with what was read.
  [[nodiscard]] uint64_t Ticket(const Id128& person);
  void Insert(const Id128& person, VersionedState state, uint64_t ticket);
  /// What agreements cover, shared by those who are kept.
  [[nodiscard]] LineSets& lines() { return sets_; }
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
  using Order = std::list<Id128>;  // the least recently used last
  struct Kept {
    VersionedState state;                        // its state is null while she is packed alone
    std::shared_ptr<const PackedPerson> packed;  // null: not yet, or never
    Order::iterator place;                       // in the order of the decoded or of the packed
    size_t weight = 0;                           // decoded: as how many persons she counts
    bool decoded = true;
  };
  struct Writers {
    int count = 0;
    bool overlapped = false;  // then nobody knows whose version is the last
  };
  struct Shard {
    std::mutex mu;
    uint64_t generation = 0;
    absl::flat_hash_map<Id128, Kept> kept;
    Order decoded;
    Order packed;
    size_t weight = 0;        // of all that is decoded
    size_t packed_bytes = 0;  // of all that is packed, also while it is decoded too
    absl::flat_hash_map<Id128, Writers> writing;
  };

  void Begin(const Id128& person);
  void End(const Id128& person, VersionedState written);
  Shard& ShardOf(const Id128& person);
  static void Drop(Shard& shard, const Id128& person);
  void Put(Shard& shard, const Id128& person, VersionedState state);
  VersionedState Unpack(Shard& shard, const Id128& person, VersionedState found,
                        const std::shared_ptr<const PackedPerson>& packed);
  void Pack(Shard& shard, const Id128& person);
  void Trim(Shard& shard);

  static constexpr size_t kShards = 64;
  const size_t shard_count_;
  const size_t shard_decoded_;
  const size_t shard_packed_bytes_;
  LineSets sets_;
  std::array<Shard, kShards> shards_;
};

}  // namespace relais::consent
