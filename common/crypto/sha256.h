// SHA-256 and HMAC-SHA-256. Thread-safe; the digest algorithm is fetched once and each thread keeps its own
// context, because these run several times in every durable call. A broken libcrypto aborts the process.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/secret.h"

namespace relais::crypto {

inline constexpr size_t kSha256Size = 32;
using Digest = std::array<uint8_t, kSha256Size>;

/// 32 raw bytes.
[[nodiscard]] std::string Sha256(std::string_view data);

/// Hash of the concatenation, without making it and without an allocation. The parts are not delimited: a
/// caller who needs ("ab","c") to differ from ("a","bc") puts the lengths in.
[[nodiscard]] Digest Sha256Digest(std::initializer_list<std::string_view> parts);

/// Incremental hash, for data that come in pieces. Not thread-safe. After Finish it starts anew.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;

  Sha256Hasher& Update(std::string_view data);
  /// 32 raw bytes.
  [[nodiscard]] std::string Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// RFC 2104. 32 raw bytes. Any key length; a key over 64 bytes is hashed first, and keys that differ only in
/// trailing zero bytes are the same key, as the RFC has it.
[[nodiscard]] std::string HmacSha256(const Secret& key, std::string_view data);

/// The same over a concatenation of parts, without an allocation. `key` may be public (HKDF's salt is).
[[nodiscard]] Digest HmacSha256Digest(std::string_view key, std::initializer_list<std::string_view> parts);

[[nodiscard]] inline std::string_view AsBytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace relais::crypto
