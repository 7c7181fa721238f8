// Who is at the other end of a TLS connection: from its certificate to an institution's system or a service.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/pki/certificate.h"

namespace relais::pki {

/// An identified peer. `directory::Directory::SystemOf` says which system of the directory it is, and
/// `IsRevoked` whether its certificate has been revoked; neither is decided here.
struct PeerIdentity {
  enum class Kind {
    kInstitutionSystem,  ///< SPIFFE id under the institutions' intermediate.
    kService,            ///< SPIFFE id under the services' intermediate.
    kForeign,            ///< Another accepted authority: only the directory can say who it is.
  };

  Kind kind = Kind::kForeign;
  std::string institution;  ///< kInstitutionSystem.
  std::string system;       ///< kInstitutionSystem.
  std::string service;      ///< kService.
  std::string fingerprint;  ///< As in PeerCertificate, like the members below.
  std::string issuer;
  std::string serial;
  std::string spki_pin;
  std::vector<std::string> dns_names;
  absl::Time not_after;

  /// `edf/billing`, `service/consent` or `foreign/<first 16 digits of the fingerprint>`, for logs.
  [[nodiscard]] std::string Name() const;
};

/// The authorities whose certificates are accepted, by what each may vouch for. The TLS layer has verified
/// the chain up to the root; this adds which intermediate really signed, so that an institution's certificate
/// can never pass for a service's, whatever names it bears or chain it sends. Immutable, thread-safe, cheap
/// to copy.
class PeerTrust {
 public:
  struct Options {
    std::string trust_domain;
    std::string institutions_pem;  ///< One or more intermediates (rotation); may be empty.
    std::string services_pem;      ///< Likewise.
    std::string foreign_pem;       ///< Direct issuers of other accepted certificates; may be empty.
  };

  /// INVALID_ARGUMENT when a text is malformed, the trust domain is, an authority is no CA, or the same key
  /// vouches for two kinds.
  static absl::StatusOr<PeerTrust> Create(const Options& options);

  /// UNAUTHENTICATED with a short reason, without names taken from the certificate, unless: the leaf is no
  /// CA, an authority of the kind it claims signed it (checked, one signature verification, about 0.1 ms:
  /// keep the answer for the life of the connection), and, under our own intermediates, it has exactly one
  /// URI, a SPIFFE id in the strict form. A foreign certificate claiming our trust domain is refused. Reads
  /// no clock.
  [[nodiscard]] absl::StatusOr<PeerIdentity> Identify(std::string_view leaf_pem) const;

  [[nodiscard]] const std::string& trust_domain() const;

 private:
  struct Authorities;
  explicit PeerTrust(std::shared_ptr<const Authorities> authorities) : authorities_(std::move(authorities)) {}

  std::shared_ptr<const Authorities> authorities_;
};

}  // namespace relais::pki
