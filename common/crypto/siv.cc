#include "common/crypto/siv.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "common/base/status.h"
#include "common/crypto/openssl_handles.h"

namespace relais::crypto {
namespace {

using internal::CipherCtx;
using internal::Data;
using internal::Must;
using internal::MustPtr;
using internal::QuietErrors;

CipherCtx Prepare(const EVP_CIPHER* cipher, std::string_view key, int encrypt) {
  CipherCtx ctx(MustPtr(EVP_CIPHER_CTX_new()));
  Must(EVP_CipherInit_ex2(ctx.get(), cipher, Data(key), nullptr, encrypt, nullptr));
  return ctx;
}

CipherCtx Copy(const CipherCtx& prepared) {
  CipherCtx ctx(MustPtr(EVP_CIPHER_CTX_new()));
  Must(EVP_CIPHER_CTX_copy(ctx.get(), prepared.get()));
  return ctx;
}

// libcrypto takes a null pointer for "nothing given", and an empty string must still be counted.
const uint8_t* NeverNull(std::string_view s) {
  static constexpr uint8_t kNothing = 0;
  return s.data() == nullptr ? &kNothing : Data(s);
}

void Absorb(EVP_CIPHER_CTX* ctx, std::span<const std::string_view> ads) {
  int n = 0;
  for (std::string_view ad : ads) {
    Must(EVP_CipherUpdate(ctx, nullptr, &n, NeverNull(ad), static_cast<int>(ad.size())));
  }
}

absl::Status CheckSizes(std::span<const std::string_view> ads, size_t text) {
  if (ads.size() > AesSiv::kMaxAssociatedData) {
    return absl::InvalidArgumentError("more than 126 strings of associated data");
  }
  for (std::string_view ad : ads) {
    text = std::max(text, ad.size());
  }
  if (text > AesSiv::kMaxText) {
    return absl::InvalidArgumentError("text too long to seal");
  }
  return absl::OkStatus();
}

}  // namespace

struct AesSiv::Impl {
  CipherCtx encrypt;
  CipherCtx decrypt;
};

AesSiv AesSiv::Make(const char* algorithm, const Secret& key) {
  EVP_CIPHER* cipher = MustPtr(EVP_CIPHER_fetch(nullptr, algorithm, nullptr));
  auto impl = std::make_shared<Impl>();
  impl->encrypt = Prepare(cipher, key.ExposeSecret(), 1);
  impl->decrypt = Prepare(cipher, key.ExposeSecret(), 0);
  EVP_CIPHER_free(cipher);
  return AesSiv(std::move(impl));
}

absl::StatusOr<AesSiv> AesSiv::Create(const Secret& key) {
  if (key.size() != kKeySize) {
    return absl::InvalidArgumentError("AES-256-SIV key must be 64 bytes");
  }
  return Make("AES-256-SIV", key);
}

absl::StatusOr<AesSiv> AesSiv::CreateForRfcVectors(const Secret& key) {
  if (key.size() != kKeySize / 2) {
    return absl::InvalidArgumentError("AES-128-SIV key must be 32 bytes");
  }
  return Make("AES-128-SIV", key);
}

absl::StatusOr<std::string> AesSiv::Seal(std::span<const std::string_view> ads,
                                         std::string_view plaintext) const {
  // libcrypto skips an empty text, and with it the tag over the associated data.
  if (plaintext.empty()) {
    return absl::InvalidArgumentError("no text to seal");
  }
  RETURN_IF_ERROR(CheckSizes(ads, plaintext.size()));
  const QuietErrors quiet;
  const CipherCtx ctx = Copy(impl_->encrypt);
  Absorb(ctx.get(), ads);
  std::string out(kOverhead + plaintext.size(), '\0');
  auto* iv = reinterpret_cast<uint8_t*>(out.data());
  int n = 0;
  Must(EVP_CipherUpdate(ctx.get(), iv + kOverhead, &n, Data(plaintext), static_cast<int>(plaintext.size())));
  Must(EVP_CipherFinal_ex(ctx.get(), iv + kOverhead, &n));
  Must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, kOverhead, iv));
  return out;
}

absl::StatusOr<std::string> AesSiv::Open(std::span<const std::string_view> ads,
                                         std::string_view sealed) const {
  if (sealed.size() <= kOverhead) {
    return absl::InvalidArgumentError("authentication failed");
  }
  const std::string_view cipher = sealed.substr(kOverhead);
  RETURN_IF_ERROR(CheckSizes(ads, cipher.size()));
  std::array<uint8_t, kOverhead> iv{};
  sealed.copy(reinterpret_cast<char*>(iv.data()), iv.size());

  const QuietErrors quiet;
  const CipherCtx ctx = Copy(impl_->decrypt);
  Must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, kOverhead, iv.data()));
  Absorb(ctx.get(), ads);
  std::string plaintext(cipher.size(), '\0');
  int n = 0;
  const bool authentic = EVP_CipherUpdate(ctx.get(), reinterpret_cast<uint8_t*>(plaintext.data()), &n,
                                          Data(cipher), static_cast<int>(cipher.size())) == 1 &&
                         EVP_CipherFinal_ex(ctx.get(), iv.data(), &n) == 1;
  if (!authentic) {
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return absl::InvalidArgumentError("authentication failed");
  }
  return plaintext;
}

}  // namespace relais::crypto
