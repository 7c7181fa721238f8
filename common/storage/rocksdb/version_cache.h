// The versions of keys the writer met lately, so that most preconditions cost no read.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace relais::storage {

/// Key → version, nullopt for a key that is absent. Right as long as every write goes through `Put`: it
/// belongs to the one writer. Also the overlay of the group being decided: nothing is forgotten between two
/// `Trim`s. Not thread-safe.
class VersionCache {
 public:
  explicit VersionCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null when nothing is known of `key`; valid until the next call.
  [[nodiscard]] const std::optional<uint64_t>* Find(std::string_view key);
  void Put(std::string key, std::optional<uint64_t> version);
  /// Forgets the least recently used keys beyond the bound. Call when the writes of a group are in the
  /// database.
  void Trim();

 private:
  struct Item {
    std::string key;
    std::optional<uint64_t> version;
  };
  static size_t Cost(const Item& item) { return item.key.size() + kOverheadBytes; }
  static constexpr size_t kOverheadBytes = 128;  // list node, hash slot, string

  const size_t max_bytes_;
  size_t bytes_ = 0;
  std::list<Item> items_;                                                   // most recently used first
  absl::flat_hash_map<std::string_view, std::list<Item>::iterator> index_;  // keys point into items_
};

}  // namespace relais::storage
