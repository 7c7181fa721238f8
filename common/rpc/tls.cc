#include "common/rpc/tls.h"

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "common/base/status.h"
#include "common/pki/file.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace relais::rpc {
namespace {

using grpc::experimental::TlsCustomVerificationCheckRequest;

// `Protocol`, because gRPC resets `MinProtocol`.
constexpr char kConfiguration[] = R"(openssl_conf = relais
[relais]
ssl_conf = relais_ssl
[relais_ssl]
system_default = relais_tls
[relais_tls]
Protocol = ALL,-TLSv1.2
NumTickets = 0
Options = -SessionTicket
)";
constexpr unsigned kRefreshSeconds = 1;
constexpr size_t kMostPemBytes = size_t{1} << 20;
constexpr int kKeepaliveMs = 20'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kConnectMs = 5'000;
constexpr int kFirstBackoffMs = 100;
constexpr int kMostBackoffMs = 2'000;
constexpr int kMostMessageBytes = 1 << 20;

absl::Status LoadConfiguration() {
  // The machine's own first: it is loaded once, and would otherwise replace ours at the first TLS context.
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  BIO* text = BIO_new_mem_buf(kConfiguration, -1);
  CONF* conf = NCONF_new(nullptr);
  long line = 0;
  const bool done = text != nullptr && conf != nullptr && NCONF_load_bio(conf, text, &line) == 1 &&
                    CONF_modules_load(conf, nullptr, 0) == 1;
  NCONF_free(conf);
  BIO_free(text);
  return done ? absl::OkStatus() : absl::InternalError("OpenSSL refuses the TLS configuration");
}

absl::Status CheckReadable(const TlsFiles& files) {
  for (const std::string& path : {files.certificate, files.key, files.roots}) {
    const absl::StatusOr<std::string> content = pki::ReadWholeFile(path, kMostPemBytes);
    if (!content.ok()) {
      return absl::UnavailableError("cannot read " + path);
    }
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> Provider(const TlsFiles& files) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(files.key, files.certificate,
                                                                              files.roots, kRefreshSeconds);
}

// Is it really that service? TLS has verified the chain.
class ServiceVerifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  ServiceVerifier(std::string service, pki::PeerTrust trust, CurrentDirectory directory)
      : service_(std::move(service)), trust_(std::move(trust)), directory_(std::move(directory)) {}

  bool Verify(TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)> /*callback*/,
              grpc::Status* sync_status) override {
    const grpc::string_ref pem = request->peer_cert();
    const absl::Status status = Check({pem.data(), pem.size()});
    if (!status.ok()) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(status.message()));
    }
    return true;
  }
  void Cancel(TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  [[nodiscard]] absl::Status Check(std::string_view leaf_pem) const {
    ASSIGN_OR_RETURN(const pki::PeerIdentity peer, trust_.Identify(leaf_pem));
    if (peer.kind != pki::PeerIdentity::Kind::kService || peer.service != service_) {
      return absl::UnauthenticatedError("the server is not the service that was called");
    }
    if (std::find(peer.dns_names.begin(), peer.dns_names.end(), ServerName(service_)) ==
        peer.dns_names.end()) {
      return absl::UnauthenticatedError("the server's certificate lacks its name");
    }
    if (directory_ && directory_()->IsRevoked(peer)) {
      return absl::UnauthenticatedError("the server's certificate is revoked");
    }
    return absl::OkStatus();
  }

  const std::string service_;
  const pki::PeerTrust trust_;
  const CurrentDirectory directory_;
};

grpc::ChannelArguments ArgumentsFor(const std::string& service) {
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(ServerName(service));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstBackoffMs);
  // Bounds one attempt to connect, whatever its name: a handshake on a busy machine takes its time.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMostBackoffMs);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // ours know the request id
  arguments.SetMaxReceiveMessageSize(kMostMessageBytes);
  // Channels with the same arguments share connections; ours must not, each has its own trust.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

}  // namespace

absl::Status ConfigureOpenSsl() {
  static const absl::Status status = LoadConfiguration();
  return status;
}

std::string ServerName(const std::string& service) { return "relais-" + service; }

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, const std::shared_ptr<grpc::AuthMetadataProcessor>& processor) {
  RETURN_IF_ERROR(CheckReadable(files));
  grpc::experimental::TlsServerCredentialsOptions options(Provider(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(processor);
  return credentials;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options,
                                                           pki::PeerTrust trust, CurrentDirectory directory) {
  RETURN_IF_ERROR(CheckReadable(options.files));
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(Provider(options.files));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_verify_server_certs(true);
  tls.set_check_call_host(false);  // the verifier says more than a host name
  tls.set_certificate_verifier(grpc::experimental::ExternalCertificateVerifier::Create<ServiceVerifier>(
      options.service, std::move(trust), std::move(directory)));
  return grpc::CreateCustomChannel(options.target, grpc::experimental::TlsCredentials(tls),
                                   ArgumentsFor(options.service));
}

}  // namespace relais::rpc
