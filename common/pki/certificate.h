// What a certificate says, as plain values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais::pki {

/// Names are bytes as found in the certificate: a name with a NUL keeps it, and so matches nothing.
struct PeerCertificate {
  std::string fingerprint;             ///< SHA-256 of the DER certificate, 64 lower-case hexadecimal digits.
  std::string spki_pin;                ///< SHA-256 of the DER SubjectPublicKeyInfo, likewise.
  std::string issuer;                  ///< Distinguished name, RFC 2253 form, e.g. `CN=Sous-CA,O=EDF,C=FR`.
  std::string serial;                  ///< Lower-case hexadecimal, without leading zeros.
  std::string subject;                 ///< Distinguished name, RFC 2253 form.
  std::vector<std::string> uris;       ///< URI SANs, in order.
  std::vector<std::string> dns_names;  ///< DNS SANs, in order.
  absl::Time not_before;
  absl::Time not_after;
  bool is_ca = false;
};

/// Parses the first certificate of `pem` (what follows is its chain). Checks no signature and no date.
/// INVALID_ARGUMENT if it is not a certificate, or holds two SAN extensions.
absl::StatusOr<PeerCertificate> ParsePeerCertificate(std::string_view pem);

}  // namespace relais::pki
