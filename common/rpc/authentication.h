// Who calls: from the certificate of the connection and the directory in force, on every call.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/directory/directory.h"
#include "common/pki/identity.h"
#include "common/rpc/call.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/auth_metadata_processor.h"

namespace relais::rpc {

using CurrentDirectory = std::function<std::shared_ptr<const directory::Directory>()>;

/// Thread-safe. Certificates are parsed and their signature checked once (the least recently seen are
/// forgotten); what the directory says of them, revocation included, is looked up again as soon as another
/// version is in force, and the end of their validity is held against the clock every time, so neither a live
/// connection nor a resumed session outlives a revocation or its certificate.
class Authenticator {
 public:
  /// The clock must outlive it.
  Authenticator(pki::PeerTrust trust, CurrentDirectory directory, const Clock& clock,
                size_t cache_entries = 4096);

  struct Outcome {
    /// As PeerIdentity::Name; empty for a certificate that none of our authorities vouches for.
    std::string peer;
    /// Without agent, function and reason; or UNAUTHENTICATED / NOT_AUTHENTICATED: no certificate, one of no
    /// institution or service of the directory, or one that is revoked or expired.
    absl::StatusOr<Caller> caller;
    absl::Time not_after = absl::InfiniteFuture();  // of the certificate
  };
  Outcome Authenticate(std::string_view leaf_pem);

 private:
  struct Entry {
    std::string pem;
    pki::PeerIdentity identity;
    std::shared_ptr<const directory::Directory> directory;  // that `outcome` is of
    Outcome outcome;
  };
  // The entry of a certificate, most recently used first; null when it identifies nobody. Called under mu_.
  Entry* Find(std::string_view leaf_pem);
  // What certificate and directory say, whatever the time.
  Outcome Identified(std::string_view leaf_pem);
  Outcome Add(std::string_view leaf_pem, const std::shared_ptr<const directory::Directory>& directory);

  const pki::PeerTrust trust_;
  const CurrentDirectory directory_;
  const Clock& clock_;
  const size_t cache_entries_;
  std::mutex mu_;
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;  // keys point into entries_
};

/// The leaf certificate of a connection, PEM; empty when there is none.
std::string PeerCertificatePem(const grpc::AuthContext& context);

/// Refuses, before any handler runs, whoever is not authenticated, with UNAUTHENTICATED.
/// `authenticated_later` says of a call's path ("/relais.consent.v1.ConsentService/Check") whether its
/// handler authenticates the caller itself before it does anything: such a call passes unseen. `on_refused`
/// is told the peer's name (empty: unknown) and the path of the call. Both are called by any thread; the
/// authenticator must outlive the server.
std::shared_ptr<grpc::AuthMetadataProcessor> MakeAuthProcessor(
    Authenticator& authenticator, std::function<bool(std::string_view path)> authenticated_later,
    std::function<void(const std::string& peer, const std::string& path)> on_refused);

}  // namespace relais::rpc
