#include "common/crypto/hkdf.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

namespace relais::crypto {

HkdfPrk::HkdfPrk(const Secret& ikm, std::string_view salt)
    : prk_(HmacSha256Digest(salt, {ikm.ExposeSecret()})) {}

HkdfPrk::~HkdfPrk() { OPENSSL_cleanse(prk_.data(), prk_.size()); }

Secret HkdfPrk::Expand(std::string_view info, size_t n) const {
  if (n > 255 * kSha256Size) {
    std::abort();
  }
  Digest block{};
  std::string_view previous;
  // Reserved in full, so that no growth leaves a copy of key bytes behind in freed memory.
  std::string out;
  out.reserve(n);
  for (uint8_t counter = 1; out.size() < n; ++counter) {
    const char count = static_cast<char>(counter);
    block = HmacSha256Digest(AsBytes(prk_), {previous, info, std::string_view(&count, 1)});
    previous = AsBytes(block);
    out.append(previous.substr(0, std::min(kSha256Size, n - out.size())));
  }
  OPENSSL_cleanse(block.data(), block.size());
  Secret derived(out);
  OPENSSL_cleanse(out.data(), out.size());
  return derived;
}

Secret HkdfSha256(const Secret& ikm, std::string_view salt, std::string_view info, size_t n) {
  return HkdfPrk(ikm, salt).Expand(info, n);
}

}  // namespace relais::crypto
