// Key-committing authenticated encryption: the one way anything is sealed.
//
//   encryption key(32) ‖ commitment(32) = HKDF-SHA-256(key, salt, "relais aead v1", 64)
//   sealed = commitment(32) ‖ AES-256-GCM(encryption key, nonce 0, aad, plaintext) ‖ tag(16)
//
// The encryption key serves one message, which is why the nonce is zero. The commitment makes it infeasible
// to find two keys that both open the same bytes: whoever hands over the key of a receipt cannot make it say
// two things.
//
// Errors: INVALID_ARGUMENT for a key under 32 bytes, a salt under 16 or more than 1 GiB of text;
// INVALID_ARGUMENT "authentication failed" for anything that does not open (wrong key, salt or aad, altered
// or truncated bytes), the same for every cause. No message quotes its input. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/random.h"
#include "common/base/secret.h"

namespace relais::crypto {

inline constexpr size_t kAeadMinKeySize = 32;
inline constexpr size_t kAeadMinSaltSize = 16;
inline constexpr size_t kAeadRandomSaltSize = 24;
/// Bytes that Seal and SealRandom add to the plaintext.
inline constexpr size_t kAeadOverhead = 48;
inline constexpr size_t kAeadRandomOverhead = kAeadRandomSaltSize + kAeadOverhead;

/// `salt` must never be given twice with the same key for different texts (an audit leaf's random, say), and
/// has a fixed length for that key. It is not in the output.
[[nodiscard]] absl::StatusOr<std::string> Seal(const Secret& key, std::string_view salt, std::string_view aad,
                                               std::string_view plaintext);
[[nodiscard]] absl::StatusOr<std::string> Open(const Secret& key, std::string_view salt, std::string_view aad,
                                               std::string_view sealed);

/// With a random salt in front: salt(24) ‖ sealed. For whoever has nothing unique at hand.
[[nodiscard]] absl::StatusOr<std::string> SealRandom(Random& random, const Secret& key, std::string_view aad,
                                                     std::string_view plaintext);
[[nodiscard]] absl::StatusOr<std::string> OpenRandom(const Secret& key, std::string_view aad,
                                                     std::string_view sealed);

}  // namespace relais::crypto
