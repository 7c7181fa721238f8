// Named, versioned keys: handle generations, suppression keys, epoch and month keys, log signing seeds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/secret.h"

namespace relais::crypto {

struct KeyVersion {
  std::string name;
  uint32_t version = 0;

  friend bool operator==(const KeyVersion&, const KeyVersion&) = default;
  friend bool operator<(const KeyVersion& a, const KeyVersion& b) {
    return std::tie(a.name, a.version) < std::tie(b.name, b.version);
  }
};

/// A name is 1 to 128 of [a-z0-9._:/-]. Versions count from 1. A secret has 32 or 64 bytes.
/// A destroyed version is remembered as a number without a key and is never given out again, so that what was
/// sealed under it reads "destroyed" for ever and not "does not open".
/// All implementations are thread-safe; when a call that changes the ring returns OK the change is durable,
/// as far as the implementation keeps anything.
class KeyRing {
 public:
  virtual ~KeyRing() = default;

  /// NOT_FOUND when it never was, or was destroyed (the message says which).
  [[nodiscard]] virtual absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const = 0;
  /// The highest version that has a key; NOT_FOUND if none.
  [[nodiscard]] virtual absl::StatusOr<uint32_t> Latest(std::string_view name) const = 0;
  /// Adds under the next version and returns it: one more than the highest there ever was.
  [[nodiscard]] virtual absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret) = 0;
  /// Adds under a given version. ALREADY_EXISTS if that version is or was there, even with the same key.
  [[nodiscard]] virtual absl::Status Put(std::string_view name, uint32_t version, const Secret& secret) = 0;
  /// Forgets the key. NOT_FOUND if there is none; a second Destroy is therefore NOT_FOUND.
  [[nodiscard]] virtual absl::Status Destroy(std::string_view name, uint32_t version) = 0;
  /// What has a key, by name, then version.
  [[nodiscard]] virtual std::vector<KeyVersion> List() const = 0;
};

namespace internal {

/// The rules of a ring over values, without lock or file: what both implementations share.
class KeyTable {
 public:
  /// An empty secret marks a destroyed version.
  using Rows = std::map<KeyVersion, Secret>;

  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const;
  [[nodiscard]] absl::StatusOr<uint32_t> Latest(std::string_view name) const;
  [[nodiscard]] absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret);
  [[nodiscard]] absl::Status Put(std::string_view name, uint32_t version, const Secret& secret);
  [[nodiscard]] absl::Status PutDestroyed(std::string_view name, uint32_t version);
  [[nodiscard]] absl::Status Destroy(std::string_view name, uint32_t version);
  [[nodiscard]] std::vector<KeyVersion> List() const;
  [[nodiscard]] const Rows& rows() const { return rows_; }

 private:
  absl::Status Insert(std::string_view name, uint32_t version, const Secret& secret);

  Rows rows_;
};

}  // namespace internal
}  // namespace relais::crypto
