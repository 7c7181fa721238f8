// The authorities and requests that this folder's tests share.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/pki/development.h"
#include "common/pki/identity.h"
#include "common/pki/issue.h"

namespace relais::pki {

inline constexpr char kTestDomain[] = "relais.test";

inline Validity TestValidity() {
  return {absl::FromCivil(absl::CivilDay(2020, 1, 1), absl::UTCTimeZone()),
          absl::FromCivil(absl::CivilDay(2060, 1, 1), absl::UTCTimeZone())};
}

inline AuthorityRequest TestAuthority(const std::string& name, int path_length) {
  AuthorityRequest request;
  request.common_name = name;
  request.validity = TestValidity();
  request.path_length = path_length;
  return request;
}

/// A root, both intermediates, and a foreign authority, made once: keys are slow.
struct TestAuthorities {
  Authority root = MakeRootAuthority(TestAuthority("Test root", 1)).value();
  Authority institutions = Intermediate("Test institutions", false);
  Authority services = Intermediate("Test services", true);
  Authority foreign = MakeRootAuthority(TestAuthority("Foreign", 0)).value();
  Authority stranger = MakeRootAuthority(TestAuthority("Test institutions", 0)).value();

  static const TestAuthorities& Get() {
    static const auto* authorities = new TestAuthorities();
    return *authorities;
  }

  [[nodiscard]] PeerTrust::Options Options() const {
    return {kTestDomain, institutions.certificate_pem, services.certificate_pem, foreign.certificate_pem};
  }

 private:
  [[nodiscard]] Authority Intermediate(const std::string& name, bool server_auth) const {
    AuthorityRequest request = TestAuthority(name, 0);
    request.client_auth = true;
    request.server_auth = server_auth;
    return MakeIntermediateAuthority(root, request).value();
  }
};

inline IssuedCertificate IssueWithUris(const Authority& issuer, const std::vector<std::string>& uris) {
  LeafRequest request;
  request.common_name = "test";
  request.uris = uris;
  request.validity = TestValidity();
  return IssueCertificate(issuer, request).value();
}

}  // namespace relais::pki
