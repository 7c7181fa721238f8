#include "common/pki/internal/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace relais::pki::internal {
namespace {

// A peer's chain is a few certificates; a bundle of authorities some dozens.
constexpr size_t kMaxPem = 1 << 20;

absl::StatusOr<BioPtr> MemoryBio(std::string_view pem) {
  if (pem.size() > kMaxPem) {
    return absl::InvalidArgumentError("PEM text is too long");
  }
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) {
    return OpenSslError("cannot open PEM text");
  }
  return bio;
}

// Without it OpenSSL would ask for a passphrase on the terminal.
int NoPassphrase(char* /*buf*/, int /*size*/, int /*rwflag*/, void* /*u*/) { return -1; }

}  // namespace

absl::Status OpenSslError(const std::string& what) {
  std::string message = what;
  while (const unsigned long code = ERR_get_error()) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    absl::StrAppend(&message, ": ", text.data());
  }
  return absl::InternalError(message);
}

absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(std::string_view pem) {
  auto bio = MemoryBio(pem);
  if (!bio.ok()) {
    return bio.status();
  }
  std::vector<X509Ptr> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio->get(), nullptr, NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const unsigned long last = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end || certificates.empty()) {
    return absl::InvalidArgumentError("not a PEM certificate");
  }
  return certificates;
}

absl::StatusOr<KeyPtr> ReadPrivateKey(std::string_view pem) {
  auto bio = MemoryBio(pem);
  if (!bio.ok()) {
    return bio.status();
  }
  KeyPtr key(PEM_read_bio_PrivateKey(bio->get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError("not an unencrypted PEM private key");
  }
  return key;
}

std::string BioContents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string LowerHex(const unsigned char* bytes, size_t n) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes), n));
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm tm{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &tm) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("the certificate has a malformed date");
  }
  return absl::FromTM(tm, absl::UTCTimeZone());
}

}  // namespace relais::pki::internal
