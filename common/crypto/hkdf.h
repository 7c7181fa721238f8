// Key derivation: HKDF with SHA-256 (RFC 5869).
#pragma once

#include <cstddef>
#include <string_view>

#include "common/base/secret.h"
#include "common/crypto/sha256.h"

namespace relais::crypto {

/// `n` bytes derived from `ikm`. `info` separates uses: give each use its own constant, and length-prefix
/// what varies in it. An empty `salt` is the RFC's default. Thread-safe. `n` is at most 8160 (255 blocks);
/// more is a programming error and aborts.
[[nodiscard]] Secret HkdfSha256(const Secret& ikm, std::string_view salt, std::string_view info, size_t n);

/// The same in its two steps, for several keys from one `ikm` and `salt`: HkdfPrk(ikm, salt).Expand(info, n)
/// is HkdfSha256(ikm, salt, info, n), and the first step is done once. Thread-safe; wiped when it dies.
class HkdfPrk {
 public:
  HkdfPrk(const Secret& ikm, std::string_view salt);
  ~HkdfPrk();
  HkdfPrk(const HkdfPrk&) = delete;
  HkdfPrk& operator=(const HkdfPrk&) = delete;

  [[nodiscard]] Secret Expand(std::string_view info, size_t n) const;

 private:
  Digest prk_;
};

}  // namespace relais::crypto
