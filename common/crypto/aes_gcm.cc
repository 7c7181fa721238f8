#include "common/crypto/aes_gcm.h"

#include <openssl/crypto.h>

#include <array>

#include "common/base/status.h"
#include "common/crypto/openssl_handles.h"

namespace relais::crypto {
namespace {

using ::relais::crypto::internal::CipherCtx;
using ::relais::crypto::internal::Data;
using ::relais::crypto::internal::Must;
using ::relais::crypto::internal::MustPtr;
using ::relais::crypto::internal::QuietErrors;

EVP_CIPHER_CTX* ThreadContext() {
  static EVP_CIPHER* const aes = MustPtr(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  thread_local const CipherCtx ctx = [] {
    CipherCtx fresh(MustPtr(EVP_CIPHER_CTX_new()));
    Must(EVP_CipherInit_ex2(fresh.get(), aes, nullptr, nullptr, 1, nullptr));
    return fresh;
  }();
  return ctx.get();
}

// The context outlives the call, so the key schedule in it is overwritten: a destroyed key must not stay in
// the memory of an idle thread. Cheaper than freeing the context each time.
class KeyedContext {
 public:
  KeyedContext(std::string_view key, std::string_view nonce, bool encrypt) : ctx_(ThreadContext()) {
    Must(EVP_CipherInit_ex2(ctx_, nullptr, Data(key), Data(nonce), encrypt ? 1 : 0, nullptr));
  }
  ~KeyedContext() {
    static constexpr std::array<uint8_t, kAesGcmKeySize> kZero{};
    Must(EVP_CipherInit_ex2(ctx_, nullptr, kZero.data(), kZero.data(), 1, nullptr));
  }
  KeyedContext(const KeyedContext&) = delete;
  KeyedContext& operator=(const KeyedContext&) = delete;

  void Update(uint8_t* out, std::string_view in) {
    int n = 0;
    Must(EVP_CipherUpdate(ctx_, out, &n, Data(in), static_cast<int>(in.size())));
  }
  [[nodiscard]] EVP_CIPHER_CTX* get() { return ctx_; }

 private:
  EVP_CIPHER_CTX* ctx_;
};

absl::Status CheckSizes(const Secret& key, std::string_view nonce, std::string_view aad,
                        std::string_view text) {
  if (key.size() != kAesGcmKeySize) {
    return absl::InvalidArgumentError("AES-256-GCM key must be 32 bytes");
  }
  if (nonce.size() != kAesGcmNonceSize) {
    return absl::InvalidArgumentError("AES-256-GCM nonce must be 12 bytes");
  }
  if (aad.size() > kAesGcmMaxText || text.size() > kAesGcmMaxText + kAesGcmTagSize) {
    return absl::InvalidArgumentError("text too long to seal");
  }
  return absl::OkStatus();
}

absl::Status AuthenticationFailed() { return absl::InvalidArgumentError("authentication failed"); }

// Sizes were checked, but for whether `out` has the plaintext's. After an error it holds zeros.
absl::Status OpenInto(std::string_view key, std::string_view nonce, std::string_view aad,
                      std::string_view sealed, std::span<char> out) {
  const auto refuse = [out] {
    OPENSSL_cleanse(out.data(), out.size());
    return AuthenticationFailed();
  };
  if (sealed.size() != out.size() + kAesGcmTagSize) {
    return refuse();
  }
  const std::string_view cipher = sealed.substr(0, out.size());
  std::array<uint8_t, kAesGcmTagSize> tag{};
  sealed.copy(reinterpret_cast<char*>(tag.data()), tag.size(), cipher.size());

  const QuietErrors quiet;
  KeyedContext ctx(key, nonce, /*encrypt=*/false);
  Must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, kAesGcmTagSize, tag.data()));
  if (!aad.empty()) {
    ctx.Update(nullptr, aad);
  }
  if (!cipher.empty()) {
    ctx.Update(reinterpret_cast<uint8_t*>(out.data()), cipher);
  }
  int n = 0;
  return EVP_CipherFinal_ex(ctx.get(), tag.data(), &n) == 1 ? absl::OkStatus() : refuse();
}

}  // namespace

namespace internal {

void AppendAesGcmSealed(std::string_view key, std::string_view nonce, std::string_view aad,
                        std::string_view plaintext, std::string* out) {
  KeyedContext ctx(key, nonce, /*encrypt=*/true);
  if (!aad.empty()) {
    ctx.Update(nullptr, aad);
  }
  const size_t start = out->size();
  out->resize(start + plaintext.size() + kAesGcmTagSize);
  auto* cipher = reinterpret_cast<uint8_t*>(out->data()) + start;
  if (!plaintext.empty()) {
    ctx.Update(cipher, plaintext);
  }
  uint8_t* tag = cipher + plaintext.size();
  int n = 0;
  Must(EVP_CipherFinal_ex(ctx.get(), tag, &n));
  Must(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, kAesGcmTagSize, tag));
}

absl::StatusOr<std::string> OpenAesGcmChecked(std::string_view key, std::string_view nonce,
                                              std::string_view aad, std::string_view sealed) {
  if (sealed.size() < kAesGcmTagSize) {
    return AuthenticationFailed();
  }
  std::string plaintext(sealed.size() - kAesGcmTagSize, '\0');
  RETURN_IF_ERROR(OpenInto(key, nonce, aad, sealed, plaintext));
  return plaintext;
}

}  // namespace internal

absl::StatusOr<std::string> AesGcmSeal(const Secret& key, std::string_view nonce, std::string_view aad,
                                       std::string_view plaintext) {
  RETURN_IF_ERROR(CheckSizes(key, nonce, aad, plaintext));
  std::string out;
  internal::AppendAesGcmSealed(key.ExposeSecret(), nonce, aad, plaintext, &out);
  return out;
}

absl::StatusOr<std::string> AesGcmOpen(const Secret& key, std::string_view nonce, std::string_view aad,
                                       std::string_view sealed) {
  RETURN_IF_ERROR(CheckSizes(key, nonce, aad, sealed));
  return internal::OpenAesGcmChecked(key.ExposeSecret(), nonce, aad, sealed);
}

absl::Status AesGcmSealTo(const Secret& key, std::string_view nonce, std::string_view aad,
                          std::string_view plaintext, std::string* out) {
  RETURN_IF_ERROR(CheckSizes(key, nonce, aad, plaintext));
  internal::AppendAesGcmSealed(key.ExposeSecret(), nonce, aad, plaintext, out);
  return absl::OkStatus();
}

absl::Status AesGcmOpenInto(const Secret& key, std::string_view nonce, std::string_view aad,
                            std::string_view sealed, std::span<char> out) {
  if (absl::Status sizes = CheckSizes(key, nonce, aad, sealed); !sizes.ok()) {
    OPENSSL_cleanse(out.data(), out.size());
    return sizes;
  }
  return OpenInto(key.ExposeSecret(), nonce, aad, sealed, out);
}

}  // namespace relais::crypto
