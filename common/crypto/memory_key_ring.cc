#include "common/crypto/memory_key_ring.h"

namespace relais::crypto {

absl::StatusOr<Secret> MemoryKeyRing::Get(std::string_view name, uint32_t version) const {
  std::lock_guard lock(mu_);
  return table_.Get(name, version);
}

absl::StatusOr<uint32_t> MemoryKeyRing::Latest(std::string_view name) const {
  std::lock_guard lock(mu_);
  return table_.Latest(name);
}

absl::StatusOr<uint32_t> MemoryKeyRing::Add(std::string_view name, const Secret& secret) {
  std::lock_guard lock(mu_);
  return table_.Add(name, secret);
}

absl::Status MemoryKeyRing::Put(std::string_view name, uint32_t version, const Secret& secret) {
  std::lock_guard lock(mu_);
  return table_.Put(name, version, secret);
}

absl::Status MemoryKeyRing::Destroy(std::string_view name, uint32_t version) {
  std::lock_guard lock(mu_);
  return table_.Destroy(name, version);
}

std::vector<KeyVersion> MemoryKeyRing::List() const {
  std::lock_guard lock(mu_);
  return table_.List();
}

}  // namespace relais::crypto
