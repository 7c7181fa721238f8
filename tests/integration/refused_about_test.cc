// Calls refused before their handler over real TLS, where the service knows whom they were about.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

using consent::v1::PersonService;
using consent::v1::UnlinkIdentifierRequest;
using consent::v1::UnlinkIdentifierResponse;
using vault::v1::DocumentService;
using vault::v1::UploadRequest;
using vault::v1::UploadResponse;

class Persons {
 public:
  Task<absl::StatusOr<UnlinkIdentifierResponse>> UnlinkIdentifier(Call /*call*/,
                                                                  UnlinkIdentifierRequest /*request*/) {
    co_return NoSuchOrNotYours();
  }
};

class Papers {
 public:
  Task<absl::StatusOr<UploadResponse>> Upload(Call /*call*/, std::shared_ptr<Reader<UploadRequest>> stream) {
    const std::optional<UploadRequest> first = co_await stream->Read();
    co_return NoSuchOrNotYours();
  }
};

class DocumentRpc final : public DocumentService::CallbackService {
 public:
  DocumentRpc(Dispatcher& dispatcher, Papers& papers)
      : bind_(dispatcher, DocumentService::service_full_name(), papers) {}
  grpc::ServerReadReactor<UploadRequest>* Upload(grpc::CallbackServerContext* c, UploadResponse* s) override {
    return bind_.ClientStream(c, s, "Upload", &Papers::Upload);
  }

 private:
  Binding<Papers> bind_;
};

class PersonRpc final : public PersonService::CallbackService {
 public:
  PersonRpc(Dispatcher& dispatcher, Persons& persons)
      : bind_(dispatcher, PersonService::service_full_name(), persons) {}
  grpc::ServerUnaryReactor* UnlinkIdentifier(grpc::CallbackServerContext* c, const UnlinkIdentifierRequest* q,
                                             UnlinkIdentifierResponse* s) override {
    return bind_.Unary(c, q, s, "UnlinkIdentifier", &Persons::UnlinkIdentifier);
  }

 private:
  Binding<Persons> bind_;
};

struct Asked {
  std::string institution;
  std::string handle;
  common::v1::ErrorReason reason;
};

class RefusedAbout : public ::testing::Test {
 protected:
  // Takes what names "rh1_hers".
  std::unique_ptr<grpc::Service> Serve(Dispatcher& dispatcher) {
    EXPECT_TRUE(dispatcher.AddService(PersonService::service_full_name()).ok());
    dispatcher.SetRefusedAbout(
        [this](const Call& call, const google::protobuf::Message& message, const absl::Status& why) {
          const auto* unlink = dynamic_cast<const UnlinkIdentifierRequest*>(&message);
          const std::string handle = unlink == nullptr ? std::string() : unlink->person().handle();
          std::lock_guard lock(mu_);
          asked_.push_back({call.caller.institution, handle, ReasonOf(why)});
          return handle == "rh1_hers";
        });
    return std::make_unique<PersonRpc>(dispatcher, persons_);
  }
  absl::Status Unlink(const TlsFiles& files, const std::string& handle,
                      const std::string& request_id = "u-1") {
    grpc::ClientContext context;
    SetDeadline(context);
    if (files.certificate == Dsol().certificate) {
      context.AddMetadata("relais-agent", "a-1");
      context.AddMetadata("relais-function", "assistant-social");
    }
    UnlinkIdentifierRequest request;
    request.set_request_id(request_id);
    request.mutable_person()->set_handle(handle);
    request.set_own_identifier("D-1");
    UnlinkIdentifierResponse response;
    return FromGrpc(
        PersonService::NewStub(Plain(server_, files))->UnlinkIdentifier(&context, request, &response));
  }
  std::vector<Asked> asked() {
    std::lock_guard lock(mu_);
    return asked_;
  }

  std::mutex mu_;
  std::vector<Asked> asked_;
  Persons persons_;
  TlsServer server_{Certs(), Certs().Service("consent"), {}, nullptr, [this](Dispatcher& dispatcher) {
                      return Serve(dispatcher);
                    }};
};

TEST_F(RefusedAbout, WhatTheServiceTakesLeavesNoLeafHereAndTheRestDoes) {
  const TlsFiles sender = Certs().System("edf", "billing");
  EXPECT_EQ(ReasonOf(Unlink(sender, "rh1_hers")), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(ReasonOf(Unlink(sender, "rh1_nobody")), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(ReasonOf(Unlink(Dsol(), "rh1_hers", "")), common::v1::ERROR_REASON_INVALID_FIELDS);
  const std::vector<Asked> asked = this->asked();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0].institution, "edf");
  EXPECT_EQ(asked[0].handle, "rh1_hers");
  EXPECT_EQ(asked[0].reason, common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(asked[1].handle, "rh1_nobody");
  EXPECT_EQ(asked[2].institution, "ville-paris");
  EXPECT_EQ(asked[2].reason, common::v1::ERROR_REASON_INVALID_FIELDS);
  // Behind the answer: of the second alone.
  ASSERT_EQ(BlockOn(server_.world().log().WaitForGrowth(0, absl::Seconds(10))), 1U);
  const auto leaves = server_.world().log().ReadOpened(0, 10);
  ASSERT_TRUE(leaves.ok() && leaves->size() == 1);
  EXPECT_EQ(leaves->at(0).leaf.header.event_class(), audit::v1::EVENT_CLASS_CALL_REFUSED);
  EXPECT_EQ(leaves->at(0).leaf.header.institution(), "edf");
}

TEST_F(RefusedAbout, IsNotAskedOfWhatAHandlerAnswersNorOfAStream) {
  EXPECT_EQ(ReasonOf(Unlink(Dsol(), "rh1_hers")), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stub = AuditService::NewStub(Plain(server_, Certs().System("edf", "billing")));
  const auto stream = stub->Tail(&context);
  EXPECT_EQ(FromGrpc(stream->Finish()).code(), absl::StatusCode::kPermissionDenied);
  ASSERT_EQ(BlockOn(server_.world().log().WaitForGrowth(0, absl::Seconds(10))), 1U);
  EXPECT_TRUE(asked().empty());
}

// A client's stream is refused before its first message, which says whom it was about.
class RefusedStream : public ::testing::Test {
 protected:
  explicit RefusedStream(DispatchOptions options = {})
      : server_(Certs(), Certs().Service("consent"), std::move(options), nullptr,
                [this](Dispatcher& dispatcher) { return Serve(dispatcher); }) {}

  // Takes what names "rh1_hers".
  std::unique_ptr<grpc::Service> Serve(Dispatcher& dispatcher) {
    EXPECT_TRUE(dispatcher.AddService(DocumentService::service_full_name()).ok());
    dispatcher.SetRefusedAbout(
        [this](const Call& call, const google::protobuf::Message& message, const absl::Status& why) {
          const auto* upload = dynamic_cast<const UploadRequest*>(&message);
          const std::string handle = upload == nullptr ? std::string() : upload->open().person().handle();
          std::lock_guard lock(mu_);
          asked_.push_back({call.caller.institution, handle, ReasonOf(why)});
          return handle == "rh1_hers";
        });
    return std::make_unique<DocumentRpc>(dispatcher, papers_);
  }
  // Nothing of it is valid but the name. Nullopt: nothing is sent.
  absl::Status Upload(const std::optional<std::string>& handle,
                      const TlsFiles& files = Certs().System("edf", "billing")) {
    grpc::ClientContext context;
    SetDeadline(context);
    UploadResponse response;
    const auto stub = DocumentService::NewStub(Plain(server_, files));
    const auto stream = stub->Upload(&context, &response);
    if (handle.has_value()) {
      UploadRequest first;
      first.mutable_open()->mutable_person()->set_handle(*handle);
      stream->Write(first);
    }
    return FromGrpc(stream->Finish());
  }
  std::vector<Asked> asked() {
    std::lock_guard lock(mu_);
    return asked_;
  }
  void ExpectOneRefusedCall() {
    ASSERT_EQ(BlockOn(server_.world().log().WaitForGrowth(0, absl::Seconds(10))), 1U);
    const auto leaves = server_.world().log().ReadOpened(0, 10);
    ASSERT_TRUE(leaves.ok() && leaves->size() == 1);
    EXPECT_EQ(leaves->at(0).leaf.header.event_class(), audit::v1::EVENT_CLASS_CALL_REFUSED);
  }

  std::mutex mu_;
  std::vector<Asked> asked_;
  Papers papers_;
  TlsServer server_;
};

TEST_F(RefusedStream, TheServiceIsAskedAboutItsFirstMessage) {
  EXPECT_EQ(ReasonOf(Upload("rh1_hers")), common::v1::ERROR_REASON_MISSING_ROLE) << "not what is invalid";
  EXPECT_EQ(ReasonOf(Upload("rh1_nobody")), common::v1::ERROR_REASON_MISSING_ROLE);
  const std::vector<Asked> asked = this->asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].institution, "edf");
  EXPECT_EQ(asked[0].handle, "rh1_hers");
  EXPECT_EQ(asked[0].reason, common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(asked[1].handle, "rh1_nobody");
  ExpectOneRefusedCall();  // of the second
}

TEST_F(RefusedStream, OneThatSaysNothingIsRefusedAllTheSame) {
  EXPECT_EQ(ReasonOf(Upload(std::nullopt)), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_TRUE(asked().empty());
  ExpectOneRefusedCall();
}

// A refused stream of edf's that says nothing until it is told to.
class Silent {
 public:
  explicit Silent(const TlsServer& server)
      : stub_(DocumentService::NewStub(Plain(server, Certs().System("edf", "billing")))) {
    SetDeadline(context_);
    stream_ = stub_->Upload(&context_, &response_);
  }
  absl::Status Finish() { return FromGrpc(stream_->Finish()); }
  void Say(const std::string& handle) {
    UploadRequest first;
    first.mutable_open()->mutable_person()->set_handle(handle);
    stream_->Write(first);
  }
  void Cancel() {
    context_.TryCancel();
    EXPECT_EQ(Finish().code(), absl::StatusCode::kCancelled);
  }

 private:
  grpc::ClientContext context_;
  UploadResponse response_;
  std::unique_ptr<DocumentService::Stub> stub_;
  std::unique_ptr<grpc::ClientWriter<UploadRequest>> stream_;
};

class AwaitedStream : public RefusedStream {
 protected:
  AwaitedStream() : RefusedStream(Options()) {}
  static DispatchOptions Options() {
    DispatchOptions options;
    options.max_streams = 4;
    options.first_message = absl::Hours(1);
    return options;
  }
  void Await(int streams) {
    while (server_.dispatcher().awaited() != streams) {
      std::this_thread::yield();
    }
  }
};

// Else who has no right would hold half of the places of those who have one.
TEST_F(AwaitedStream, FewAreOfOneInstitutionAndNoneHoldsAStreamsPlace) {
  Silent first(server_);
  Silent second(server_);
  Await(2);
  EXPECT_EQ(ReasonOf(Upload("rh1_hers")), common::v1::ERROR_REASON_MISSING_ROLE) << "not OVERLOADED";
  EXPECT_TRUE(asked().empty());
  ExpectOneRefusedCall();
  EXPECT_FALSE(Upload("rh1_hers", Certs().System("auditor", "suite")).ok());
  ASSERT_EQ(asked().size(), 1U) << "another institution's is awaited";
  EXPECT_EQ(asked()[0].institution, "auditor");
  first.Cancel();
  Await(1);
  EXPECT_EQ(ReasonOf(Upload("rh1_hers")), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(asked().size(), 2U) << "its place came back";
  second.Cancel();
  Await(0);
}

TEST_F(AwaitedStream, ADrainEndsIt) {
  Silent silent(server_);
  Await(1);
  server_.dispatcher().BeginDrain();
  EXPECT_EQ(ReasonOf(silent.Finish()), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(server_.dispatcher().in_flight(), 0);
}

TEST_F(AwaitedStream, ALookAtOpenStreamsDoesNot) {
  Silent silent(server_);
  Await(1);
  server_.dispatcher().RecheckStreams();
  silent.Say("rh1_hers");
  EXPECT_EQ(ReasonOf(silent.Finish()), common::v1::ERROR_REASON_MISSING_ROLE);
  ASSERT_EQ(asked().size(), 1U);
  EXPECT_EQ(asked()[0].handle, "rh1_hers");
}

}  // namespace
}  // namespace relais::rpc
