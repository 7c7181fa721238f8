// Streams over real TLS whose clients do nothing with them (ADR 84).
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "relais/routing/v1/inbox_service.grpc.pb.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

using routing::v1::InboxService;
using routing::v1::SubscribeRequest;
using routing::v1::SubscribeResponse;
using vault::v1::DocumentService;
using vault::v1::DownloadRequest;
using vault::v1::DownloadResponse;
using vault::v1::UploadRequest;
using vault::v1::UploadResponse;

constexpr size_t kText = 900'000;  // more than a connection sends without being asked for it

// Long for any machine: a stream that is not ended fails a test, and does not hang it.
absl::Time Late() { return absl::Now() + absl::Minutes(3); }

void ExpectToldWhy(const absl::Status& status) {
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_OVERLOADED) << status;
  EXPECT_TRUE(RetryAfterOf(status).has_value());
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("next to nothing was taken or sent for"));
}

// Sends for as long as anybody takes it, and takes for as long as anybody sends.
class Papers {
 public:
  Task<absl::Status> Download(Call /*call*/, DownloadRequest /*request*/,
                              std::shared_ptr<Writer<DownloadResponse>> out) {
    bool taken = true;
    while (taken) {
      DownloadResponse message;
      message.set_data(std::string(kText, 'x'));
      taken = co_await out->Write(std::move(message));
      moved += taken ? 1 : 0;
    }
    ++ended;
    co_return absl::OkStatus();
  }
  Task<absl::StatusOr<UploadResponse>> Upload(Call /*call*/, std::shared_ptr<Reader<UploadRequest>> stream) {
    bool more = true;
    while (more) {
      const std::optional<UploadRequest> message = co_await stream->Read();
      more = message.has_value();
      moved += more ? 1 : 0;
    }
    ++ended;
    co_return UploadResponse();
  }

  std::atomic<int> moved = 0;  // messages
  std::atomic<int> ended = 0;
};

class DocumentRpc final : public DocumentService::CallbackService {
 public:
  DocumentRpc(Dispatcher& dispatcher, Papers& papers)
      : bind_(dispatcher, DocumentService::service_full_name(), papers) {}
  grpc::ServerWriteReactor<DownloadResponse>* Download(grpc::CallbackServerContext* c,
                                                       const DownloadRequest* q) override {
    return bind_.ServerStream(c, q, "Download", &Papers::Download);
  }
  grpc::ServerReadReactor<UploadRequest>* Upload(grpc::CallbackServerContext* c, UploadResponse* s) override {
    return bind_.ClientStream(c, s, "Upload", &Papers::Upload);
  }

 private:
  Binding<Papers> bind_;
};

// A desk's stream: opened by the client's first message, then messages go out, if any do, while others come.
class Desk {
 public:
  Task<absl::Status> Subscribe(Call /*call*/,
                               std::shared_ptr<Stream<SubscribeRequest, SubscribeResponse>> stream) {
    std::optional<SubscribeRequest> message = co_await stream->Read();
    const OneShot<bool> sent(*executor);
    if (message.has_value() && sends) {
      Start(Send(stream), [sent](bool) { sent.Set(true); });
    } else {
      sent.Set(true);
    }
    while (message.has_value()) {
      ++came;
      message = co_await stream->Read();
    }
    co_await sent;
    ++ended;
    co_return absl::OkStatus();
  }

  Executor* executor = nullptr;
  bool sends = false;
  std::atomic<int> came = 0;  // messages
  std::atomic<int> ended = 0;

 private:
  static Task<bool> Send(std::shared_ptr<Stream<SubscribeRequest, SubscribeResponse>> stream) {
    bool taken = true;
    while (taken) {
      SubscribeResponse message;
      message.mutable_message()->set_message_id(std::string(kText, 'x'));
      taken = co_await stream->Write(std::move(message));
    }
    co_return true;
  }
};

class InboxRpc final : public InboxService::CallbackService {
 public:
  InboxRpc(Dispatcher& dispatcher, Desk& desk) : bind_(dispatcher, InboxService::service_full_name(), desk) {}
  grpc::ServerBidiReactor<SubscribeRequest, SubscribeResponse>* Subscribe(
      grpc::CallbackServerContext* c) override {
    return bind_.Bidi(c, "Subscribe", &Desk::Subscribe);
  }

 private:
  Binding<Desk> bind_;
};

class StandingDesk : public ::testing::Test {
 protected:
  StandingDesk() {
    DispatchOptions options;
    options.standing = absl::ZeroDuration();
    options.least_moved = 1;
    server_ = std::make_unique<TlsServer>(
        Certs(), Certs().Service("consent"), options, nullptr, [this](Dispatcher& dispatcher) {
          EXPECT_TRUE(dispatcher.AddService(InboxService::service_full_name()).ok());
          return std::make_unique<InboxRpc>(dispatcher, desk_);
        });
    desk_.executor = &server_->executor();
    server_->PutInForce(SampleDirectoryWith(2, "REGISTER_PERSON", "RECEIVE"));
    stub_ = InboxService::NewStub(Still(*server_));
    SetDeadline(context_, std::chrono::minutes(5));
    context_.AddMetadata("relais-agent", "a-1");
    context_.AddMetadata("relais-function", "assistant-social");
  }
  // The client's; nothing has been said yet.
  void Subscribe() { stream_ = stub_->Subscribe(&context_); }
  void Say(int messages) {
    SubscribeRequest request;
    if (messages == 1) {
      request.mutable_open()->set_desk("d");
    } else {
      request.set_ack(std::string(32, 'a'));
    }
    ASSERT_TRUE(stream_->Write(request));
    for (const absl::Time late = Late(); desk_.came < messages && absl::Now() < late;) {
      std::this_thread::yield();
    }
    ASSERT_EQ(desk_.came, messages);
  }
  void Look() { server_->dispatcher().EndStandingStreams(); }
  void LookUntilEnded() {
    for (const absl::Time late = Late(); desk_.ended < 1 && absl::Now() < late;) {
      Look();
      std::this_thread::yield();
    }
    ASSERT_EQ(desk_.ended, 1);
  }
  void Leave() {
    context_.TryCancel();
    EXPECT_FALSE(FromGrpc(stream_->Finish()).ok());
  }

  Desk desk_;
  std::unique_ptr<TlsServer> server_;
  std::unique_ptr<InboxService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<SubscribeRequest, SubscribeResponse>> stream_;
};

TEST_F(StandingDesk, OneThatIsNeverOpenedIsEnded) {
  Subscribe();
  LookUntilEnded();
  ExpectToldWhy(FromGrpc(stream_->Finish()));
}

TEST_F(StandingDesk, OneThatHasNothingToSayGoesOn) {
  Subscribe();
  Say(1);
  for (int look = 0; look < 20; ++look) {
    Look();
  }
  EXPECT_EQ(desk_.ended, 0);
  EXPECT_TRUE(stream_->WritesDone());
  EXPECT_TRUE(FromGrpc(stream_->Finish()).ok());
}

TEST_F(StandingDesk, OneThatTakesNothingIsEnded) {
  desk_.sends = true;
  Subscribe();
  Say(1);
  LookUntilEnded();
  SubscribeResponse message;
  while (stream_->Read(&message)) {
  }
  ExpectToldWhy(FromGrpc(stream_->Finish()));
}

TEST_F(StandingDesk, OneThatSaysSomethingBetweenTwoLooksGoesOn) {
  desk_.sends = true;
  Subscribe();
  for (int said = 1; said <= 20; ++said) {
    Say(said);
    Look();
    EXPECT_EQ(desk_.ended, 0);
  }
  Leave();
}

class StandingStream : public ::testing::Test {
 protected:
  // `standing`: zero ends whoever has not moved so many bytes from one look to the next.
  void Serve(absl::Duration standing, uint64_t least_moved = 1) {
    DispatchOptions options;
    options.standing = standing;
    options.least_moved = least_moved;
    server_ = std::make_unique<TlsServer>(
        Certs(), Certs().Service("consent"), options, nullptr, [this](Dispatcher& dispatcher) {
          EXPECT_TRUE(dispatcher.AddService(DocumentService::service_full_name()).ok());
          return std::make_unique<DocumentRpc>(dispatcher, papers_);
        });
    server_->PutInForce(SampleDirectoryWith(2, "REGISTER_PERSON", "KEEP_PAPERS"));
    stub_ = DocumentService::NewStub(Still(*server_));
  }
  static void Begin(grpc::ClientContext& context) {
    SetDeadline(context, std::chrono::minutes(5));
    context.AddMetadata("relais-agent", "a-1");
    context.AddMetadata("relais-function", "assistant-social");
  }
  std::unique_ptr<grpc::ClientReader<DownloadResponse>> Download(grpc::ClientContext& context) {
    Begin(context);
    DownloadRequest request;
    request.mutable_person()->set_handle("rh1_x");
    request.set_document_id(std::string(32, 'a'));
    return stub_->Download(&context, request);
  }
  std::unique_ptr<grpc::ClientWriter<UploadRequest>> Upload(grpc::ClientContext& context) {
    Begin(context);
    return stub_->Upload(&context, &answer_);
  }
  static UploadRequest Piece() {
    UploadRequest request;
    request.set_data("x");
    return request;
  }
  void AwaitMoved(int messages) {
    for (const absl::Time late = Late(); papers_.moved < messages && absl::Now() < late;) {
      std::this_thread::yield();
    }
    ASSERT_GE(papers_.moved, messages);
  }
  void LookUntilEnded() {
    for (const absl::Time late = Late(); papers_.ended < 1 && absl::Now() < late;) {
      server_->dispatcher().EndStandingStreams();
      std::this_thread::yield();
    }
    ASSERT_EQ(papers_.ended, 1);
  }
  Papers papers_;
  UploadResponse answer_;
  std::unique_ptr<TlsServer> server_;
  std::unique_ptr<DocumentService::Stub> stub_;
};

TEST_F(StandingStream, AReadingThatTakesNothingIsEnded) {
  Serve(absl::ZeroDuration());
  grpc::ClientContext context;
  const auto reading = Download(context);
  LookUntilEnded();
  DownloadResponse message;
  while (reading->Read(&message)) {
  }
  ExpectToldWhy(FromGrpc(reading->Finish()));
}

TEST_F(StandingStream, AnUploadThatSendsNothingIsEnded) {
  Serve(absl::ZeroDuration());
  grpc::ClientContext context;
  const auto upload = Upload(context);
  EXPECT_TRUE(upload->Write(Piece()));
  LookUntilEnded();
  ExpectToldWhy(FromGrpc(upload->Finish()));
}

// Else a byte now and then would hold a place as well as any.
TEST_F(StandingStream, AnUploadThatSendsNextToNothingIsEnded) {
  Serve(absl::ZeroDuration(), /*least_moved=*/1000);
  grpc::ClientContext context;
  const auto upload = Upload(context);
  for (const absl::Time late = Late(); papers_.ended < 1 && absl::Now() < late;) {
    upload->Write(Piece());
    server_->dispatcher().EndStandingStreams();
  }
  ASSERT_EQ(papers_.ended, 1);
  ExpectToldWhy(FromGrpc(upload->Finish()));
}

TEST_F(StandingStream, AReadingThatTakesSomethingBetweenTwoLooksGoesOn) {
  Serve(absl::ZeroDuration());
  grpc::ClientContext context;
  const auto reading = Download(context);
  for (int look = 0; look < 20; ++look) {
    // Two: of one the server may have known at the look before, and the handler not.
    const int before = papers_.moved;
    while (papers_.moved < before + 2) {
      DownloadResponse message;
      ASSERT_TRUE(reading->Read(&message));
    }
    server_->dispatcher().EndStandingStreams();
    EXPECT_EQ(papers_.ended, 0);
  }
  context.TryCancel();
  EXPECT_FALSE(FromGrpc(reading->Finish()).ok());
}

TEST_F(StandingStream, AnUploadThatSendsSomethingBetweenTwoLooksGoesOn) {
  Serve(absl::ZeroDuration());
  grpc::ClientContext context;
  const auto upload = Upload(context);
  for (int sent = 1; sent <= 20; ++sent) {
    EXPECT_TRUE(upload->Write(Piece()));
    AwaitMoved(sent);
    server_->dispatcher().EndStandingStreams();
    EXPECT_EQ(papers_.ended, 0);
  }
  EXPECT_TRUE(upload->WritesDone());
  EXPECT_TRUE(FromGrpc(upload->Finish()).ok());
}

TEST_F(StandingStream, NotBeforeItsTime) {
  Serve(absl::Hours(1));
  grpc::ClientContext context;
  const auto reading = Download(context);
  DownloadResponse message;
  EXPECT_TRUE(reading->Read(&message));
  for (int look = 0; look < 20; ++look) {
    server_->dispatcher().EndStandingStreams();
  }
  EXPECT_TRUE(reading->Read(&message));
  EXPECT_EQ(papers_.ended, 0);
  context.TryCancel();
  EXPECT_FALSE(FromGrpc(reading->Finish()).ok());
}

}  // namespace
}  // namespace relais::rpc
