#include "common/crypto/sha256.h"

#include <openssl/crypto.h>

#include <cstring>

#include "common/crypto/openssl_handles.h"

namespace relais::crypto {
namespace {

using internal::MdCtx;
using internal::Must;
using internal::MustPtr;

constexpr size_t kBlock = 64;

MdCtx NewContext() {
  // Fetching walks the providers under a lock; it is done once and the algorithm lives as long as the
  // process.
  static EVP_MD* const sha256 = MustPtr(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  MdCtx ctx(MustPtr(EVP_MD_CTX_new()));
  Must(EVP_DigestInit_ex2(ctx.get(), sha256, nullptr));
  return ctx;
}

EVP_MD_CTX* ThreadContext() {
  thread_local const MdCtx ctx = NewContext();
  Must(EVP_DigestInit_ex2(ctx.get(), nullptr, nullptr));
  return ctx.get();
}

void Absorb(EVP_MD_CTX* ctx, std::string_view data) { Must(EVP_DigestUpdate(ctx, data.data(), data.size())); }

Digest Squeeze(EVP_MD_CTX* ctx) {
  Digest out;
  Must(EVP_DigestFinal_ex(ctx, out.data(), nullptr));
  return out;
}

}  // namespace

std::string Sha256(std::string_view data) { return std::string(AsBytes(Sha256Digest({data}))); }

Digest Sha256Digest(std::initializer_list<std::string_view> parts) {
  EVP_MD_CTX* ctx = ThreadContext();
  for (std::string_view part : parts) {
    Absorb(ctx, part);
  }
  return Squeeze(ctx);
}

struct Sha256Hasher::Impl {
  MdCtx ctx = NewContext();
};

Sha256Hasher::Sha256Hasher() : impl_(std::make_unique<Impl>()) {}
Sha256Hasher::~Sha256Hasher() = default;
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;

Sha256Hasher& Sha256Hasher::Update(std::string_view data) {
  Absorb(impl_->ctx.get(), data);
  return *this;
}

std::string Sha256Hasher::Finish() {
  std::string out(AsBytes(Squeeze(impl_->ctx.get())));
  Must(EVP_DigestInit_ex2(impl_->ctx.get(), nullptr, nullptr));
  return out;
}

std::string HmacSha256(const Secret& key, std::string_view data) {
  return std::string(AsBytes(HmacSha256Digest(key.ExposeSecret(), {data})));
}

Digest HmacSha256Digest(std::string_view key, std::initializer_list<std::string_view> parts) {
  std::array<char, kBlock> pad{};
  if (key.size() > kBlock) {
    const Digest hashed = Sha256Digest({key});
    std::memcpy(pad.data(), hashed.data(), hashed.size());
  } else if (!key.empty()) {
    std::memcpy(pad.data(), key.data(), key.size());
  }
  for (char& c : pad) {
    c = static_cast<char>(c ^ 0x36);
  }
  EVP_MD_CTX* ctx = ThreadContext();
  Absorb(ctx, {pad.data(), pad.size()});
  for (std::string_view part : parts) {
    Absorb(ctx, part);
  }
  const Digest inner = Squeeze(ctx);
  for (char& c : pad) {
    c = static_cast<char>(c ^ 0x36 ^ 0x5c);
  }
  const Digest outer = Sha256Digest({{pad.data(), pad.size()}, AsBytes(inner)});
  OPENSSL_cleanse(pad.data(), pad.size());
  return outer;
}

}  // namespace relais::crypto
