// The development PKI: one command gives every service and system of the sample directory a certificate.
// Not for production, where institutions keep their own keys.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/pki/issue.h"

namespace relais::pki {

struct SystemName {
  std::string institution;
  std::string system;
};

struct DevelopmentPki {
  std::string trust_domain;
  std::vector<SystemName> systems;
  std::vector<std::string> services;  ///< "consent", "routing", …
  absl::Time now;  ///< The real instant: TLS looks at the machine's clock, not a test clock.
  absl::Duration validity = absl::Hours(24 * 3650);
};

/// The authorities of a development PKI. `institutions` may sign for TLS clients only, `services` for both.
struct DevelopmentAuthorities {
  Authority root;
  Authority institutions;
  Authority services;
};

/// Writes under `dir` (keys with mode 0600, folders 0700):
///   ca/root.{pem,key}  ca/institutions.{pem,key}  ca/services.{pem,key}
///   ca/bundle.pem                                 trust roots, for servers and clients
///   services/<name>/tls.{crt,key}                 chain and key; names localhost, relais-<name>, 127.0.0.1,
///   ::1 institutions/<institution>/<system>/tls.{crt,key}
/// Everything is valid from a day before `now`. ALREADY_EXISTS, touching nothing, when `dir` has authorities.
absl::Status MakeDevelopmentPki(const std::string& dir, const DevelopmentPki& pki);

/// Reads the authorities back, to issue more. NOT_FOUND when `dir` has none.
absl::StatusOr<DevelopmentAuthorities> LoadDevelopmentAuthorities(const std::string& dir);

/// The requests MakeDevelopmentPki makes, for tests to vary.
LeafRequest ServiceRequest(const std::string& trust_domain, const std::string& service,
                           const Validity& validity);
LeafRequest SystemRequest(const std::string& trust_domain, const SystemName& name, const Validity& validity);

/// Writes `folder`/tls.crt (0644) and `folder`/tls.key (0600), creating the folder.
absl::Status WriteCertificate(const std::string& folder, const IssuedCertificate& issued);

}  // namespace relais::pki
