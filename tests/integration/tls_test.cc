// Real TLS: who gets in, who does not, and what they are told.
#include <grpc/grpc_security_constants.h>
#include <openssl/ssl.h>

#include <future>
#include <vector>

#include "common/audit/leaf.h"
#include "grpcpp/generic/generic_stub.h"
#include "tests/integration/tls_fixture.h"

// gRPC's session cache, through its C interface: a client that resumes on purpose.
#include <grpc/grpc_security.h>

namespace relais::rpc {
namespace {

using namespace testing;

// How a call of that path with an empty message ends, whatever kind of method it is.
grpc::StatusCode CallAny(const std::shared_ptr<grpc::Channel>& channel, const std::string& path) {
  grpc::ClientContext context;
  SetDeadline(context, kShort);
  grpc::GenericStub stub(channel);
  const grpc::Slice nothing;
  grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, path, grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get().error_code();
}

TEST(Tls, AKnownSystemGetsIn) {
  ASSERT_TRUE(kConfigured.ok()) << kConfigured;
  TlsServer server(Certs(), Certs().Service("consent"));
  EXPECT_TRUE(Checkpoint(Plain(server, Dsol())).ok());
}

TEST(Tls, WithoutCertificateNobodyDoes) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const absl::Status status = Checkpoint(PlainChannel(server.target(), nullptr, Dsol().roots), kShort);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(Tls, AForeignAuthorityVouchesForNobody) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const TlsFiles foreign = Certs().Foreign();
  const absl::Status status = Checkpoint(Plain(server, foreign), kShort);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(Tls, AnInstitutionTheDirectoryDoesNotHaveIsUnauthenticated) {
  TlsServer server(Certs(), Certs().Service("consent"));
  EXPECT_EQ(Checkpoint(Plain(server, Certs().System("nobody", "known"))).code(),
            absl::StatusCode::kUnauthenticated);
}

TEST(Tls, AMissingRoleIsToldAndLeavesALeaf) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const auto channel = Plain(server, Certs().System("edf", "billing"));
  const absl::Status status = List(channel, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(server.world().log().state().size, 0u);  // ListLeaves is not audited; Tail is

  grpc::ClientContext context;
  SetDeadline(context);
  const auto stub = AuditService::NewStub(channel);
  const auto stream = stub->Tail(&context);
  EXPECT_EQ(FromGrpc(stream->Finish()).code(), absl::StatusCode::kPermissionDenied);
  // Behind the answer.
  ASSERT_EQ(BlockOn(server.world().log().WaitForGrowth(0, absl::Seconds(10))), 1u);
  const auto leaves = server.world().log().ReadOpened(0, 1);
  ASSERT_TRUE(leaves.ok() && leaves->size() == 1);
  EXPECT_EQ(leaves->at(0).leaf.header.event_class(), audit::v1::EVENT_CLASS_CALL_REFUSED);
  EXPECT_EQ(leaves->at(0).leaf.header.institution(), "edf");
  audit::v1::RefusedCall refused;
  ASSERT_TRUE(leaves->at(0).details.payload().UnpackTo(&refused));
  EXPECT_EQ(refused.method(), "relais.audit.v1.AuditService/Tail");
  EXPECT_EQ(refused.reason(), "MISSING_ROLE");
}

// Reads the sealed log from its first leaf.
template <typename Stream>
bool OpensTail(Stream& stream, audit::v1::TailResponse& response) {
  audit::v1::TailRequest open;
  open.mutable_open()->set_view(audit::v1::TAIL_VIEW_SEALED);
  audit::v1::TailRequest nonce;
  nonce.set_nonce("n");
  return stream.Write(open) && stream.Write(nonce) && stream.Read(&response);
}

TEST(Tls, ARevocationReachesALiveConnectionAndItsStreams) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const TlsFiles auditor = Certs().System("auditor", "suite");
  const auto channel = Plain(server, auditor);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stub = AuditService::NewStub(channel);
  const auto stream = stub->Tail(&context);
  audit::v1::TailResponse response;
  ASSERT_TRUE(OpensTail(*stream, response));
  ASSERT_TRUE(Checkpoint(channel).ok());

  server.Revoke(auditor);
  EXPECT_EQ(Checkpoint(channel).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_FALSE(stream->Read(&response));
  const absl::Status end = FromGrpc(stream->Finish());
  EXPECT_EQ(end.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(end), common::v1::ERROR_REASON_NOT_AUTHENTICATED);
}

TEST(Tls, ARoleThatIsTakenAwayEndsTheStreamsItAllowed) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const auto channel = Plain(server, Certs().System("auditor", "suite"));
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stub = AuditService::NewStub(channel);
  const auto stream = stub->Tail(&context);
  audit::v1::TailResponse response;
  ASSERT_TRUE(OpensTail(*stream, response));

  server.PutInForce(testing::SampleDirectoryWith(2, "roles: [AUDITOR]", "roles: [OPERATOR]"));
  EXPECT_TRUE(Checkpoint(channel).ok());  // still known
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpc(stream->Finish())), common::v1::ERROR_REASON_MISSING_ROLE);
}

TEST(Tls, AFunctionThatMayNoMoreEndsItsStreams) {
  TlsServer server(Certs(), Certs().Service("consent"));
  grpc::ClientContext context;
  SetDeadline(context);
  context.AddMetadata("relais-function", "auditeur");
  const auto stub = AuditService::NewStub(Plain(server, Certs().System("auditor", "suite")));
  const auto stream = stub->Tail(&context);
  audit::v1::TailResponse response;
  ASSERT_TRUE(OpensTail(*stream, response));

  server.PutInForce(testing::SampleDirectoryWith(2, "may: [AUDIT]", "may: [OPERATE]"));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpc(stream->Finish())), common::v1::ERROR_REASON_MISSING_CAPABILITY);
}

TEST(Tls, AFunctionThatMayNotIsToldAndLeavesALeaf) {
  TlsServer server(Certs(), Certs().Service("consent"));
  server.PutInForce(testing::SampleDirectoryWith(2, "may: [AUDIT]", "may: [OPERATE]"));
  grpc::ClientContext context;
  SetDeadline(context);
  context.AddMetadata("relais-function", "auditeur");
  context.AddMetadata("relais-reason", "the yearly audit");
  audit::v1::QueryResponse response;
  const absl::Status status =
      FromGrpc(AuditService::NewStub(Plain(server, Certs().System("auditor", "suite")))
                   ->Query(&context, audit::v1::QueryRequest(), &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_MISSING_CAPABILITY);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("auditeur"));
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("AUDIT"));
  // Behind the answer.
  ASSERT_EQ(BlockOn(server.world().log().WaitForGrowth(0, absl::Seconds(10))), 1u);
  const auto leaves = server.world().log().ReadOpened(0, 1);
  ASSERT_TRUE(leaves.ok() && leaves->size() == 1);
  audit::v1::RefusedCall refused;
  ASSERT_TRUE(leaves->at(0).details.payload().UnpackTo(&refused));
  EXPECT_EQ(refused.method(), "relais.audit.v1.AuditService/Query");
  EXPECT_EQ(refused.reason(), "MISSING_CAPABILITY");
}

// Whatever the method, and whether or not it was called before: what authenticates the caller differs.
TEST(Tls, NobodyIsAnsweredByAnyKindOfMethod) {
  const std::vector<std::string> served = {"/relais.audit.v1.AuditService/GetCheckpoint",  // unary
                                           "/relais.audit.v1.AuditService/Tail",           // both stream
                                           "/relais.audit.v1.AuditService/Export"};        // answers stream
  std::vector<std::string> methods = served;
  for (const char* other :
       {"/relais.audit.v1.AuditService/Nothing", "/relais.audit.v1.HoldService/ListHolds",
        "/relais.vault.v1.DocumentService/List", "/nonsense", "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    methods.emplace_back(other);
  }
  TlsServer server(Certs(), Certs().Service("consent"));
  const TlsFiles billing = Certs().System("edf", "billing");
  server.Revoke(billing);
  const std::shared_ptr<grpc::Channel> nobodies[] = {Plain(server, Certs().System("nobody", "known")),
                                                     Plain(server, billing)};
  const auto all_refused = [&](const std::string& when) {
    for (const std::string& method : methods) {
      for (const auto& channel : nobodies) {
        EXPECT_EQ(CallAny(channel, method), grpc::StatusCode::UNAUTHENTICATED) << method << " " << when;
      }
    }
  };
  all_refused("before anybody called");
  for (const std::string& method : served) {
    EXPECT_NE(CallAny(Plain(server, Dsol()), method), grpc::StatusCode::UNAUTHENTICATED) << method;
    EXPECT_TRUE(server.dispatcher().Authenticates(method)) << method;
  }
  for (size_t i = served.size(); i < methods.size(); ++i) {
    EXPECT_NE(CallAny(Plain(server, Dsol()), methods[i]), grpc::StatusCode::UNAUTHENTICATED) << methods[i];
    EXPECT_FALSE(server.dispatcher().Authenticates(methods[i])) << methods[i];
  }
  // Only what gRPC takes to the method.
  EXPECT_FALSE(server.dispatcher().Authenticates(served[0].substr(1)));
  EXPECT_FALSE(server.dispatcher().Authenticates("x" + served[0].substr(1)));
  EXPECT_FALSE(server.dispatcher().Authenticates(served[0] + "/"));
  EXPECT_FALSE(server.dispatcher().Authenticates(""));
  all_refused("after somebody called");
}

TEST(Tls, ARevocationReachesAResumedSession) {
  TlsServer server(Certs(), Certs().Service("consent"));
  grpc_ssl_session_cache* cache = grpc_ssl_session_cache_create_lru(16);
  const grpc_arg arg = grpc_ssl_session_cache_create_channel_arg(cache);
  grpc::ChannelArguments arguments;
  arguments.SetPointerWithVtable(arg.key, arg.value.pointer.p, arg.value.pointer.vtable);
  EXPECT_TRUE(Checkpoint(PlainChannel(server.target(), &Dsol(), Dsol().roots, arguments)).ok());
  server.Revoke(Dsol());
  EXPECT_EQ(Checkpoint(PlainChannel(server.target(), &Dsol(), Dsol().roots, arguments)).code(),
            absl::StatusCode::kUnauthenticated);
  grpc_ssl_session_cache_destroy(cache);
}

// What the OpenSSL configuration is for: a client that wants TLS 1.2 gets nothing, one of TLS 1.3 gets no
// ticket.
struct RawTls {
  bool connected = false;
  int tickets = 0;
};
RawTls ConnectRaw(const TlsServer& server, const TlsFiles& files, int version) {
  RawTls result;
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  SSL_CTX_clear_options(ctx, SSL_OP_NO_TLSv1_2);
  SSL_CTX_set_max_proto_version(ctx, version);
  SSL_CTX_use_certificate_chain_file(ctx, files.certificate.c_str());
  SSL_CTX_use_PrivateKey_file(ctx, files.key.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(ctx, &result);
  SSL_CTX_sess_set_new_cb(ctx, [](SSL* ssl, SSL_SESSION*) {
    ++static_cast<RawTls*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->tickets;
    return 0;
  });
  BIO* bio = BIO_new_ssl_connect(ctx);
  BIO_set_conn_hostname(bio, server.target().c_str());
  SSL* ssl = nullptr;
  BIO_get_ssl(bio, &ssl);
  static constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl, kAlpn, sizeof(kAlpn));
  result.connected = BIO_do_connect(bio) == 1 && BIO_do_handshake(bio) == 1;
  if (result.connected) {
    // The server's HTTP/2 settings come after any ticket.
    char settings[9];
    BIO_read(bio, settings, sizeof(settings));
  }
  BIO_free_all(bio);
  SSL_CTX_free(ctx);
  return result;
}

TEST(Tls, OnlyTls13AndNoTickets) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const RawTls current = ConnectRaw(server, Dsol(), TLS1_3_VERSION);
  EXPECT_TRUE(current.connected);
  EXPECT_EQ(current.tickets, 0);
  EXPECT_FALSE(ConnectRaw(server, Dsol(), TLS1_2_VERSION).connected);
}

TEST(Tls, OurClientsKnowAServiceFromAnInstitution) {
  const TlsFiles own = Certs().Service("routing");
  TlsServer genuine(Certs(), Certs().Service("consent"));
  EXPECT_TRUE(Checkpoint(Strict(genuine, "consent", own)).ok());
  TlsServer posing(Certs(), Certs().InstitutionPosingAsService("consent"));
  // A client that looks at chain and name alone would fall for it.
  EXPECT_TRUE(Checkpoint(Plain(posing, Dsol())).ok());
  EXPECT_EQ(Checkpoint(Strict(posing, "consent", own), kShort).code(), absl::StatusCode::kUnavailable);
}

TEST(Tls, OurClientsKnowOneServiceFromAnother) {
  TlsServer routing(Certs(), Certs().Service("routing"));
  EXPECT_EQ(Checkpoint(Strict(routing, "consent", Certs().Service("consent")), kShort).code(),
            absl::StatusCode::kUnavailable);
}

TEST(Tls, OurClientsRefuseARevokedServer) {
  const TlsFiles consent = Certs().Service("consent");
  TlsServer server(Certs(), consent);
  const auto directory =
      testing::SampleDirectory(2, "revocations:\n  - {fingerprint: " + testing::FingerprintOf(consent) +
                                      ", revoked_at: \"2026-01-01T00:00:00Z\", reason: test}\n");
  const auto channel = MakeChannel({server.target(), "consent", Certs().Service("routing")}, Certs().Trust(),
                                   [directory] { return directory; });
  ASSERT_TRUE(channel.ok());
  EXPECT_EQ(Checkpoint(*channel, kShort).code(), absl::StatusCode::kUnavailable);
}

TEST(Tls, AnInstitutionPosingAsAServiceIsNoCaller) {
  TlsServer server(Certs(), Certs().Service("consent"));
  EXPECT_EQ(Checkpoint(Plain(server, Certs().InstitutionPosingAsService("routing"))).code(),
            absl::StatusCode::kUnauthenticated);
}

}  // namespace
}  // namespace relais::rpc
