// Real TLS: who gets in, who does not, and what they are told.
#include <gmock/gmock.h>
#include <grpc/grpc_security_constants.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "common/audit/leaf.h"
#include "common/rpc/client.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/refusal.h"
#include "common/rpc/tail_client.h"
#include "grpcpp/generic/generic_stub.h"
#include "tests/integration/tls_server.h"

// gRPC's session cache, through its C interface: a client that resumes on purpose.
#include <grpc/grpc_security.h>

namespace relais::rpc {
namespace {

using audit::v1::AuditService;
using audit::v1::GetCheckpointRequest;
using audit::v1::GetCheckpointResponse;
using audit::v1::ListLeavesRequest;
using audit::v1::ListLeavesResponse;
using testing::Certificates;
using ::testing::HasSubstr;
using testing::PlainChannel;
using testing::TlsServer;

// Before anything makes a TLS context, as main does.
const absl::Status kConfigured = ConfigureOpenSsl();

constexpr std::chrono::seconds kLong{20};
constexpr std::chrono::seconds kShort{3};

const Certificates& Certs() {
  static const auto* certificates = new Certificates();
  return *certificates;
}

const TlsFiles& Dsol() {
  static const auto* files = new TlsFiles(Certs().System("ville-paris", "dsol"));
  return *files;
}

void SetDeadline(grpc::ClientContext& context, std::chrono::seconds timeout = kLong) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

absl::Status Checkpoint(const std::shared_ptr<grpc::Channel>& channel, std::chrono::seconds timeout = kLong) {
  grpc::ClientContext context;
  SetDeadline(context, timeout);
  GetCheckpointResponse response;
  return FromGrpc(AuditService::NewStub(channel)->GetCheckpoint(&context, GetCheckpointRequest(), &response));
}

absl::Status List(const std::shared_ptr<grpc::Channel>& channel, uint32_t limit) {
  grpc::ClientContext context;
  SetDeadline(context);
  ListLeavesRequest request;
  request.set_limit(limit);
  ListLeavesResponse response;
  return FromGrpc(AuditService::NewStub(channel)->ListLeaves(&context, request, &response));
}

std::shared_ptr<grpc::Channel> Plain(const TlsServer& server, const TlsFiles& files) {
  return PlainChannel(server.target(), &files, files.roots);
}

std::shared_ptr<grpc::Channel> Strict(const TlsServer& server, const std::string& service,
                                      const TlsFiles& own) {
  return MakeChannel({server.target(), service, own}, Certs().Trust(), nullptr).value();
}

void Write(TlsServer& server, audit::v1::EventClass event_class) {
  audit::Event event;
  event.event_class = event_class;
  event.institution = "ville-paris";
  event.subject = audit::Subject{audit::Subject::Kind::kPerson, server.world().context().random.Id()};
  ASSERT_TRUE(BlockOn(WriteLoneLeaf(server.world().context(), event)).ok());
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

TEST(Tls, ARevocationReachesALiveConnectionAndItsStreams) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const TlsFiles auditor = Certs().System("auditor", "suite");
  const auto channel = Plain(server, auditor);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stub = AuditService::NewStub(channel);
  const auto stream = stub->Tail(&context);
  audit::v1::TailRequest open;
  open.mutable_open()->set_view(audit::v1::TAIL_VIEW_SEALED);
  ASSERT_TRUE(stream->Write(open));
  audit::v1::TailRequest nonce;
  nonce.set_nonce("n");
  ASSERT_TRUE(stream->Write(nonce));
  audit::v1::TailResponse response;
  ASSERT_TRUE(stream->Read(&response));
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
  audit::v1::TailRequest open;
  open.mutable_open()->set_view(audit::v1::TAIL_VIEW_SEALED);
  ASSERT_TRUE(stream->Write(open));
  audit::v1::TailRequest nonce;
  nonce.set_nonce("n");
  ASSERT_TRUE(stream->Write(nonce));
  audit::v1::TailResponse response;
  ASSERT_TRUE(stream->Read(&response));

  server.PutInForce(testing::SampleDirectoryWith(2, "roles: [AUDITOR]", "roles: [OPERATOR]"));
  EXPECT_TRUE(Checkpoint(channel).ok());  // still known
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpc(stream->Finish())), common::v1::ERROR_REASON_MISSING_ROLE);
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

TEST(Calls, ADeadlineIsRequired) {
  TlsServer server(Certs(), Certs().Service("consent"));
  grpc::ClientContext context;
  GetCheckpointResponse response;
  const absl::Status status = FromGrpc(AuditService::NewStub(Plain(server, Dsol()))
                                           ->GetCheckpoint(&context, GetCheckpointRequest(), &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_DEADLINE_REQUIRED);
}

TEST(Calls, BadFieldsAreNamed) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const auto channel = Plain(server, Certs().System("auditor", "suite"));
  const absl::Status status = List(channel, 10001);
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_INVALID_FIELDS);
  ASSERT_EQ(FieldsOf(status).field_violations_size(), 1);
  EXPECT_EQ(FieldsOf(status).field_violations(0).field(), "limit");

  // Messages of a stream too.
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stub = AuditService::NewStub(channel);
  const auto stream = stub->Tail(&context);
  audit::v1::TailRequest open;
  open.mutable_open()->set_from(3);
  ASSERT_TRUE(stream->Write(open));
  audit::v1::TailResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const absl::Status end = FromGrpc(stream->Finish());
  ASSERT_EQ(FieldsOf(end).field_violations_size(), 1) << end;
  EXPECT_EQ(FieldsOf(end).field_violations(0).field(), "open.view");
}

TEST(Calls, AFunctionMustBeTheInstitutions) {
  TlsServer server(Certs(), Certs().Service("consent"));
  grpc::ClientContext context;
  SetDeadline(context);
  context.AddMetadata("relais-function", "mayor");
  GetCheckpointResponse response;
  const absl::Status status = FromGrpc(AuditService::NewStub(Plain(server, Dsol()))
                                           ->GetCheckpoint(&context, GetCheckpointRequest(), &response));
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_AGENT_REQUIRED);
}

// A handler that answers when told.
class Gate {
 public:
  explicit Gate(Executor** executor) : executor_(executor) {}
  TlsServer::Handler handler() {
    return [this](Call, GetCheckpointRequest) { return Wait(); };
  }
  void AwaitEntered(int calls) {
    while (entered_ < calls) {
      std::this_thread::yield();
    }
  }
  void Open() { open_ = true; }
  [[nodiscard]] int left() const { return left_; }

 private:
  Task<absl::StatusOr<GetCheckpointResponse>> Wait() {
    ++entered_;
    while (!open_) {
      co_await Sleep(**executor_, absl::Milliseconds(2));
    }
    ++left_;
    GetCheckpointResponse response;
    response.set_checkpoint("done");
    co_return response;
  }

  Executor** executor_;
  std::atomic<int> entered_ = 0;
  std::atomic<int> left_ = 0;
  std::atomic<bool> open_ = false;
};

class GatedServer : public ::testing::Test {
 protected:
  static DispatchOptions OneAtATime() {
    DispatchOptions options;
    options.max_calls = 1;
    return options;
  }
  Executor* executor_ = nullptr;
  Gate gate_{&executor_};
};

TEST_F(GatedServer, DrainLetsCallsUnderWayFinishAndTakesNoNewOnes) {
  TlsServer server(Certs(), Certs().Service("consent"), {}, gate_.handler());
  executor_ = &server.executor();
  const auto channel = Plain(server, Dsol());
  auto call = std::async(std::launch::async, [&] { return Checkpoint(channel); });
  gate_.AwaitEntered(1);
  auto drain = std::async(std::launch::async, [&] { server.server().Drain(absl::Seconds(20)); });
  while (Checkpoint(channel, std::chrono::seconds(1)).code() != absl::StatusCode::kUnavailable) {
    std::this_thread::yield();
  }
  gate_.Open();
  EXPECT_TRUE(call.get().ok());
  drain.get();
}

TEST_F(GatedServer, OverTheBoundCallersAreToldWhenToComeBack) {
  TlsServer server(Certs(), Certs().Service("consent"), OneAtATime(), gate_.handler());
  executor_ = &server.executor();
  const auto channel = Plain(server, Dsol());
  auto call = std::async(std::launch::async, [&] { return Checkpoint(channel); });
  gate_.AwaitEntered(1);
  const absl::Status status = Checkpoint(channel);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_TRUE(RetryAfterOf(status));
  gate_.Open();
  EXPECT_TRUE(call.get().ok());
  EXPECT_THAT(server.all_metrics().Text(), HasSubstr("RESOURCE_EXHAUSTED"));
}

TEST_F(GatedServer, OneInstitutionCannotKeepTheOthersOut) {
  DispatchOptions options;
  options.max_calls = 4;
  TlsServer server(Certs(), Certs().Service("consent"), options, gate_.handler());
  executor_ = &server.executor();
  const auto dsol = Plain(server, Dsol());
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < 2; ++i) {
    calls.push_back(std::async(std::launch::async, [&] { return Checkpoint(dsol); }));
  }
  gate_.AwaitEntered(2);
  EXPECT_EQ(ReasonOf(Checkpoint(dsol)), common::v1::ERROR_REASON_OVERLOADED);
  auto other = std::async(std::launch::async,
                          [&] { return Checkpoint(Plain(server, Certs().System("auditor", "suite"))); });
  gate_.AwaitEntered(3);
  gate_.Open();
  for (std::future<absl::Status>& call : calls) {
    EXPECT_TRUE(call.get().ok());
  }
  EXPECT_TRUE(other.get().ok());
  EXPECT_TRUE(Checkpoint(dsol).ok());  // its share came back
}

TEST_F(GatedServer, AClientThatLeavesDoesNotTakeTheHandlerAlong) {
  TlsServer server(Certs(), Certs().Service("consent"), {}, gate_.handler());
  executor_ = &server.executor();
  const auto channel = Plain(server, Dsol());
  grpc::ClientContext context;
  SetDeadline(context);
  GetCheckpointResponse response;
  const auto stub = AuditService::NewStub(channel);
  auto call = std::async(std::launch::async,
                         [&] { return stub->GetCheckpoint(&context, GetCheckpointRequest(), &response); });
  gate_.AwaitEntered(1);
  context.TryCancel();
  EXPECT_EQ(call.get().error_code(), grpc::StatusCode::CANCELLED);
  gate_.Open();
  server.server().Drain(absl::Seconds(20));
  EXPECT_EQ(gate_.left(), 1);
}

TEST(Health, SaysWhetherItServes) {
  TlsServer server(Certs(), Certs().Service("consent"));
  const auto check = [channel = Plain(server, Dsol())]() -> std::string {
    grpc::ClientContext context;
    SetDeadline(context);
    grpc::GenericStub stub(channel);
    const grpc::Slice empty;
    grpc::ByteBuffer request(&empty, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                   [&](grpc::Status status) { done.set_value(std::move(status)); });
    if (!done.get_future().get().ok()) {
      return "failed";
    }
    grpc::Slice slice;
    return response.DumpToSingleSlice(&slice).ok()
               ? std::string(reinterpret_cast<const char*>(slice.begin()), slice.size())
               : "unreadable";
  };
  EXPECT_EQ(check(), std::string("\x08\x01"));  // HealthCheckResponse{status: SERVING}
  server.server().SetServing(false);
  EXPECT_EQ(check(), std::string("\x08\x02"));
}

TEST(Client, CallsRepeatUntilThePeerAnswers) {
  std::atomic<int> calls = 0;
  TlsServer server(Certs(), Certs().Service("consent"), {},
                   [&](Call call, GetCheckpointRequest) -> Task<absl::StatusOr<GetCheckpointResponse>> {
                     return
                         [](int number, std::string caller) -> Task<absl::StatusOr<GetCheckpointResponse>> {
                           if (number < 3) {
                             co_return absl::UnavailableError("not yet");
                           }
                           GetCheckpointResponse response;
                           response.set_checkpoint(caller);
                           co_return response;
                         }(++calls, call.caller.Name());
                   });
  ThreadPool executor(1);
  const ServiceClient<AuditService> client(Strict(server, "consent", Certs().Service("routing")), executor);
  const auto method = client.Method(&AuditService::Stub::async::GetCheckpoint);
  const auto answer = BlockOn(method(GetCheckpointRequest(), absl::Seconds(20)));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->checkpoint(), "service/routing");
  EXPECT_EQ(calls, 3);
}

TEST(Client, ARefusalComesBackAtOnceWithItsReason) {
  TlsServer server(Certs(), Certs().Service("consent"));
  ThreadPool executor(1);
  const ServiceClient<AuditService> client(Strict(server, "consent", Certs().Service("routing")), executor);
  ListLeavesRequest request;
  request.set_limit(10001);
  const auto answer =
      BlockOn(client.Method(&AuditService::Stub::async::ListLeaves)(request, absl::Seconds(20)));
  EXPECT_EQ(ReasonOf(answer.status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST(Client, APeerThatIsNotThereEndsAtTheTimeout) {
  ThreadPool executor(1);
  const auto channel =
      MakeChannel({"127.0.0.1:1", "consent", Certs().Service("routing")}, Certs().Trust(), nullptr);
  ASSERT_TRUE(channel.ok());
  const ServiceClient<AuditService> client(*channel, executor);
  const auto answer = BlockOn(client.Method(&AuditService::Stub::async::GetCheckpoint)(
      GetCheckpointRequest(), absl::Milliseconds(300)));
  EXPECT_EQ(ReasonOf(PeerFailure(answer.status(), "consent")), common::v1::ERROR_REASON_PEER_UNAVAILABLE);
}

TEST(TailClient, ReadsProbesAndOpensAgainWhereAsked) {
  TlsServer server(Certs(), Certs().Service("consent"));
  Write(server, audit::v1::EVENT_CLASS_CHECK_DECIDED);
  Write(server, audit::v1::EVENT_CLASS_CONSENT_RECORDED);
  ThreadPool executor(2);
  const auto source = MakeTailSource(Strict(server, "consent", Certs().Service("routing")), executor);
  const auto before = BlockOn(source->Probe("before any read"));
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->size, 2u);

  const auto first = BlockOn(source->Read(0, 10, absl::Seconds(10)));
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ(first->at(0).opening, audit::v1::TailLeaf::OPENING_OPENED);
  EXPECT_EQ(first->at(1).opening, audit::v1::TailLeaf::OPENING_WITHHELD);
  EXPECT_EQ(first->at(1).index, 1u);
  EXPECT_EQ(first->at(1).hash, merkle::HashLeaf(server.world().log().ReadLeaves(1, 1)->at(0)));

  const auto state = BlockOn(source->Probe("0123456789abcdef"));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->size, 2u);
  EXPECT_EQ(state->root, server.world().log().state().root);

  const auto nothing = BlockOn(source->Read(2, 10, absl::Milliseconds(20)));
  ASSERT_TRUE(nothing.ok());
  EXPECT_TRUE(nothing->empty());
  Write(server, audit::v1::EVENT_CLASS_CHECK_DECIDED);
  EXPECT_EQ(BlockOn(source->Read(2, 10, absl::Seconds(10)))->at(0).index, 2u);
  EXPECT_EQ(BlockOn(source->Read(1, 1, absl::Seconds(10)))->at(0).index, 1u);
}

TEST(TailClient, ABrokenStreamIsUnavailableAndThenOpensAgain) {
  TlsServer server(Certs(), Certs().Service("consent"));
  Write(server, audit::v1::EVENT_CLASS_CHECK_DECIDED);
  const TlsFiles routing = Certs().Service("routing");
  ThreadPool executor(2);
  const auto source = MakeTailSource(Strict(server, "consent", routing), executor);
  ASSERT_EQ(BlockOn(source->Read(0, 10, absl::Seconds(10)))->size(), 1u);
  server.Revoke(routing);
  EXPECT_EQ(BlockOn(source->Read(1, 10, absl::Seconds(10))).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(BlockOn(source->Probe("0123456789abcdef")).ok());
  server.world().SetDirectory(testing::SampleDirectory(3));
  EXPECT_TRUE(BlockOn(source->Probe("0123456789abcdef")).ok());
  Write(server, audit::v1::EVENT_CLASS_CHECK_DECIDED);
  const auto again = BlockOn(source->Read(1, 10, absl::Seconds(10)));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->at(0).index, 1u);
}

}  // namespace
}  // namespace relais::rpc
