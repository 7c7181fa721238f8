#include "common/pki/development.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/pki/file.h"
#include "common/pki/spiffe.h"

namespace relais::pki {
namespace {

constexpr mode_t kSecret = 0600;
constexpr mode_t kPublic = 0644;
constexpr mode_t kFolder = 0700;
constexpr size_t kMaxPem = 1 << 20;

absl::Status WriteAuthority(const std::string& dir, const std::string& name, const Authority& authority) {
  RETURN_IF_ERROR(
      WriteFileDurably(absl::StrCat(dir, "/ca/", name, ".key"), authority.key_pem.ExposeSecret(), kSecret));
  return WriteFileDurably(absl::StrCat(dir, "/ca/", name, ".pem"), authority.certificate_pem, kPublic);
}

absl::StatusOr<Authority> ReadAuthority(const std::string& dir, const std::string& name) {
  Authority authority;
  ASSIGN_OR_RETURN(authority.certificate_pem,
                   ReadWholeFile(absl::StrCat(dir, "/ca/", name, ".pem"), kMaxPem));
  ASSIGN_OR_RETURN(std::string key, ReadWholeFile(absl::StrCat(dir, "/ca/", name, ".key"), kMaxPem));
  authority.key_pem = Secret(std::move(key));
  return authority;
}

absl::StatusOr<DevelopmentAuthorities> MakeAuthorities(const Validity& validity) {
  DevelopmentAuthorities made;
  AuthorityRequest root;
  root.common_name = "Relais development root";
  root.validity = validity;
  root.path_length = 1;
  ASSIGN_OR_RETURN(made.root, MakeRootAuthority(root));
  AuthorityRequest institutions;
  institutions.common_name = "Relais development institutions";
  institutions.validity = validity;
  institutions.client_auth = true;
  ASSIGN_OR_RETURN(made.institutions, MakeIntermediateAuthority(made.root, institutions));
  AuthorityRequest services;
  services.common_name = "Relais development services";
  services.validity = validity;
  services.client_auth = true;
  services.server_auth = true;
  ASSIGN_OR_RETURN(made.services, MakeIntermediateAuthority(made.root, services));
  return made;
}

absl::Status CheckNames(const DevelopmentPki& pki) {
  if (!IsValidTrustDomain(pki.trust_domain)) {
    return absl::InvalidArgumentError("the trust domain is malformed");
  }
  for (const SystemName& name : pki.systems) {
    if (!IsValidId(name.institution) || !IsValidId(name.system)) {
      return absl::InvalidArgumentError(
          absl::StrCat("malformed system name ", name.institution, "/", name.system));
    }
  }
  for (const std::string& service : pki.services) {
    if (!IsValidId(service)) {
      return absl::InvalidArgumentError(absl::StrCat("malformed service name ", service));
    }
  }
  return absl::OkStatus();
}

}  // namespace

LeafRequest ServiceRequest(const std::string& trust_domain, const std::string& service,
                           const Validity& validity) {
  LeafRequest request;
  request.common_name = absl::StrCat("relais-", service);
  request.uris = {ServiceUri(trust_domain, service)};
  request.dns_names = {"localhost", absl::StrCat("relais-", service)};
  request.addresses = {"127.0.0.1", "::1"};
  request.validity = validity;
  request.client_auth = true;
  request.server_auth = true;
  return request;
}

LeafRequest SystemRequest(const std::string& trust_domain, const SystemName& name, const Validity& validity) {
  LeafRequest request;
  // A common name holds at most 64 characters; nothing reads it but humans.
  request.common_name = absl::StrCat(name.institution, "/", name.system).substr(0, 64);
  request.uris = {InstitutionUri(trust_domain, name.institution, name.system)};
  request.validity = validity;
  return request;
}

absl::Status WriteCertificate(const std::string& folder, const IssuedCertificate& issued) {
  RETURN_IF_ERROR(MakeFolder(folder, kFolder));
  RETURN_IF_ERROR(WriteFileDurably(folder + "/tls.key", issued.key_pem.ExposeSecret(), kSecret));
  return WriteFileDurably(folder + "/tls.crt", issued.chain_pem, kPublic);
}

absl::Status MakeDevelopmentPki(const std::string& dir, const DevelopmentPki& pki) {
  RETURN_IF_ERROR(CheckNames(pki));
  if (ReadWholeFile(dir + "/ca/root.pem", kMaxPem).ok()) {
    return absl::AlreadyExistsError(absl::StrCat(dir, " already has a development PKI"));
  }
  const Validity validity{pki.now - absl::Hours(24), pki.now + pki.validity};
  ASSIGN_OR_RETURN(const DevelopmentAuthorities made, MakeAuthorities(validity));
  RETURN_IF_ERROR(MakeFolder(dir + "/ca", kFolder));
  for (const std::string& service : pki.services) {
    ASSIGN_OR_RETURN(const auto issued,
                     IssueCertificate(made.services, ServiceRequest(pki.trust_domain, service, validity)));
    RETURN_IF_ERROR(WriteCertificate(absl::StrCat(dir, "/services/", service), issued));
  }
  for (const SystemName& name : pki.systems) {
    ASSIGN_OR_RETURN(const auto issued,
                     IssueCertificate(made.institutions, SystemRequest(pki.trust_domain, name, validity)));
    RETURN_IF_ERROR(
        WriteCertificate(absl::StrCat(dir, "/institutions/", name.institution, "/", name.system), issued));
  }
  RETURN_IF_ERROR(WriteAuthority(dir, "institutions", made.institutions));
  RETURN_IF_ERROR(WriteAuthority(dir, "services", made.services));
  RETURN_IF_ERROR(WriteFileDurably(dir + "/ca/bundle.pem", made.root.certificate_pem, kPublic));
  // Last: its presence says that the whole PKI is there.
  return WriteAuthority(dir, "root", made.root);
}

absl::StatusOr<DevelopmentAuthorities> LoadDevelopmentAuthorities(const std::string& dir) {
  DevelopmentAuthorities loaded;
  ASSIGN_OR_RETURN(loaded.root, ReadAuthority(dir, "root"));
  ASSIGN_OR_RETURN(loaded.institutions, ReadAuthority(dir, "institutions"));
  ASSIGN_OR_RETURN(loaded.services, ReadAuthority(dir, "services"));
  return loaded;
}

}  // namespace relais::pki
