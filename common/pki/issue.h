// Making keys and certificates: the development PKI, `relais pki`, and the certificates tests need.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/secret.h"

namespace relais::pki {

/// An authority able to sign: its certificate and its unencrypted PKCS #8 key, both PEM.
struct Authority {
  std::string certificate_pem;
  Secret key_pem;
};

struct Validity {
  absl::Time not_before;
  absl::Time not_after;
};

struct AuthorityRequest {
  std::string common_name;
  Validity validity;
  /// How many authorities may stand below it.
  int path_length = 0;
  /// What certificates below it may be used for; with neither, no restriction. OpenSSL enforces it on the
  /// whole chain: nothing signed by an authority without `server_auth` can serve TLS.
  bool client_auth = false;
  bool server_auth = false;
};

struct LeafRequest {
  std::string common_name;
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  ///< IP addresses, "127.0.0.1".
  Validity validity;
  bool client_auth = true;
  bool server_auth = false;
};

/// A leaf with its key. `chain_pem` is the leaf followed by its issuer, as TLS sends it.
struct IssuedCertificate {
  std::string certificate_pem;
  std::string chain_pem;
  Secret key_pem;
};

/// All keys are EC P-256, all signatures ECDSA with SHA-256; keys and serial numbers come from OpenSSL's
/// CSPRNG. Names are taken as they are, so that tests can make certificates no honest authority would.
/// INVALID_ARGUMENT for a malformed issuer or address; INTERNAL when OpenSSL fails.
absl::StatusOr<Authority> MakeRootAuthority(const AuthorityRequest& request);
absl::StatusOr<Authority> MakeIntermediateAuthority(const Authority& parent, const AuthorityRequest& request);
absl::StatusOr<IssuedCertificate> IssueCertificate(const Authority& issuer, const LeafRequest& request);

}  // namespace relais::pki
