#include "common/crypto/aead.h"

#include "common/base/status.h"
#include "common/crypto/aes_gcm.h"
#include "common/crypto/hkdf.h"

namespace relais::crypto {
namespace {

constexpr std::string_view kInfo = "relais aead v1";
constexpr size_t kCommitmentSize = 32;
constexpr std::string_view kZeroNonce("\0\0\0\0\0\0\0\0\0\0\0\0", kAesGcmNonceSize);
static_assert(kAeadOverhead == kCommitmentSize + kAesGcmTagSize);

class MessageKeys {
 public:
  MessageKeys(const Secret& key, std::string_view salt)
      : both_(HkdfSha256(key, salt, kInfo, kAesGcmKeySize + kCommitmentSize)) {}
  [[nodiscard]] std::string_view encryption() const { return both_.ExposeSecret().substr(0, kAesGcmKeySize); }
  [[nodiscard]] std::string_view commitment() const { return both_.ExposeSecret().substr(kAesGcmKeySize); }

 private:
  Secret both_;
};

absl::Status CheckSizes(const Secret& key, std::string_view salt, std::string_view aad, size_t text) {
  if (key.size() < kAeadMinKeySize) {
    return absl::InvalidArgumentError("sealing key shorter than 32 bytes");
  }
  if (salt.size() < kAeadMinSaltSize) {
    return absl::InvalidArgumentError("sealing salt shorter than 16 bytes");
  }
  if (aad.size() > kAesGcmMaxText || text > kAesGcmMaxText) {
    return absl::InvalidArgumentError("text too long to seal");
  }
  return absl::OkStatus();
}

absl::Status AppendSealed(const Secret& key, std::string_view salt, std::string_view aad,
                          std::string_view plaintext, std::string* out) {
  RETURN_IF_ERROR(CheckSizes(key, salt, aad, plaintext.size()));
  const MessageKeys keys(key, salt);
  out->reserve(out->size() + plaintext.size() + kAeadOverhead);
  out->append(keys.commitment());
  internal::AppendAesGcmSealed(keys.encryption(), kZeroNonce, aad, plaintext, out);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> Seal(const Secret& key, std::string_view salt, std::string_view aad,
                                 std::string_view plaintext) {
  std::string out;
  RETURN_IF_ERROR(AppendSealed(key, salt, aad, plaintext, &out));
  return out;
}

absl::StatusOr<std::string> Open(const Secret& key, std::string_view salt, std::string_view aad,
                                 std::string_view sealed) {
  if (sealed.size() < kAeadOverhead) {
    return absl::InvalidArgumentError("authentication failed");
  }
  RETURN_IF_ERROR(CheckSizes(key, salt, aad, sealed.size() - kAeadOverhead));
  const MessageKeys keys(key, salt);
  if (!ConstantTimeEqual(keys.commitment(), sealed.substr(0, kCommitmentSize))) {
    return absl::InvalidArgumentError("authentication failed");
  }
  return internal::OpenAesGcmChecked(keys.encryption(), kZeroNonce, aad, sealed.substr(kCommitmentSize));
}

absl::StatusOr<std::string> SealRandom(Random& random, const Secret& key, std::string_view aad,
                                       std::string_view plaintext) {
  std::string out = random.Bytes(kAeadRandomSaltSize);
  // A copy, because `out` grows while the salt is read.
  const std::string salt = out;
  RETURN_IF_ERROR(AppendSealed(key, salt, aad, plaintext, &out));
  return out;
}

absl::StatusOr<std::string> OpenRandom(const Secret& key, std::string_view aad, std::string_view sealed) {
  if (sealed.size() < kAeadRandomOverhead) {
    return absl::InvalidArgumentError("authentication failed");
  }
  return Open(key, sealed.substr(0, kAeadRandomSaltSize), aad, sealed.substr(kAeadRandomSaltSize));
}

}  // namespace relais::crypto
