#include "common/crypto/key_ring.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/destroyed_key.h"
#include "common/crypto/text.h"

namespace relais::crypto::internal {
namespace {

constexpr size_t kMaxName = 128;

absl::Status CheckName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '/' ||
           c == '-';
  };
  if (name.empty() || name.size() > kMaxName || !std::all_of(name.begin(), name.end(), allowed)) {
    return absl::InvalidArgumentError("key name must be 1 to 128 of [a-z0-9._:/-]");
  }
  return absl::OkStatus();
}

absl::Status CheckSecret(const Secret& secret) {
  if (secret.size() != 32 && secret.size() != 64) {
    return absl::InvalidArgumentError("a key of the ring must be 32 or 64 bytes");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Secret> KeyTable::Get(std::string_view name, uint32_t version) const {
  const auto it = rows_.find({std::string(name), version});
  if (it == rows_.end()) {
    return absl::NotFoundError(absl::StrCat("no key ", ToAbsl(name), " version ", version));
  }
  if (it->second.empty()) {
    return internal::DestroyedError(
        absl::StrCat("key ", ToAbsl(name), " version ", version, " was destroyed"));
  }
  return it->second;
}

absl::StatusOr<uint32_t> KeyTable::Latest(std::string_view name) const {
  auto it = rows_.upper_bound({std::string(name), std::numeric_limits<uint32_t>::max()});
  while (it != rows_.begin() && (--it)->first.name == name) {
    if (!it->second.empty()) {
      return it->first.version;
    }
  }
  return absl::NotFoundError(absl::StrCat("no key ", ToAbsl(name)));
}

absl::StatusOr<uint32_t> KeyTable::Add(std::string_view name, const Secret& secret) {
  RETURN_IF_ERROR(CheckSecret(secret));
  uint32_t highest = 0;
  auto it = rows_.upper_bound({std::string(name), std::numeric_limits<uint32_t>::max()});
  if (it != rows_.begin() && (--it)->first.name == name) {
    highest = it->first.version;
  }
  if (highest == std::numeric_limits<uint32_t>::max()) {
    return absl::ResourceExhaustedError(absl::StrCat("no version left for key ", ToAbsl(name)));
  }
  RETURN_IF_ERROR(Insert(name, highest + 1, secret));
  return highest + 1;
}

absl::Status KeyTable::Put(std::string_view name, uint32_t version, const Secret& secret) {
  RETURN_IF_ERROR(CheckSecret(secret));
  return Insert(name, version, secret);
}

absl::Status KeyTable::PutDestroyed(std::string_view name, uint32_t version) {
  return Insert(name, version, Secret());
}

absl::Status KeyTable::Insert(std::string_view name, uint32_t version, const Secret& secret) {
  RETURN_IF_ERROR(CheckName(name));
  if (version == 0) {
    return absl::InvalidArgumentError("key versions count from 1");
  }
  if (!rows_.try_emplace({std::string(name), version}, secret).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("key ", ToAbsl(name), " version ", version, " is or was there"));
  }
  return absl::OkStatus();
}

absl::Status KeyTable::Destroy(std::string_view name, uint32_t version) {
  RETURN_IF_ERROR(Get(name, version).status());
  rows_[{std::string(name), version}] = Secret();
  return absl::OkStatus();
}

std::vector<KeyVersion> KeyTable::List() const {
  std::vector<KeyVersion> out;
  for (const auto& [key, secret] : rows_) {
    if (!secret.empty()) {
      out.push_back(key);
    }
  }
  return out;
}

}  // namespace relais::crypto::internal
