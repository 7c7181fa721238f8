// The keys of one run (docs/formats.md, "Sealed text"). Private to services/vault/format.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/base/secret.h"
#include "common/crypto/aes_gcm.h"

namespace relais::vault::internal {

inline constexpr size_t kTextKeySize = 32;

/// INVALID_ARGUMENT unless a text's key has 32 bytes.
[[nodiscard]] absl::Status CheckTextKey(const Secret& text_key);

struct RunKeys {
  Secret encryption;  // 32 bytes
  std::string commitment;
};
/// `salt` has kRunSaltSize bytes.
[[nodiscard]] RunKeys DeriveRunKeys(const Secret& text_key, std::string_view context, uint64_t first_chunk,
                                    std::string_view salt);

/// Place and end of a chunk, which is what binds it there.
using ChunkNonce = std::array<char, crypto::kAesGcmNonceSize>;
[[nodiscard]] ChunkNonce NonceOf(uint64_t chunk, bool last);

[[nodiscard]] inline std::string_view AsView(const ChunkNonce& nonce) { return {nonce.data(), nonce.size()}; }

}  // namespace relais::vault::internal
