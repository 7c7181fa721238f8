// OpenSSL handles and small conversions, for the sources of this folder only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais::pki::internal {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};

using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

/// `what`, followed by OpenSSL's own reasons; empties its error queue.
absl::Status OpenSslError(const std::string& what);

/// Every certificate of `pem`, in order. INVALID_ARGUMENT when there is none or one is malformed.
absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(std::string_view pem);
absl::StatusOr<KeyPtr> ReadPrivateKey(std::string_view pem);

std::string BioContents(BIO* bio);
std::string LowerHex(const unsigned char* bytes, size_t n);
absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time);

}  // namespace relais::pki::internal
