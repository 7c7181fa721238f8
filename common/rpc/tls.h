// TLS as this suite wants it: 1.3 only, mutual, no session tickets, certificates read again when their files
// change.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/pki/identity.h"
#include "common/rpc/authentication.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace relais::rpc {

/// Settings that gRPC offers no way to give and reads from OpenSSL's configuration: no TLS below 1.3, no
/// session tickets, so that no session can be resumed past a revocation. For the whole process, on top of the
/// machine's own openssl.cnf. Call first in main, before anything makes a TLS context; later calls do
/// nothing. INTERNAL when OpenSSL refuses.
absl::Status ConfigureOpenSsl();

/// PEM files: the own certificate with its chain, its key, and the roots that peers are verified against.
/// Replace certificate and key together, by renaming their folder.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string roots;
};

/// Requires and verifies a client certificate. Who it is, is the processor's to say (MakeAuthProcessor).
/// UNAVAILABLE when a file cannot be read now: gRPC would wait for it silently.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, const std::shared_ptr<grpc::AuthMetadataProcessor>& processor);

struct ChannelOptions {
  std::string target;   // "127.0.0.1:7001", "dns:///consent:7001"
  std::string service;  // "consent": who must answer there
  TlsFiles files;
};

/// A channel to a service of the suite, and to nothing else: the server's certificate must chain to the
/// roots, be signed by a services' authority of `trust`, carry the SPIFFE id service/<service> and the DNS
/// name relais-<service>, and, when `directory` is given, not be revoked in the directory then in force. An
/// institution's certificate therefore never passes. Connects when first used, and again by itself.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options,
                                                           pki::PeerTrust trust, CurrentDirectory directory);

/// "relais-<service>": the DNS name in a service's certificate.
std::string ServerName(const std::string& service);

}  // namespace relais::rpc
