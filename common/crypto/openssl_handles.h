// Owning handles over libcrypto objects. Private to common/crypto: included by .cc files only, so that no
// OpenSSL type shows in a public header.
#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace relais::crypto::internal {

struct Free {
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
using MdCtx = std::unique_ptr<EVP_MD_CTX, Free>;
using CipherCtx = std::unique_ptr<EVP_CIPHER_CTX, Free>;
using PKey = std::unique_ptr<EVP_PKEY, Free>;

/// Takes back what its scope adds to the thread's error queue. A refused signature is an answer, not an
/// error, and TLS code on the same thread reads a leftover in the queue as its own failure.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

/// libcrypto refuses a well-formed call only when memory or the installation is broken. No caller could do
/// better than stop, and going on with half a hash or an unsealed byte is worse.
inline void Must(int libcrypto_result) {
  if (libcrypto_result != 1) {
    std::abort();
  }
}
template <typename T>
T* MustPtr(T* p) {
  if (p == nullptr) {
    std::abort();
  }
  return p;
}

inline const uint8_t* Data(std::string_view s) { return reinterpret_cast<const uint8_t*>(s.data()); }

}  // namespace relais::crypto::internal
