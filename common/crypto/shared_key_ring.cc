#include "common/crypto/shared_key_ring.h"

#include <utility>

#include "common/base/status.h"

namespace relais::crypto {

absl::StatusOr<std::unique_ptr<SharedKeyRing>> SharedKeyRing::Open(const std::string& path,
                                                                   const Secret& master, Random& random) {
  std::unique_ptr<SharedKeyRing> shared(new SharedKeyRing(FileWatch({path})));
  ASSIGN_OR_RETURN(shared->ring_, FileKeyRing::Open(path, master, random));
  return shared;
}

absl::StatusOr<bool> SharedKeyRing::Refresh() { return ReadAgain(); }

absl::StatusOr<bool> SharedKeyRing::ReadAgain() const {
  std::lock_guard lock(mu_);
  stale_ = watch_.Changed() || stale_;
  if (!stale_) {
    return false;
  }
  RETURN_IF_ERROR(ring_->Reload());
  stale_ = false;
  return true;
}

absl::StatusOr<Secret> SharedKeyRing::Get(std::string_view name, uint32_t version) const {
  absl::StatusOr<Secret> key = ring_->Get(name, version);
  if (absl::IsNotFound(key.status()) && ReadAgain().value_or(false)) {
    return ring_->Get(name, version);
  }
  return key;
}

absl::StatusOr<uint32_t> SharedKeyRing::Latest(std::string_view name) const {
  absl::StatusOr<uint32_t> version = ring_->Latest(name);
  if (absl::IsNotFound(version.status()) && ReadAgain().value_or(false)) {
    return ring_->Latest(name);
  }
  return version;
}

absl::StatusOr<uint32_t> SharedKeyRing::Add(std::string_view name, const Secret& secret) {
  return ring_->Add(name, secret);
}

absl::Status SharedKeyRing::Put(std::string_view name, uint32_t version, const Secret& secret) {
  return ring_->Put(name, version, secret);
}

absl::Status SharedKeyRing::Destroy(std::string_view name, uint32_t version) {
  return ring_->Destroy(name, version);
}

std::vector<KeyVersion> SharedKeyRing::List() const { return ring_->List(); }

}  // namespace relais::crypto
