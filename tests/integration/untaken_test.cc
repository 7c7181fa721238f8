// Answers over real TLS that their clients do not take (ADR 82).
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "common/rpc/grpc_writer.h"
#include "grpcpp/generic/generic_stub.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

using vault::v1::DocumentService;
using vault::v1::DownloadRequest;
using vault::v1::DownloadResponse;

// More than a connection sends without being asked for it.
constexpr size_t kLargeText = 900'000;
constexpr size_t kSmallText = 1'000;
constexpr int kAll = 1'000'000;

DispatchOptions OneAtATime() {
  DispatchOptions options;
  options.max_calls = 1;
  options.max_streams = 1;
  return options;
}

// GetCheckpoint, asked for and never read.
class UntakenCall {
 public:
  explicit UntakenCall(const TlsServer& server) : stub_(Still(server)) {
    SetDeadline(context_, std::chrono::minutes(5));
    call_ = stub_.PrepareCall(&context_, "/relais.audit.v1.AuditService/GetCheckpoint", &queue_);
    call_->StartCall(this);
    EXPECT_TRUE(Done());
    const grpc::Slice nothing("");
    call_->WriteLast(grpc::ByteBuffer(&nothing, 1), grpc::WriteOptions(), this);
    EXPECT_TRUE(Done());
  }
  ~UntakenCall() {
    context_.TryCancel();
    grpc::Status status;
    call_->Finish(&status, this);
    EXPECT_TRUE(Done());
    queue_.Shutdown();
  }
  UntakenCall(const UntakenCall&) = delete;
  UntakenCall& operator=(const UntakenCall&) = delete;

  void Cancel() { context_.TryCancel(); }

 private:
  bool Done() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

class Untaken : public ::testing::Test {
 protected:
  // The first so many calls, all others with a small text.
  TlsServer::Handler Answers(size_t bytes, int calls = kAll) {
    return [this, bytes, calls](Call, GetCheckpointRequest) { return Answer(bytes, calls); };
  }
  // Until so many calls have been answered, whether the client took the answer or not.
  void AwaitAnswered(TlsServer& server, int calls) {
    while (entered_ < calls || server.dispatcher().in_flight() > 0) {
      std::this_thread::yield();
    }
  }
  // How a call goes once there is room for one, or after a while that is long for any machine.
  static absl::Status CallOnceThereIsRoom(const std::shared_ptr<grpc::Channel>& channel) {
    const absl::Time until = absl::Now() + absl::Minutes(3);
    absl::Status status = Checkpoint(channel);
    while (ReasonOf(status) == common::v1::ERROR_REASON_OVERLOADED && absl::Now() < until) {
      std::this_thread::yield();
      status = Checkpoint(channel);
    }
    return status;
  }

 private:
  Task<absl::StatusOr<GetCheckpointResponse>> Answer(size_t bytes, int calls) {
    GetCheckpointResponse response;
    response.set_checkpoint(std::string(++entered_ <= calls ? bytes : kSmallText, 'x'));
    co_return response;
  }

  std::atomic<int> entered_ = 0;
};

TEST_F(Untaken, ALargeAnswerKeepsItsPlaceUntilTheClientHasGone) {
  TlsServer server(Certs(), Certs().Service("consent"), OneAtATime(), Answers(kLargeText));
  const auto other = Plain(server, Certs().System("auditor", "suite"));
  UntakenCall call(server);
  AwaitAnswered(server, 1);
  EXPECT_EQ(ReasonOf(Checkpoint(other)), common::v1::ERROR_REASON_OVERLOADED);
  call.Cancel();
  EXPECT_TRUE(CallOnceThereIsRoom(other).ok());
}

TEST_F(Untaken, AndIsDroppedInTheEnd) {
  DispatchOptions options = OneAtATime();
  options.untaken = absl::Milliseconds(50);
  TlsServer server(Certs(), Certs().Service("consent"), options, Answers(kLargeText, 1));
  const UntakenCall call(server);
  AwaitAnswered(server, 1);
  EXPECT_TRUE(CallOnceThereIsRoom(Plain(server, Certs().System("auditor", "suite"))).ok());
}

TEST_F(Untaken, ASmallOneKeepsNone) {
  TlsServer server(Certs(), Certs().Service("consent"), OneAtATime(), Answers(kSmallText));
  const UntakenCall call(server);
  AwaitAnswered(server, 1);
  EXPECT_TRUE(Checkpoint(Plain(server, Certs().System("auditor", "suite"))).ok());
}

// Else many connections could hold them without end.
TEST_F(Untaken, ASmallOneKeepsItsPlaceOnceTooManyHaveNotLeft) {
  DispatchOptions options = OneAtATime();
  options.large_answer = 2 * kLargeText;
  TlsServer server(Certs(), Certs().Service("consent"), options, Answers(kLargeText));
  const auto other = Plain(server, Certs().System("auditor", "suite"));
  UntakenCall first(server);
  AwaitAnswered(server, 1);
  UntakenCall second(server);  // there was a place
  AwaitAnswered(server, 2);
  EXPECT_EQ(ReasonOf(Checkpoint(other)), common::v1::ERROR_REASON_OVERLOADED);
  second.Cancel();
  EXPECT_TRUE(CallOnceThereIsRoom(other).ok());
  first.Cancel();
  EXPECT_TRUE(CallOnceThereIsRoom(other).ok());
}

// The answer is not waited for by whoever stops the server.
TEST_F(Untaken, AServerThatDrainsWaitsForNoneOfThem) {
  auto server =
      std::make_unique<TlsServer>(Certs(), Certs().Service("consent"), OneAtATime(), Answers(kLargeText));
  const UntakenCall call(*server);
  AwaitAnswered(*server, 1);
  const absl::Time before = absl::Now();
  server->server().Drain(absl::Minutes(4));
  EXPECT_LT(absl::Now() - before, absl::Minutes(2));
  server = nullptr;
}

// Sends for as long as anybody takes it.
class Papers {
 public:
  Task<absl::Status> Download(Call /*call*/, DownloadRequest /*request*/,
                              std::shared_ptr<Writer<DownloadResponse>> out) {
    {
      std::lock_guard lock(mu_);
      last_ = std::dynamic_pointer_cast<GrpcWriter<DownloadResponse>>(out);
    }
    bool taken = true;
    while (taken) {
      DownloadResponse message;
      message.set_data(std::string(kLargeText, 'x'));
      taken = co_await out->Write(std::move(message));
    }
    ++ended;
    co_return absl::OkStatus();
  }
  // A message of the last one waits for its client.
  bool Waits() {
    std::lock_guard lock(mu_);
    return last_ != nullptr && last_->writing();
  }
  std::atomic<int> ended = 0;

 private:
  std::mutex mu_;
  std::shared_ptr<GrpcWriter<DownloadResponse>> last_;
};

class DocumentRpc final : public DocumentService::CallbackService {
 public:
  DocumentRpc(Dispatcher& dispatcher, Papers& papers)
      : bind_(dispatcher, DocumentService::service_full_name(), papers) {}
  grpc::ServerWriteReactor<DownloadResponse>* Download(grpc::CallbackServerContext* c,
                                                       const DownloadRequest* q) override {
    return bind_.ServerStream(c, q, "Download", &Papers::Download);
  }

 private:
  Binding<Papers> bind_;
};

class Reading {
 public:
  explicit Reading(const std::shared_ptr<grpc::Channel>& channel) {
    SetDeadline(context_, std::chrono::minutes(5));
    context_.AddMetadata("relais-agent", "a-1");
    context_.AddMetadata("relais-function", "assistant-social");
    DownloadRequest request;
    request.mutable_person()->set_handle("rh1_x");
    request.set_document_id(std::string(32, 'a'));
    stub_ = DocumentService::NewStub(channel);
    stream_ = stub_->Download(&context_, request);
  }
  bool Read() {
    DownloadResponse message;
    return stream_->Read(&message);
  }
  absl::Status Cancel() {
    context_.TryCancel();
    return FromGrpc(stream_->Finish());
  }
  absl::Status End() { return FromGrpc(stream_->Finish()); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<DocumentService::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<DownloadResponse>> stream_;
};

// She withdrew, say, while a reading stood still: what it had ready is still in memory.
TEST(UntakenStream, AStreamThatWasEndedKeepsItsPlaceUntilItsMessageHasGone) {
  Papers papers;
  TlsServer server(Certs(), Certs().Service("consent"), OneAtATime(), nullptr, [&](Dispatcher& dispatcher) {
    EXPECT_TRUE(dispatcher.AddService(DocumentService::service_full_name()).ok());
    return std::make_unique<DocumentRpc>(dispatcher, papers);
  });
  server.PutInForce(SampleDirectoryWith(2, "REGISTER_PERSON", "KEEP_PAPERS"));
  const auto channel = Still(server);
  Reading still(channel);
  while (!papers.Waits()) {
    std::this_thread::yield();
  }
  server.PutInForce(SampleDirectory(3));  // which lets nobody there keep papers
  while (papers.ended < 1) {
    std::this_thread::yield();
  }
  server.PutInForce(SampleDirectoryWith(4, "REGISTER_PERSON", "KEEP_PAPERS"));
  Reading refused(channel);
  EXPECT_FALSE(refused.Read());
  EXPECT_EQ(ReasonOf(refused.End()), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_FALSE(still.Cancel().ok());
  for (bool taken = false; !taken;) {
    Reading next(channel);
    taken = next.Read();
    EXPECT_FALSE(next.Cancel().ok());
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace relais::rpc
