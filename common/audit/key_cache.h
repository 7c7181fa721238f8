// The opened subject keys of a process, bounded. Private to common/audit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "common/audit/event.h"
#include "common/base/secret.h"

namespace relais::audit::internal {

struct CachedKey {
  enum class State { kPending, kDurable, kErased };
  State state = State::kDurable;
  Subject subject;
  Secret key;        // empty when erased
  Secret state_key;  // derived on first use
  std::string row;   // the wrapped key while pending
};

/// Least recently used goes first. A pending key is pinned, because it exists nowhere else until its commit
/// is durable; only the oldest goes once as many are pending as the cache holds, which is long after its
/// commit was decided. Not thread-safe.
class KeyCache {
 public:
  explicit KeyCache(size_t capacity) : capacity_(capacity) {}

  /// Null when unknown; valid until the next call.
  CachedKey* Find(const Subject& subject) {
    const auto it = index_.find(subject);
    if (it == index_.end()) {
      return nullptr;
    }
    Items& items = ItemsOf(*it->second);
    items.splice(items.begin(), items, it->second);
    return &*it->second;
  }
  [[nodiscard]] const CachedKey* Peek(const Subject& subject) const {
    const auto it = index_.find(subject);
    return it == index_.end() ? nullptr : &*it->second;
  }
  /// The subject must not be there.
  CachedKey* Insert(CachedKey item) {
    Items& items = ItemsOf(item);
    items.push_front(std::move(item));
    index_.emplace(items.front().subject, items.begin());
    const size_t bound = &items == &pending_ ? std::max(capacity_, kMinPending) : capacity_;
    while (items.size() > bound) {
      index_.erase(items.back().subject);
      items.pop_back();
    }
    return &items.front();
  }
  void Erase(const Subject& subject) {
    const auto it = index_.find(subject);
    if (it != index_.end()) {
      ItemsOf(*it->second).erase(it->second);
      index_.erase(it);
    }
  }

 private:
  using Items = std::list<CachedKey>;
  // As many commits as a store's queue holds, even for a cache made tiny by a test.
  static constexpr size_t kMinPending = 4096;
  struct Hash {
    size_t operator()(const Subject& subject) const {
      // Ids are random: any of their bytes will do.
      uint64_t word = 0;
      std::memcpy(&word, subject.id.bytes().data(), sizeof(word));
      return word ^ static_cast<uint64_t>(subject.kind);
    }
  };
  Items& ItemsOf(const CachedKey& item) {
    return item.state == CachedKey::State::kPending ? pending_ : settled_;
  }

  const size_t capacity_;
  Items pending_;
  Items settled_;
  absl::flat_hash_map<Subject, Items::iterator, Hash> index_;
};

}  // namespace relais::audit::internal
