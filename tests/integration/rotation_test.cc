// A certificate is replaced while the service runs.
#include <grpc/grpc_security_constants.h>

#include "common/pki/certificate.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

// Calls, and says which certificate the server of that connection has shown; why the call failed, if it did.
std::string ServerSeenBy(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  SetDeadline(context);
  GetCheckpointResponse response;
  const grpc::Status status =
      AuditService::NewStub(channel)->GetCheckpoint(&context, GetCheckpointRequest(), &response);
  if (!status.ok()) {
    return status.error_message();
  }
  const auto pem = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  return pem.empty() ? "no certificate"
                     : pki::ParsePeerCertificate({pem.front().data(), pem.front().size()})->fingerprint;
}

// A stream that answers every nonce, as a follower's.
class Probes {
 public:
  explicit Probes(const std::shared_ptr<grpc::Channel>& channel) : stub_(AuditService::NewStub(channel)) {
    SetDeadline(context_, 3 * kLong);
    stream_ = stub_->Tail(&context_);
    audit::v1::TailRequest open;
    open.mutable_open()->set_view(audit::v1::TAIL_VIEW_SEALED);
    EXPECT_TRUE(stream_->Write(open));
  }
  ~Probes() { context_.TryCancel(); }
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  bool Answered() {
    audit::v1::TailRequest nonce;
    nonce.set_nonce("n");
    audit::v1::TailResponse response;
    return stream_->Write(nonce) && stream_->Read(&response) && response.has_state();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<AuditService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<audit::v1::TailRequest, audit::v1::TailResponse>> stream_;
};

TEST(Rotation, NewConnectionsGetTheNewCertificateAndOldOnesLiveOn) {
  const TlsFiles rotating = Certs().Issue("rotating", "consent");
  const std::string first = FingerprintOf(rotating);
  TlsServer server(Certs(), rotating);
  const auto old = Plain(server, Certs().System("auditor", "suite"));
  ASSERT_EQ(ServerSeenBy(old), first);
  Probes probes(old);
  ASSERT_TRUE(probes.Answered());

  Certs().Issue("rotating", "consent");
  const std::string second = FingerprintOf(rotating);
  ASSERT_NE(second, first);
  // The files are looked at every second. Until then, and while their folder was away, the first one serves.
  const auto until = std::chrono::steady_clock::now() + kLong;
  std::string seen = first;
  while (seen == first && std::chrono::steady_clock::now() < until) {
    seen = ServerSeenBy(Plain(server, Dsol()));
  }
  EXPECT_EQ(seen, second);
  EXPECT_EQ(ServerSeenBy(Strict(server, "consent", Certs().Service("routing"))), second);

  // The connection that was there shows what it showed at its handshake: it is the same one.
  EXPECT_EQ(ServerSeenBy(old), first);
  EXPECT_TRUE(probes.Answered());
}

TEST(Rotation, FilesThatAreGoneLeaveTheCertificateThatWasRead) {
  const TlsFiles files = Certs().Issue("gone", "consent");
  const std::string shown = FingerprintOf(files);
  TlsServer server(Certs(), files);
  Certs().Remove("gone");
  // It looks every second, and finds nothing.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2500);
  std::string seen = shown;
  while (seen == shown && std::chrono::steady_clock::now() < until) {
    seen = ServerSeenBy(Plain(server, Dsol()));
  }
  EXPECT_EQ(seen, shown);
}

}  // namespace
}  // namespace relais::rpc
