#include "common/crypto/ed25519.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/openssl_handles.h"

namespace relais::crypto {
namespace {

using internal::Data;
using internal::MdCtx;
using internal::Must;
using internal::MustPtr;
using internal::PKey;
using internal::QuietErrors;

// y, little-endian, without the sign bit of x.
std::string YCoordinate(std::string_view encoded) {
  std::string y(encoded);
  y.back() = static_cast<char>(y.back() & 0x7f);
  return y;
}

// y < 2^255 - 19.
bool IsCanonical(std::string_view y) {
  const bool high_bits_set =
      static_cast<uint8_t>(y[31]) == 0x7f &&
      std::all_of(y.begin() + 1, y.begin() + 31, [](char c) { return static_cast<uint8_t>(c) == 0xff; });
  return !high_bits_set || static_cast<uint8_t>(y[0]) < 0xed;
}

// The y coordinates of the eight points whose order divides 8, as far as they are canonical.
bool HasSmallOrder(std::string_view y) {
  static constexpr std::array<std::string_view, 5> kSmallOrder = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  const std::string hex = HexEncode(y);
  return std::find(kSmallOrder.begin(), kSmallOrder.end(), hex) != kSmallOrder.end();
}

}  // namespace

struct VerifyKey::Impl {
  PKey key;
};
struct SigningKey::Impl {
  PKey key;
};

absl::StatusOr<VerifyKey> VerifyKey::FromBytes(std::string_view bytes) {
  if (bytes.size() != kEd25519PublicKeySize) {
    return absl::InvalidArgumentError("Ed25519 public key must be 32 bytes");
  }
  const std::string y = YCoordinate(bytes);
  if (!IsCanonical(y) || HasSmallOrder(y)) {
    return absl::InvalidArgumentError("not a usable Ed25519 public key");
  }
  auto impl = std::make_shared<Impl>();
  impl->key.reset(MustPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Data(bytes), bytes.size())));
  return VerifyKey(std::string(bytes), std::move(impl));
}

bool VerifyKey::Verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kEd25519SignatureSize) {
    return false;
  }
  const QuietErrors quiet;
  const MdCtx ctx(MustPtr(EVP_MD_CTX_new()));
  Must(EVP_DigestVerifyInit(ctx.get(), nullptr, nullptr, nullptr, impl_->key.get()));
  return EVP_DigestVerify(ctx.get(), Data(signature), signature.size(), Data(message), message.size()) == 1;
}

SigningKey SigningKey::Make(const Secret& seed) {
  const std::string_view raw = seed.ExposeSecret();
  auto impl = std::make_shared<Impl>();
  impl->key.reset(MustPtr(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Data(raw), raw.size())));
  std::string pub(kEd25519PublicKeySize, '\0');
  size_t n = pub.size();
  Must(EVP_PKEY_get_raw_public_key(impl->key.get(), reinterpret_cast<uint8_t*>(pub.data()), &n));
  absl::StatusOr<VerifyKey> verify_key = VerifyKey::FromBytes(pub);
  if (!verify_key.ok()) {
    // A clamped scalar times the base point never has small order, so only a broken libcrypto comes here.
    std::abort();
  }
  return {std::move(impl), *std::move(verify_key)};
}

SigningKey SigningKey::Generate(Random& random) { return Make(Secret(random.Bytes(kEd25519SeedSize))); }

absl::StatusOr<SigningKey> SigningKey::FromSeed(const Secret& seed) {
  if (seed.size() != kEd25519SeedSize) {
    return absl::InvalidArgumentError("Ed25519 seed must be 32 bytes");
  }
  return Make(seed);
}

std::string SigningKey::Sign(std::string_view message) const {
  const MdCtx ctx(MustPtr(EVP_MD_CTX_new()));
  Must(EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr, impl_->key.get()));
  std::string signature(kEd25519SignatureSize, '\0');
  size_t n = signature.size();
  Must(EVP_DigestSign(ctx.get(), reinterpret_cast<uint8_t*>(signature.data()), &n, Data(message),
                      message.size()));
  return signature;
}

Secret SigningKey::seed() const {
  std::string seed(kEd25519SeedSize, '\0');
  size_t n = seed.size();
  Must(EVP_PKEY_get_raw_private_key(impl_->key.get(), reinterpret_cast<uint8_t*>(seed.data()), &n));
  return Secret(std::move(seed));
}

}  // namespace relais::crypto
