// AES-SIV (RFC 5297): deterministic authenticated encryption. Equal inputs give equal outputs, on purpose: a
// handle must be stable. Use aead.h for everything that need not be.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"

namespace relais::crypto {

/// Immutable once made; copies share the prepared key. Thread-safe. A call copies a prepared context instead
/// of scheduling the keys again.
class AesSiv {
 public:
  static constexpr size_t kKeySize = 64;
  /// Bytes that Seal adds in front: the synthetic IV, which is also the tag.
  static constexpr size_t kOverhead = 16;
  static constexpr size_t kMaxText = size_t{1} << 30;
  /// RFC 5297 section 2.6 allows 126 strings of associated data.
  static constexpr size_t kMaxAssociatedData = 126;

  /// AES-256-SIV. INVALID_ARGUMENT unless the key has 64 bytes.
  [[nodiscard]] static absl::StatusOr<AesSiv> Create(const Secret& key);
  /// AES-128-SIV with a 32-byte key: the RFC publishes its vectors for no other size. Tests only.
  [[nodiscard]] static absl::StatusOr<AesSiv> CreateForRfcVectors(const Secret& key);

  /// V(16) ‖ ciphertext. `ads` are a vector of strings, not their concatenation: ("ab","c") and ("a","bc")
  /// differ, and an empty string counts. INVALID_ARGUMENT for an
  /// empty text, more than 126 strings or more than 1 GiB.
  [[nodiscard]] absl::StatusOr<std::string> Seal(std::span<const std::string_view> ads,
                                                 std::string_view plaintext) const;
  /// INVALID_ARGUMENT "authentication failed" when anything differs; nothing of the input is quoted.
  [[nodiscard]] absl::StatusOr<std::string> Open(std::span<const std::string_view> ads,
                                                 std::string_view sealed) const;

 private:
  struct Impl;
  explicit AesSiv(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  static AesSiv Make(const char* algorithm, const Secret& key);

  std::shared_ptr<const Impl> impl_;
};

}  // namespace relais::crypto
