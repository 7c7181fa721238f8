#include "common/storage/rocksdb/version_cache.h"

#include <utility>

namespace relais::storage {

const std::optional<uint64_t>* VersionCache::Find(std::string_view key) {
  const auto it = index_.find(key);
  if (it == index_.end()) {
    return nullptr;
  }
  items_.splice(items_.begin(), items_, it->second);
  return &it->second->version;
}

void VersionCache::Put(std::string key, std::optional<uint64_t> version) {
  if (const auto it = index_.find(key); it != index_.end()) {
    it->second->version = version;
    items_.splice(items_.begin(), items_, it->second);
    return;
  }
  items_.push_front({.key = std::move(key), .version = version});
  index_.emplace(items_.front().key, items_.begin());
  bytes_ += Cost(items_.front());
}

void VersionCache::Trim() {
  while (bytes_ > max_bytes_) {
    bytes_ -= Cost(items_.back());
    index_.erase(items_.back().key);
    items_.pop_back();
  }
}

}  // namespace relais::storage
