// Calls refused before their handler over real TLS, where the service knows whom they were about.
#include <mutex>
#include <string>
#include <vector>

#include "relais/consent/v1/person_service.grpc.pb.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

using consent::v1::PersonService;
using consent::v1::UnlinkIdentifierRequest;
using consent::v1::UnlinkIdentifierResponse;

class Persons {
 public:
  Task<absl::StatusOr<UnlinkIdentifierResponse>> UnlinkIdentifier(Call /*call*/,
                                                                  UnlinkIdentifierRequest /*request*/) {
    co_return NoSuchOrNotYours();
  }
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

}  // namespace
}  // namespace relais::rpc
