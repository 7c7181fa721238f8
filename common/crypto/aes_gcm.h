// AES-256-GCM, the raw primitive. Not key-committing and fatal when a (key, nonce) pair is used twice:
// callers want aead.h, unless they keep nonces themselves, as a chunked document does. Thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/secret.h"

namespace relais::crypto {

inline constexpr size_t kAesGcmKeySize = 32;
inline constexpr size_t kAesGcmNonceSize = 12;
inline constexpr size_t kAesGcmTagSize = 16;

/// ciphertext ‖ tag(16). INVALID_ARGUMENT for a key that is not 32 bytes, a nonce that is not 12, or more
/// than 1 GiB of text.
[[nodiscard]] absl::StatusOr<std::string> AesGcmSeal(const Secret& key, std::string_view nonce,
                                                     std::string_view aad, std::string_view plaintext);

/// The plaintext. INVALID_ARGUMENT "authentication failed" when anything was altered; nothing of the input is
/// quoted.
[[nodiscard]] absl::StatusOr<std::string> AesGcmOpen(const Secret& key, std::string_view nonce,
                                                     std::string_view aad, std::string_view sealed);

/// The same, appended to `*out`; after an error `*out` is as before.
[[nodiscard]] absl::Status AesGcmSealTo(const Secret& key, std::string_view nonce, std::string_view aad,
                                        std::string_view plaintext, std::string* out);

/// The plaintext where it is wanted. `out` lies apart from `sealed` and has the plaintext's length,
/// kAesGcmTagSize less than `sealed`. Errors as AesGcmOpen's, for another length too; after one `out` holds
/// zeros.
[[nodiscard]] absl::Status AesGcmOpenInto(const Secret& key, std::string_view nonce, std::string_view aad,
                                          std::string_view sealed, std::span<char> out);

namespace internal {
/// The same with sizes already checked by the caller; appends to `*out`.
void AppendAesGcmSealed(std::string_view key, std::string_view nonce, std::string_view aad,
                        std::string_view plaintext, std::string* out);
[[nodiscard]] absl::StatusOr<std::string> OpenAesGcmChecked(std::string_view key, std::string_view nonce,
                                                            std::string_view aad, std::string_view sealed);
}  // namespace internal

/// Longest plaintext or associated data accepted, bytes.
inline constexpr size_t kAesGcmMaxText = size_t{1} << 30;

}  // namespace relais::crypto
