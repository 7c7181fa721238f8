#include "common/pki/identity.h"

#include <openssl/err.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/pki/internal/openssl.h"
#include "common/pki/spiffe.h"

namespace relais::pki {
namespace {

using internal::X509Ptr;
using Kind = PeerIdentity::Kind;

absl::StatusOr<std::vector<X509Ptr>> ReadAuthorities(const std::string& pem, const std::string& what) {
  if (pem.empty()) {
    return std::vector<X509Ptr>();
  }
  auto authorities = internal::ReadCertificates(pem);
  if (!authorities.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": ", authorities.status().message()));
  }
  for (const X509Ptr& authority : *authorities) {
    if (X509_check_ca(authority.get()) != 1) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": a certificate is not an authority's"));
    }
  }
  return authorities;
}

bool SameKey(const X509Ptr& a, const X509Ptr& b) {
  return EVP_PKEY_eq(X509_get0_pubkey(a.get()), X509_get0_pubkey(b.get())) == 1;
}

bool ShareKey(const std::vector<X509Ptr>& left, const std::vector<X509Ptr>& right) {
  return std::any_of(left.begin(), left.end(), [&](const X509Ptr& a) {
    return std::any_of(right.begin(), right.end(), [&](const X509Ptr& b) { return SameKey(a, b); });
  });
}

bool SignedByOneOf(X509* leaf, const std::vector<X509Ptr>& authorities) {
  const bool found = std::any_of(authorities.begin(), authorities.end(), [&](const X509Ptr& authority) {
    // The names are compared first: they are cheap and spare a signature check per other authority.
    return X509_check_issued(authority.get(), leaf) == X509_V_OK &&
           X509_verify(leaf, X509_get0_pubkey(authority.get())) == 1;
  });
  ERR_clear_error();
  return found;
}

PeerIdentity FromCertificate(PeerCertificate certificate, Kind kind) {
  PeerIdentity peer;
  peer.kind = kind;
  peer.fingerprint = std::move(certificate.fingerprint);
  peer.issuer = std::move(certificate.issuer);
  peer.serial = std::move(certificate.serial);
  peer.spki_pin = std::move(certificate.spki_pin);
  peer.dns_names = std::move(certificate.dns_names);
  peer.not_after = certificate.not_after;
  return peer;
}

}  // namespace

struct PeerTrust::Authorities {
  std::string trust_domain;
  std::vector<X509Ptr> institutions;
  std::vector<X509Ptr> services;
  std::vector<X509Ptr> foreign;

  [[nodiscard]] std::optional<Kind> IssuerKind(X509* leaf) const {
    if (SignedByOneOf(leaf, institutions)) {
      return Kind::kInstitutionSystem;
    }
    if (SignedByOneOf(leaf, services)) {
      return Kind::kService;
    }
    if (SignedByOneOf(leaf, foreign)) {
      return Kind::kForeign;
    }
    return std::nullopt;
  }
};

std::string PeerIdentity::Name() const {
  switch (kind) {
    case Kind::kInstitutionSystem:
      return absl::StrCat(institution, "/", system);
    case Kind::kService:
      return absl::StrCat("service/", service);
    case Kind::kForeign:
      break;
  }
  return absl::StrCat("foreign/", fingerprint.substr(0, 16));
}

absl::StatusOr<PeerTrust> PeerTrust::Create(const Options& options) {
  if (!IsValidTrustDomain(options.trust_domain)) {
    return absl::InvalidArgumentError("the trust domain is malformed");
  }
  auto authorities = std::make_shared<Authorities>();
  authorities->trust_domain = options.trust_domain;
  ASSIGN_OR_RETURN(authorities->institutions,
                   ReadAuthorities(options.institutions_pem, "institutions' authorities"));
  ASSIGN_OR_RETURN(authorities->services, ReadAuthorities(options.services_pem, "services' authorities"));
  ASSIGN_OR_RETURN(authorities->foreign, ReadAuthorities(options.foreign_pem, "foreign authorities"));
  if (ShareKey(authorities->institutions, authorities->services) ||
      ShareKey(authorities->institutions, authorities->foreign) ||
      ShareKey(authorities->services, authorities->foreign)) {
    return absl::InvalidArgumentError("one authority's key may not vouch for two kinds of peers");
  }
  return PeerTrust(std::move(authorities));
}

const std::string& PeerTrust::trust_domain() const { return authorities_->trust_domain; }

absl::StatusOr<PeerIdentity> PeerTrust::Identify(std::string_view leaf_pem) const {
  auto parsed = ParsePeerCertificate(leaf_pem);
  auto chain = internal::ReadCertificates(leaf_pem);
  if (!parsed.ok() || !chain.ok()) {
    return absl::UnauthenticatedError("the certificate is malformed");
  }
  if (parsed->is_ca) {
    return absl::UnauthenticatedError("an authority's certificate is not an identity");
  }
  const std::optional<Kind> kind = authorities_->IssuerKind(chain->front().get());
  if (!kind.has_value()) {
    return absl::UnauthenticatedError("the certificate's issuer is not one of the accepted authorities");
  }
  const std::vector<std::string> uris = parsed->uris;
  PeerIdentity peer = FromCertificate(*std::move(parsed), *kind);
  if (*kind == Kind::kForeign) {
    for (const std::string& uri : uris) {
      if (ClaimsTrustDomain(uri, authorities_->trust_domain)) {
        return absl::UnauthenticatedError("a foreign certificate claims this trust domain");
      }
    }
    return peer;
  }
  if (uris.size() != 1) {
    return absl::UnauthenticatedError("the certificate must hold exactly one URI");
  }
  const auto id = ParseSpiffeId(uris.front(), authorities_->trust_domain);
  if (!id.ok()) {
    return absl::UnauthenticatedError("the URI is not a SPIFFE id of this trust domain");
  }
  const bool claims_service = id->kind == SpiffeId::Kind::kService;
  if (claims_service != (*kind == Kind::kService)) {
    return absl::UnauthenticatedError("the certificate's issuer may not vouch for that kind of name");
  }
  peer.institution = id->institution;
  peer.system = id->system;
  peer.service = id->service;
  return peer;
}

}  // namespace relais::pki
