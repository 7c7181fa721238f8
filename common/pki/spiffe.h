// SPIFFE ids of the suite: the two forms a certificate of ours may carry, and nothing else.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace relais::pki {

/// `spiffe://<trust-domain>/institution/<id>/system/<name>` or `spiffe://<trust-domain>/service/<name>`.
struct SpiffeId {
  enum class Kind { kInstitutionSystem, kService };

  Kind kind = Kind::kInstitutionSystem;
  std::string institution;  ///< kInstitutionSystem only.
  std::string system;       ///< kInstitutionSystem only.
  std::string service;      ///< kService only.

  friend bool operator==(const SpiffeId&, const SpiffeId&) = default;
};

/// True for 1 to 64 characters of `a-z 0-9 -`, not starting or ending with `-`: the form of every
/// institution, system, service, desk and function id.
[[nodiscard]] bool IsValidId(std::string_view id);

/// True for 1 to 253 characters of `a-z 0-9 - .`, without empty label.
[[nodiscard]] bool IsValidTrustDomain(std::string_view trust_domain);

/// Byte-exact: no other scheme or trust domain, no upper case, port, query, fragment, escape, empty or
/// additional segment. INVALID_ARGUMENT otherwise (the URI itself is not repeated in the message).
absl::StatusOr<SpiffeId> ParseSpiffeId(std::string_view uri, std::string_view trust_domain);

/// True if `uri` claims `trust_domain`, whatever follows and however badly it is written.
[[nodiscard]] bool ClaimsTrustDomain(std::string_view uri, std::string_view trust_domain);

[[nodiscard]] std::string InstitutionUri(std::string_view trust_domain, std::string_view institution,
                                         std::string_view system);
[[nodiscard]] std::string ServiceUri(std::string_view trust_domain, std::string_view service);

}  // namespace relais::pki
