// Ed25519 signatures (RFC 8032, pure). Keys are immutable, copyable (copies share the key) and thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/random.h"
#include "common/base/secret.h"

namespace relais::crypto {

inline constexpr size_t kEd25519SeedSize = 32;
inline constexpr size_t kEd25519PublicKeySize = 32;
inline constexpr size_t kEd25519SignatureSize = 64;

class VerifyKey {
 public:
  /// From the 32 bytes of RFC 8032. INVALID_ARGUMENT for another length, an encoding that is not canonical,
  /// or a point of small order: with such a key one signature fits several messages.
  [[nodiscard]] static absl::StatusOr<VerifyKey> FromBytes(std::string_view bytes);

  /// False for anything but a right signature of `message`.
  [[nodiscard]] bool Verify(std::string_view message, std::string_view signature) const;
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  friend bool operator==(const VerifyKey& a, const VerifyKey& b) { return a.bytes_ == b.bytes_; }

 private:
  struct Impl;
  VerifyKey(std::string bytes, std::shared_ptr<const Impl> impl)
      : bytes_(std::move(bytes)), impl_(std::move(impl)) {}

  std::string bytes_;
  std::shared_ptr<const Impl> impl_;
};

class SigningKey {
 public:
  [[nodiscard]] static SigningKey Generate(Random& random);
  /// INVALID_ARGUMENT unless the seed has 32 bytes.
  [[nodiscard]] static absl::StatusOr<SigningKey> FromSeed(const Secret& seed);

  /// 64 bytes; the same for the same message. About 40 µs: sign per checkpoint, not per write.
  [[nodiscard]] std::string Sign(std::string_view message) const;
  [[nodiscard]] const VerifyKey& verify_key() const { return verify_key_; }
  /// The 32 bytes to keep. Whoever has them signs in this key's name.
  [[nodiscard]] Secret seed() const;

 private:
  struct Impl;
  SigningKey(std::shared_ptr<const Impl> impl, VerifyKey verify_key)
      : impl_(std::move(impl)), verify_key_(std::move(verify_key)) {}
  static SigningKey Make(const Secret& seed);

  std::shared_ptr<const Impl> impl_;
  VerifyKey verify_key_;
};

}  // namespace relais::crypto
