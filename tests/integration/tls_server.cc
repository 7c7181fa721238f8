#include "tests/integration/tls_server.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "common/pki/certificate.h"
#include "common/pki/file.h"
#include "common/rpc/audit_service.h"

namespace relais::rpc::testing {
namespace {

constexpr char kDomain[] = "relais.test";
constexpr size_t kMostBytes = size_t{1} << 20;

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "tls test: %s\n", value.status().ToString().c_str());
    std::abort();
  }
  return *std::move(value);
}
void Must(const absl::Status& status) { Must<bool>(status.ok() ? absl::StatusOr<bool>(true) : status); }

pki::Validity Now() { return {absl::Now() - absl::Hours(24), absl::Now() + absl::Hours(24)}; }

// AuditService with one method of the test's.
class PatchedService final : public audit::v1::AuditService::CallbackService {
 public:
  PatchedService(Dispatcher& dispatcher, TlsServer::Handler handler)
      : dispatcher_(dispatcher), handler_(std::move(handler)) {}

  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* context,
                                          const audit::v1::GetCheckpointRequest* request,
                                          audit::v1::GetCheckpointResponse* response) override {
    return dispatcher_.Unary<audit::v1::GetCheckpointRequest, audit::v1::GetCheckpointResponse>(
        context, request, response, dispatcher_.Find("relais.audit.v1.AuditService/GetCheckpoint"), handler_);
  }

 private:
  Dispatcher& dispatcher_;
  const TlsServer::Handler handler_;
};

}  // namespace

Certificates::Certificates() {
  std::string pattern = std::filesystem::temp_directory_path() / "relais-tls-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    std::abort();
  }
  folder_ = pattern;
  pki::DevelopmentPki pki;
  pki.trust_domain = kDomain;
  pki.systems = {{"ville-paris", "dsol"}, {"edf", "billing"}, {"auditor", "suite"}, {"nobody", "known"}};
  pki.services = {"consent", "routing"};
  pki.now = absl::Now();
  Must(pki::MakeDevelopmentPki(folder_, pki));

  pki::AuthorityRequest authority;
  authority.common_name = "Lax institutions";
  authority.validity = Now();
  lax_institutions_ =
      Must(pki::MakeIntermediateAuthority(Must(pki::LoadDevelopmentAuthorities(folder_)).root, authority));
  authority.common_name = "Foreign";
  const pki::Authority foreign = Must(pki::MakeRootAuthority(authority));
  Must(pki::WriteCertificate(
      folder_ + "/foreign",
      Must(pki::IssueCertificate(foreign, pki::SystemRequest(kDomain, {"ville-paris", "dsol"}, Now())))));
}

Certificates::~Certificates() { std::filesystem::remove_all(folder_); }

TlsFiles Certificates::At(const std::string& folder) const {
  return {folder + "/tls.crt", folder + "/tls.key", folder_ + "/ca/bundle.pem"};
}

TlsFiles Certificates::System(const std::string& institution, const std::string& system) const {
  return At(folder_ + "/institutions/" + institution + "/" + system);
}

TlsFiles Certificates::Service(const std::string& service) const {
  return At(folder_ + "/services/" + service);
}

TlsFiles Certificates::Foreign() const { return At(folder_ + "/foreign"); }

TlsFiles Certificates::InstitutionPosingAsService(const std::string& service) const {
  const std::string folder = folder_ + "/posing-" + service;
  Must(pki::WriteCertificate(
      folder, Must(pki::IssueCertificate(lax_institutions_, pki::ServiceRequest(kDomain, service, Now())))));
  return At(folder);
}

pki::PeerTrust Certificates::Trust() const {
  return Must(pki::PeerTrust::Create(
      {kDomain, Read(folder_ + "/ca/institutions.pem") + lax_institutions_.certificate_pem,
       Read(folder_ + "/ca/services.pem"), ""}));
}

TlsFiles Certificates::Issue(const std::string& name, const std::string& service) const {
  const std::string folder = folder_ + "/" + name;
  const pki::Authority issuer = Must(pki::LoadDevelopmentAuthorities(folder_)).services;
  Must(pki::WriteCertificate(
      folder + ".next", Must(pki::IssueCertificate(issuer, pki::ServiceRequest(kDomain, service, Now())))));
  if (std::filesystem::exists(folder)) {
    std::filesystem::rename(folder, folder + ".old");
  }
  std::filesystem::rename(folder + ".next", folder);
  std::filesystem::remove_all(folder + ".old");
  return At(folder);
}

void Certificates::Remove(const std::string& name) const {
  std::filesystem::remove_all(folder_ + "/" + name);
}

std::string Read(const std::string& path) { return Must(pki::ReadWholeFile(path, kMostBytes)); }

std::string FingerprintOf(const TlsFiles& files) {
  return Must(pki::ParsePeerCertificate(Read(files.certificate))).fingerprint;
}

TlsServer::TlsServer(const Certificates& certificates, const TlsFiles& own, DispatchOptions options,
                     Handler get_checkpoint, const Another& another)
    : authenticator_(
          certificates.Trust(), [this] { return world_.directory(); }, clock_),
      dispatcher_(world_.context(), authenticator_, std::move(options)),
      service_metrics_(metrics_,
                       {{"relais.audit.v1.AuditService/GetCheckpoint", "relais.audit.v1.AuditService/Tail"},
                        {},
                        {},
                        true}),
      handlers_(world_.context(), {{"routing", {audit::v1::EVENT_CLASS_CHECK_DECIDED}}}) {
  Must(dispatcher_.AddService(kAuditServiceName));
  if (another) {
    another_ = another(dispatcher_);
  }
  dispatcher_.SetMetrics(&service_metrics_);
  if (get_checkpoint) {
    service_ = std::make_unique<PatchedService>(dispatcher_, std::move(get_checkpoint));
  } else {
    service_ = MakeAuditService(dispatcher_, handlers_);
  }
  ServerOptions server;
  server.listen = "127.0.0.1:0";
  server.tls = own;
  server.reflection = true;
  std::vector<grpc::Service*> services = {service_.get()};
  if (another_ != nullptr) {
    services.push_back(another_.get());
  }
  server_ = Must(Server::Start(server, authenticator_, dispatcher_, services));
  server_->SetServing(true);
}

TlsServer::~TlsServer() {
  server_ = nullptr;
  executor_.Stop();
}

void TlsServer::Revoke(const TlsFiles& files) {
  PutInForce(SampleDirectory(world_.directory()->version() + 1,
                             "revocations:\n  - {fingerprint: " + FingerprintOf(files) +
                                 ", revoked_at: \"2026-01-01T00:00:00Z\", reason: test}\n"));
}

void TlsServer::PutInForce(std::shared_ptr<const directory::Directory> directory) {
  world_.SetDirectory(std::move(directory));
  dispatcher_.RecheckStreams();
}

std::shared_ptr<grpc::Channel> PlainChannel(const std::string& target, const TlsFiles* files,
                                            const std::string& roots, grpc::ChannelArguments arguments) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = Read(roots);
  if (files != nullptr) {
    options.pem_private_key = Read(files->key);
    options.pem_cert_chain = Read(files->certificate);
  }
  arguments.SetSslTargetNameOverride("relais-consent");
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::SslCredentials(options), arguments);
}

}  // namespace relais::rpc::testing
