#include "common/pki/issue.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/pki/internal/openssl.h"

namespace relais::pki {
namespace {

using internal::BioPtr;
using internal::KeyPtr;
using internal::OpenSslError;
using internal::X509Ptr;

struct Signer {
  X509* certificate;  // not owned; the subject itself for a root
  EVP_PKEY* key;      // not owned
};

absl::Status AddExtension(X509* subject, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, subject, nullptr, nullptr, 0);
  using ExtensionPtr = std::unique_ptr<X509_EXTENSION, internal::Deleter<X509_EXTENSION_free>>;
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(subject, extension.get(), -1) != 1) {
    return OpenSslError("cannot add a certificate extension");
  }
  return absl::OkStatus();
}

absl::Status AddUsages(X509* subject, X509* issuer, bool client_auth, bool server_auth) {
  if (!client_auth && !server_auth) {
    return absl::OkStatus();
  }
  const std::string value =
      absl::StrCat(server_auth ? "serverAuth" : "", server_auth && client_auth ? "," : "",
                   client_auth ? "clientAuth" : "");
  return AddExtension(subject, issuer, NID_ext_key_usage, value);
}

absl::Status PushName(GENERAL_NAMES* names, int type, std::string_view text) {
  using NamePtr = std::unique_ptr<GENERAL_NAME, internal::Deleter<GENERAL_NAME_free>>;
  NamePtr name(GENERAL_NAME_new());
  ASN1_STRING* value = nullptr;
  if (type == GEN_IPADD) {
    value = a2i_IPADDRESS(std::string(text).c_str());
    if (value == nullptr) {
      ERR_clear_error();
      return absl::InvalidArgumentError("not an IP address");
    }
  } else {
    value = ASN1_IA5STRING_new();
    if (value == nullptr || ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
      ASN1_STRING_free(value);
      return OpenSslError("cannot encode a name");
    }
  }
  GENERAL_NAME_set0_value(name.get(), type, value);
  if (sk_GENERAL_NAME_push(names, name.get()) <= 0) {
    return OpenSslError("cannot add a name");
  }
  name.release();  // NOLINT(bugprone-unused-return-value): the stack owns it now
  return absl::OkStatus();
}

absl::Status AddNames(X509* subject, const LeafRequest& request) {
  const internal::GeneralNamesPtr names(sk_GENERAL_NAME_new_null());
  for (const std::string& uri : request.uris) {
    RETURN_IF_ERROR(PushName(names.get(), GEN_URI, uri));
  }
  for (const std::string& dns : request.dns_names) {
    RETURN_IF_ERROR(PushName(names.get(), GEN_DNS, dns));
  }
  for (const std::string& address : request.addresses) {
    RETURN_IF_ERROR(PushName(names.get(), GEN_IPADD, address));
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) {
    return absl::OkStatus();
  }
  return X509_add1_ext_i2d(subject, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1
             ? absl::OkStatus()
             : OpenSslError("cannot add the alternative names");
}

absl::Status SetSerial(X509* certificate) {
  using BnPtr = std::unique_ptr<BIGNUM, internal::Deleter<BN_free>>;
  const BnPtr serial(BN_new());
  if (serial == nullptr || BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return OpenSslError("cannot draw a serial number");
  }
  return absl::OkStatus();
}

absl::StatusOr<X509Ptr> NewCertificate(const std::string& common_name, const Validity& validity,
                                       EVP_PKEY* key) {
  X509Ptr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(validity.not_before)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(validity.not_after)) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpenSslError("cannot prepare a certificate");
  }
  RETURN_IF_ERROR(SetSerial(certificate.get()));
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  if (X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, MBSTRING_UTF8,
                                 text, static_cast<int>(common_name.size()), -1, 0) != 1) {
    return OpenSslError("cannot set the subject");
  }
  return certificate;
}

absl::Status Sign(X509* certificate, const Signer& signer) {
  if (X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate)) != 1) {
    return OpenSslError("cannot set the issuer");
  }
  RETURN_IF_ERROR(AddExtension(certificate, signer.certificate, NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(
      AddExtension(certificate, signer.certificate, NID_authority_key_identifier, "keyid:always"));
  return X509_sign(certificate, signer.key, EVP_sha256()) > 0 ? absl::OkStatus()
                                                              : OpenSslError("cannot sign a certificate");
}

absl::StatusOr<KeyPtr> NewKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) {
    return OpenSslError("cannot make a key");
  }
  return key;
}

absl::StatusOr<std::string> CertificatePem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpenSslError("cannot write a certificate");
  }
  return internal::BioContents(bio.get());
}

absl::StatusOr<Secret> KeyPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslError("cannot write a key");
  }
  return Secret(internal::BioContents(bio.get()));
}

absl::StatusOr<Authority> MakeAuthority(const AuthorityRequest& request, const Signer* parent) {
  ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  ASSIGN_OR_RETURN(const X509Ptr certificate,
                   NewCertificate(request.common_name, request.validity, key.get()));
  const Signer signer = parent != nullptr ? *parent : Signer{certificate.get(), key.get()};
  X509* issuer = signer.certificate;
  RETURN_IF_ERROR(AddExtension(certificate.get(), issuer, NID_basic_constraints,
                               absl::StrCat("critical,CA:TRUE,pathlen:", request.path_length)));
  RETURN_IF_ERROR(AddExtension(certificate.get(), issuer, NID_key_usage, "critical,keyCertSign,cRLSign"));
  RETURN_IF_ERROR(AddUsages(certificate.get(), issuer, request.client_auth, request.server_auth));
  RETURN_IF_ERROR(Sign(certificate.get(), signer));
  Authority authority;
  ASSIGN_OR_RETURN(authority.certificate_pem, CertificatePem(certificate.get()));
  ASSIGN_OR_RETURN(authority.key_pem, KeyPem(key.get()));
  return authority;
}

}  // namespace

absl::StatusOr<Authority> MakeRootAuthority(const AuthorityRequest& request) {
  return MakeAuthority(request, nullptr);
}

absl::StatusOr<Authority> MakeIntermediateAuthority(const Authority& parent,
                                                    const AuthorityRequest& request) {
  ASSIGN_OR_RETURN(const auto certificates, internal::ReadCertificates(parent.certificate_pem));
  ASSIGN_OR_RETURN(const KeyPtr key, internal::ReadPrivateKey(parent.key_pem.ExposeSecret()));
  const Signer signer{certificates.front().get(), key.get()};
  return MakeAuthority(request, &signer);
}

absl::StatusOr<IssuedCertificate> IssueCertificate(const Authority& issuer, const LeafRequest& request) {
  ASSIGN_OR_RETURN(const auto issuers, internal::ReadCertificates(issuer.certificate_pem));
  ASSIGN_OR_RETURN(const KeyPtr issuer_key, internal::ReadPrivateKey(issuer.key_pem.ExposeSecret()));
  ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  ASSIGN_OR_RETURN(const X509Ptr certificate,
                   NewCertificate(request.common_name, request.validity, key.get()));
  X509* issuer_certificate = issuers.front().get();
  RETURN_IF_ERROR(
      AddExtension(certificate.get(), issuer_certificate, NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(
      AddExtension(certificate.get(), issuer_certificate, NID_key_usage, "critical,digitalSignature"));
  RETURN_IF_ERROR(AddUsages(certificate.get(), issuer_certificate, request.client_auth, request.server_auth));
  RETURN_IF_ERROR(AddNames(certificate.get(), request));
  RETURN_IF_ERROR(Sign(certificate.get(), {issuer_certificate, issuer_key.get()}));
  IssuedCertificate issued;
  ASSIGN_OR_RETURN(issued.certificate_pem, CertificatePem(certificate.get()));
  issued.chain_pem = absl::StrCat(issued.certificate_pem, issuer.certificate_pem);
  ASSIGN_OR_RETURN(issued.key_pem, KeyPem(key.get()));
  return issued;
}

}  // namespace relais::pki
