#include "common/crypto/copied_key_ring.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/destroyed_key.h"
#include "common/crypto/private_file.h"

namespace relais::crypto {
namespace {
constexpr size_t kMaxFile = 16U << 20;
}  // namespace

absl::StatusOr<std::unique_ptr<CopiedKeyRing>> CopiedKeyRing::Open(std::unique_ptr<FileKeyRing> ring,
                                                                   std::string path, std::string copy,
                                                                   const Secret& master, Random& random) {
  std::unique_ptr<CopiedKeyRing> copied(new CopiedKeyRing(std::move(ring), std::move(path), std::move(copy)));
  RETURN_IF_ERROR(copied->CheckCopy(master, random));
  RETURN_IF_ERROR(copied->Copy());
  copied->owed_ = false;
  return copied;
}

// What only the copy has must not be overwritten.
absl::Status CopiedKeyRing::CheckCopy(const Secret& master, Random& random) const {
  const absl::StatusOr<std::unique_ptr<FileKeyRing>> copy = FileKeyRing::Open(copy_, master, random);
  if (absl::IsNotFound(copy.status()) || absl::IsDataLoss(copy.status())) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(copy.status());
  for (const KeyVersion& key : (*copy)->List()) {
    const absl::Status here = ring_->Get(key.name, key.version).status();
    if (absl::IsNotFound(here) && !IsDestroyed(here)) {
      return absl::FailedPreconditionError(absl::StrCat("the copy ", copy_, " has keys that the ring ", path_,
                                                        " never had: which of the two is right?"));
    }
  }
  return absl::OkStatus();
}

absl::Status CopiedKeyRing::Copy() const {
  ASSIGN_OR_RETURN(const std::string text, internal::ReadPrivateFile(path_, kMaxFile));
  const absl::StatusOr<std::string> there = internal::ReadPrivateFile(copy_, kMaxFile);
  if (absl::IsNotFound(there.status())) {
    return internal::CreatePrivateFile(copy_, text);
  }
  if (there.ok() && *there == text) {
    return absl::OkStatus();
  }
  if (!there.ok() && !absl::IsDataLoss(there.status())) {
    return there.status();
  }
  return internal::ReplacePrivateFile(copy_, text);
}

absl::StatusOr<Secret> CopiedKeyRing::Get(std::string_view name, uint32_t version) const {
  return ring_->Get(name, version);
}

absl::Status CopiedKeyRing::Settle() const {
  if (!owed_) {
    return absl::OkStatus();
  }
  if (const absl::Status copied = Copy(); !copied.ok()) {
    return absl::UnavailableError(absl::StrCat("the copy of the key ring is owed: ", copied.message()));
  }
  owed_ = false;
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> CopiedKeyRing::Latest(std::string_view name) const {
  std::lock_guard lock(mu_);
  RETURN_IF_ERROR(Settle());
  return ring_->Latest(name);
}

// A change that failed may be in the file nevertheless: the copy is owed in any case. But where the ring's
// file does not read nothing was changed, and the copy may be the last good one.
absl::Status CopiedKeyRing::SettleAfter(const absl::Status& change) const {
  if (absl::IsDataLoss(change)) {
    owed_ = false;
    return change;
  }
  return Settle();
}

absl::StatusOr<uint32_t> CopiedKeyRing::Add(std::string_view name, const Secret& secret) {
  std::lock_guard lock(mu_);
  RETURN_IF_ERROR(Settle());
  owed_ = true;
  absl::StatusOr<uint32_t> version = ring_->Add(name, secret);
  RETURN_IF_ERROR(SettleAfter(version.status()));
  return version;
}

absl::Status CopiedKeyRing::Put(std::string_view name, uint32_t version, const Secret& secret) {
  std::lock_guard lock(mu_);
  RETURN_IF_ERROR(Settle());
  owed_ = true;
  absl::Status put = ring_->Put(name, version, secret);
  RETURN_IF_ERROR(SettleAfter(put));
  return put;
}

absl::Status CopiedKeyRing::Destroy(std::string_view name, uint32_t version) {
  std::lock_guard lock(mu_);
  RETURN_IF_ERROR(Settle());
  owed_ = true;
  absl::Status destroyed = ring_->Destroy(name, version);
  RETURN_IF_ERROR(SettleAfter(destroyed));
  return destroyed;
}

std::vector<KeyVersion> CopiedKeyRing::List() const { return ring_->List(); }

}  // namespace relais::crypto
