#include "common/pki/certificate.h"

#include <openssl/err.h>

#include <array>
#include <memory>

#include "common/base/status.h"
#include "common/pki/internal/openssl.h"

namespace relais::pki {
namespace {

using internal::BioPtr;

std::string NameText(const X509_NAME* name) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return internal::BioContents(bio.get());
}

std::string SerialText(const X509* certificate) {
  using BnPtr = std::unique_ptr<BIGNUM, internal::Deleter<BN_free>>;
  BnPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  std::string bytes(static_cast<size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  std::string hex = internal::LowerHex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  hex.erase(0, hex.find_first_not_of('0'));
  return hex.empty() ? "0" : hex;
}

absl::StatusOr<std::string> Fingerprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    return internal::OpenSslError("cannot digest the certificate");
  }
  return internal::LowerHex(digest.data(), size);
}

absl::StatusOr<std::string> SpkiPin(const X509* certificate) {
  unsigned char* der = nullptr;
  const int der_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (der_size <= 0) {
    return internal::OpenSslError("cannot encode the certificate's key");
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int ok = EVP_Digest(der, static_cast<size_t>(der_size), digest.data(), &size, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  if (ok != 1) {
    return internal::OpenSslError("cannot digest the certificate's key");
  }
  return internal::LowerHex(digest.data(), size);
}

std::string Ia5Text(const ASN1_IA5STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

absl::Status ReadNames(const X509* certificate, PeerCertificate& out) {
  int found = 0;
  internal::GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, nullptr)));
  ERR_clear_error();
  if (names == nullptr) {
    // -1: no such extension. -2: more than one, an ambiguity no honest authority produces.
    return found == -1 ? absl::OkStatus()
                       : absl::InvalidArgumentError("the certificate's alternative names are malformed");
  }
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      out.uris.push_back(Ia5Text(name->d.uniformResourceIdentifier));
    } else if (name->type == GEN_DNS) {
      out.dns_names.push_back(Ia5Text(name->d.dNSName));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PeerCertificate> ParsePeerCertificate(std::string_view pem) {
  ASSIGN_OR_RETURN(const auto certificates, internal::ReadCertificates(pem));
  X509* certificate = certificates.front().get();
  PeerCertificate out;
  ASSIGN_OR_RETURN(out.fingerprint, Fingerprint(certificate));
  ASSIGN_OR_RETURN(out.spki_pin, SpkiPin(certificate));
  out.issuer = NameText(X509_get_issuer_name(certificate));
  out.subject = NameText(X509_get_subject_name(certificate));
  out.serial = SerialText(certificate);
  RETURN_IF_ERROR(ReadNames(certificate, out));
  ASSIGN_OR_RETURN(out.not_before, internal::ToTime(X509_get0_notBefore(certificate)));
  ASSIGN_OR_RETURN(out.not_after, internal::ToTime(X509_get0_notAfter(certificate)));
  out.is_ca = X509_check_ca(certificate) != 0;
  ERR_clear_error();
  return out;
}

}  // namespace relais::pki
