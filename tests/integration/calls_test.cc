// Calls over real TLS: what every one must bring, how many there may be, and how they end.
#include <atomic>
#include <future>
#include <thread>

#include "grpcpp/generic/generic_stub.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

using ::testing::HasSubstr;

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

// A service follows the log however many institutions' calls stand still; its own places are not without end.
TEST_F(GatedServer, InstitutionsCannotKeepServicesOut) {
  DispatchOptions options = OneAtATime();
  options.for_services = 1;
  TlsServer server(Certs(), Certs().Service("consent"), options, gate_.handler());
  executor_ = &server.executor();
  const auto dsol = Plain(server, Dsol());
  const auto routing = Plain(server, Certs().Service("routing"));
  auto call = std::async(std::launch::async, [&] { return Checkpoint(dsol); });
  gate_.AwaitEntered(1);
  EXPECT_EQ(ReasonOf(Checkpoint(dsol)), common::v1::ERROR_REASON_OVERLOADED);
  auto follows = std::async(std::launch::async, [&] { return Checkpoint(routing); });
  gate_.AwaitEntered(2);
  EXPECT_EQ(ReasonOf(Checkpoint(routing)), common::v1::ERROR_REASON_OVERLOADED);
  gate_.Open();
  EXPECT_TRUE(call.get().ok());
  EXPECT_TRUE(follows.get().ok());
  EXPECT_TRUE(Checkpoint(dsol).ok()) << "its place came back";
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
  const auto check = [channel = Plain(server, Dsol())](const std::string& name) -> std::string {
    grpc::ClientContext context;
    SetDeadline(context);
    grpc::GenericStub stub(channel);
    // HealthCheckRequest{service: name}
    const std::string bytes = name.empty() ? "" : std::string("\x0a") + static_cast<char>(name.size()) + name;
    const grpc::Slice slice_of_request(bytes);
    grpc::ByteBuffer request(&slice_of_request, 1);
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
  for (const char* name : {"", "relais.audit.v1.AuditService", "relais/" RELAIS_VERSION}) {
    server.server().SetServing(true);
    EXPECT_EQ(check(name), std::string("\x08\x01")) << name;  // HealthCheckResponse{status: SERVING}
    server.server().SetServing(false);
    EXPECT_EQ(check(name), std::string("\x08\x02")) << name;
  }
  EXPECT_EQ(check("relais.audit.v2.AuditService"), "failed");
}

}  // namespace
}  // namespace relais::rpc
