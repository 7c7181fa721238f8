// libcrypto's own interface to this one algorithm, which it calls deprecated but keeps: the general one (EVP)
// costs as much for a short message as the hash itself, and a leaf takes thirty.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "common/crypto/sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>
#include <new>

#include "common/crypto/openssl_handles.h"

namespace relais::crypto {
namespace {

using internal::Must;

constexpr size_t kBlock = 64;

void Begin(SHA256_CTX& ctx) { Must(SHA256_Init(&ctx)); }

void Absorb(SHA256_CTX& ctx, std::string_view data) { Must(SHA256_Update(&ctx, data.data(), data.size())); }

Digest Squeeze(SHA256_CTX& ctx) {
  Digest out;
  Must(SHA256_Final(out.data(), &ctx));
  return out;
}

}  // namespace

std::string Sha256(std::string_view data) { return std::string(AsBytes(Sha256Digest({data}))); }

Digest Sha256Digest(std::initializer_list<std::string_view> parts) {
  SHA256_CTX ctx;
  Begin(ctx);
  for (std::string_view part : parts) {
    Absorb(ctx, part);
  }
  return Squeeze(ctx);
}

struct Sha256Hasher::Impl {
  SHA256_CTX ctx;
};

Sha256Hasher::Sha256Hasher() : impl_(std::make_unique<Impl>()) { Begin(impl_->ctx); }
Sha256Hasher::~Sha256Hasher() = default;
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;

Sha256Hasher& Sha256Hasher::Update(std::string_view data) {
  Absorb(impl_->ctx, data);
  return *this;
}

std::string Sha256Hasher::Finish() {
  std::string out(AsBytes(Squeeze(impl_->ctx)));
  Begin(impl_->ctx);
  return out;
}

std::string HmacSha256(const Secret& key, std::string_view data) {
  return std::string(AsBytes(HmacSha256Digest(key.ExposeSecret(), {data})));
}

struct HmacSha256Key::State {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

HmacSha256Key::HmacSha256Key(std::string_view key) {
  static_assert(sizeof(State) <= kStateSize && alignof(State) <= kStateAlignment);
  auto* const state = new (state_) State;
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
  Begin(state->inner);
  Absorb(state->inner, {pad.data(), pad.size()});
  for (char& c : pad) {
    c = static_cast<char>(c ^ 0x36 ^ 0x5c);
  }
  Begin(state->outer);
  Absorb(state->outer, {pad.data(), pad.size()});
  OPENSSL_cleanse(pad.data(), pad.size());
}

HmacSha256Key::~HmacSha256Key() { OPENSSL_cleanse(state_, sizeof(state_)); }

Digest HmacSha256Key::Mac(std::initializer_list<std::string_view> parts) const {
  State state = *std::launder(reinterpret_cast<const State*>(state_));
  for (std::string_view part : parts) {
    Absorb(state.inner, part);
  }
  const Digest inner = Squeeze(state.inner);
  Absorb(state.outer, AsBytes(inner));
  const Digest mac = Squeeze(state.outer);
  OPENSSL_cleanse(&state, sizeof(state));
  return mac;
}

Digest HmacSha256Digest(std::string_view key, std::initializer_list<std::string_view> parts) {
  return HmacSha256Key(key).Mac(parts);
}

}  // namespace relais::crypto
