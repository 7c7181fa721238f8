#include "common/base/secret.h"

#include <openssl/crypto.h>

#include <utility>

namespace relais {
namespace {
void Wipe(std::string& s) {
  if (!s.empty()) {
    OPENSSL_cleanse(s.data(), s.size());
  }
  s.clear();
}
}  // namespace

Secret::~Secret() { Wipe(bytes_); }

// A string that is moved from keeps the bytes of a short one in place: those are copied and wiped. Of a
// longer one the buffer itself changes hands.
Secret::Secret(Secret&& other) noexcept { *this = std::move(other); }

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    Wipe(bytes_);
    bytes_ = other.bytes_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe(bytes_);
    if (other.bytes_.capacity() > std::string().capacity()) {
      bytes_.swap(other.bytes_);
    } else {
      bytes_ = other.bytes_;
    }
    Wipe(other.bytes_);
  }
  return *this;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace relais
