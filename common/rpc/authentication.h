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
#include "common/directory/directory.h"
#include "common/pki/identity.h"
#include "common/rpc/call.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/auth_metadata_processor.h"

namespace relais::rpc {

using CurrentDirectory = std::function<std::shared_ptr<const directory::Directory>()>;

/// Thread-safe. Certificates are parsed and their signature checked once (the least recently seen are
/// forgotten); what the directory says of them, revocation included, is looked up again as soon as another
/// version is in force, so neither a live connection nor a resumed session outlives a revocation.
class Authenticator {
 public:
  Authenticator(pki::PeerTrust trust, CurrentDirectory directory, size_t cache_entries = 4096);

  struct Outcome {
    /// As PeerIdentity::Name; empty for a certificate that none of our authorities vouches for.
    std::string peer;
    /// Without agent, function and reason; or UNAUTHENTICATED / NOT_AUTHENTICATED: no certificate, one of no
    /// institution or service of the directory, or a revoked one.
    absl::StatusOr<Caller> caller;
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
  Outcome Add(std::string_view leaf_pem, const std::shared_ptr<const directory::Directory>& directory);

  const pki::PeerTrust trust_;
  const CurrentDirectory directory_;
  const size_t cache_entries_;
  std::mutex mu_;
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;  // keys point into entries_
};

/// The leaf certificate of a connection, PEM; empty when there is none.
std::string PeerCertificatePem(const grpc::AuthContext& context);

/// Refuses, before any handler runs, whoever is not authenticated, with UNAUTHENTICATED. `on_refused` is told
/// the peer's name (empty: unknown) and the path of the call. The authenticator must outlive the server.
std::shared_ptr<grpc::AuthMetadataProcessor> MakeAuthProcessor(
    Authenticator& authenticator,
    std::function<void(const std::string& peer, const std::string& path)> on_refused);

}  // namespace relais::rpc
