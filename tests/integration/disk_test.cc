// A disk that fills up, over real TLS: which methods are served at each level, what becomes of streams, what
// is left behind.
#include <memory>
#include <optional>
#include <string>

#include "absl/synchronization/notification.h"
#include "common/rpc/disk_watch.h"
#include "common/rpc/testing/service_world.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

using consent::v1::PersonService;
using storage::DiskLevel;
using storage::DiskUse;
using vault::v1::DocumentService;

constexpr storage::DiskMarks kMarks{{85, 100}, {95, 50}};
constexpr DiskUse kRoom{900, 1000};
constexpr DiskUse kOverFirst{90, 1000};
constexpr DiskUse kOverSecond{40, 1000};

class FakeSpace final : public storage::DiskSpace {
 public:
  [[nodiscard]] absl::StatusOr<DiskUse> Look() const override { return use; }
  DiskUse use = kRoom;
};

// Does whatever it is asked.
class Persons {
 public:
  Task<absl::StatusOr<consent::v1::RegisterResponse>> Register(Call /*call*/,
                                                               consent::v1::RegisterRequest /*request*/) {
    co_return consent::v1::RegisterResponse();
  }
  Task<absl::StatusOr<consent::v1::ResolveResponse>> Resolve(Call /*call*/,
                                                             consent::v1::ResolveRequest /*request*/) {
    co_return consent::v1::ResolveResponse();
  }
  Task<absl::StatusOr<consent::v1::UnlinkIdentifierResponse>> UnlinkIdentifier(
      Call /*call*/, consent::v1::UnlinkIdentifierRequest /*request*/) {
    co_return consent::v1::UnlinkIdentifierResponse();
  }
};

class PersonRpc final : public PersonService::CallbackService {
 public:
  PersonRpc(Dispatcher& dispatcher, Persons& persons)
      : bind_(dispatcher, PersonService::service_full_name(), persons) {}
  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* c, const consent::v1::RegisterRequest* q,
                                     consent::v1::RegisterResponse* s) override {
    return bind_.Unary(c, q, s, "Register", &Persons::Register);
  }
  grpc::ServerUnaryReactor* Resolve(grpc::CallbackServerContext* c, const consent::v1::ResolveRequest* q,
                                    consent::v1::ResolveResponse* s) override {
    return bind_.Unary(c, q, s, "Resolve", &Persons::Resolve);
  }
  grpc::ServerUnaryReactor* UnlinkIdentifier(grpc::CallbackServerContext* c,
                                             const consent::v1::UnlinkIdentifierRequest* q,
                                             consent::v1::UnlinkIdentifierResponse* s) override {
    return bind_.Unary(c, q, s, "UnlinkIdentifier", &Persons::UnlinkIdentifier);
  }

 private:
  Binding<Persons> bind_;
};

// Takes bytes until there are no more, once.
class Documents {
 public:
  Task<absl::StatusOr<vault::v1::UploadResponse>> Upload(
      Call /*call*/, std::shared_ptr<Reader<vault::v1::UploadRequest>> stream) {
    begun.Notify();
    while (true) {
      const std::optional<vault::v1::UploadRequest> request = co_await stream->Read();
      if (!request.has_value()) {
        co_return vault::v1::UploadResponse();
      }
    }
  }
  absl::Notification begun;
};

class DocumentRpc final : public DocumentService::CallbackService {
 public:
  DocumentRpc(Dispatcher& dispatcher, Documents& documents)
      : bind_(dispatcher, DocumentService::service_full_name(), documents) {}
  grpc::ServerReadReactor<vault::v1::UploadRequest>* Upload(grpc::CallbackServerContext* c,
                                                            vault::v1::UploadResponse* s) override {
    return bind_.ClientStream(c, s, "Upload", &Documents::Upload);
  }

 private:
  Binding<Documents> bind_;
};

void NameAgent(grpc::ClientContext& context) {
  SetDeadline(context);
  context.AddMetadata("relais-agent", "a-1");
  context.AddMetadata("relais-function", "assistant-social");
}

class FullDisk : public ::testing::Test {
 protected:
  explicit FullDisk(const std::string& service = PersonService::service_full_name())
      : server_(Certs(), Certs().Service("consent"), {}, nullptr,
                [this, &service](Dispatcher& dispatcher) { return Serve(dispatcher, service); }) {}

  std::unique_ptr<grpc::Service> Serve(Dispatcher& dispatcher, const std::string& service) {
    EXPECT_TRUE(dispatcher.AddService(service).ok());
    dispatcher.SetDiskWatch(&watch_);
    if (service == DocumentService::service_full_name()) {
      return std::make_unique<DocumentRpc>(dispatcher, documents_);
    }
    return std::make_unique<PersonRpc>(dispatcher, persons_);
  }
  void Find(const DiskUse& use) {
    space_.use = use;
    watch_.Look();
  }
  absl::Status Register(const TlsFiles& files = Dsol()) {
    grpc::ClientContext context;
    NameAgent(context);
    consent::v1::RegisterRequest request;
    request.set_request_id("r-1");
    request.set_own_identifier("D-1");
    consent::v1::RegisterResponse response;
    return FromGrpc(PersonService::NewStub(Plain(server_, files))->Register(&context, request, &response));
  }
  absl::Status Resolve() {
    grpc::ClientContext context;
    NameAgent(context);
    consent::v1::ResolveRequest request;
    request.set_own_identifier("D-1");
    consent::v1::ResolveResponse response;
    return FromGrpc(PersonService::NewStub(dsol_)->Resolve(&context, request, &response));
  }
  absl::Status Unlink() {
    grpc::ClientContext context;
    NameAgent(context);
    consent::v1::UnlinkIdentifierRequest request;
    request.set_request_id("u-1");
    request.mutable_person()->set_handle("rh1_x");
    request.set_own_identifier("D-1");
    consent::v1::UnlinkIdentifierResponse response;
    return FromGrpc(PersonService::NewStub(dsol_)->UnlinkIdentifier(&context, request, &response));
  }

  FakeSpace space_;
  DiskWatch watch_{kMarks, space_};
  Persons persons_;
  Documents documents_;
  TlsServer server_;
  const std::shared_ptr<grpc::Channel> dsol_ = Plain(server_, Dsol());
};

TEST_F(FullDisk, OverTheFirstMarkEverythingIsServed) {
  Find(kOverFirst);
  ASSERT_EQ(watch_.level(), DiskLevel::kFirst);
  EXPECT_TRUE(Register().ok()) << Register();
  EXPECT_TRUE(Resolve().ok()) << Resolve();
  EXPECT_TRUE(Unlink().ok()) << Unlink();
}

TEST_F(FullDisk, OverTheSecondWhatWritesIsRefusedAndCanBeRepeatedOnceThereIsRoom) {
  Find(kOverSecond);
  const absl::Status refused = Register();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_DISK_FULL);
  EXPECT_EQ(RetryAfterOf(refused), absl::Minutes(1));
  EXPECT_TRUE(Resolve().ok()) << Resolve();
  EXPECT_TRUE(Unlink().ok()) << Unlink();
  EXPECT_TRUE(Checkpoint(dsol_).ok());
  Find(kRoom);
  EXPECT_TRUE(Register().ok()) << Register();
}

// Nobody did wrong, and there is little room. Whoever may not call at all hears that, and it leaves its leaf.
TEST_F(FullDisk, ARefusalForTheDiskLeavesNoLeaf) {
  Find(kOverSecond);
  EXPECT_EQ(ReasonOf(Register()), common::v1::ERROR_REASON_DISK_FULL);
  EXPECT_EQ(ReasonOf(Register(Certs().System("auditor", "suite"))), common::v1::ERROR_REASON_AGENT_REQUIRED);
  ASSERT_GE(BlockOn(server_.world().log().WaitForGrowth(0, absl::Seconds(10))), 1U);
  const auto leaves = server_.world().log().ReadOpened(0, 10);
  ASSERT_TRUE(leaves.ok());
  ASSERT_EQ(leaves->size(), 1U);
  EXPECT_EQ(leaves->at(0).leaf.header.institution(), "auditor");
}

class FullDiskOfPapers : public FullDisk {
 protected:
  FullDiskOfPapers() : FullDisk(DocumentService::service_full_name()) {
    server_.PutInForce(SampleDirectoryWith(2, "REGISTER_PERSON", "KEEP_PAPERS"));
  }
};

TEST_F(FullDiskOfPapers, AnUploadUnderWayEndsAndAnotherIsRefused) {
  grpc::ClientContext context;
  NameAgent(context);
  vault::v1::UploadResponse response;
  const auto stub = DocumentService::NewStub(dsol_);
  const auto upload = stub->Upload(&context, &response);
  ASSERT_TRUE(documents_.begun.WaitForNotificationWithTimeout(absl::Seconds(20)));
  Find(kOverSecond);
  server_.dispatcher().RecheckStreams();
  EXPECT_EQ(ReasonOf(FromGrpc(upload->Finish())), common::v1::ERROR_REASON_DISK_FULL);

  grpc::ClientContext again;
  NameAgent(again);
  const auto refused = stub->Upload(&again, &response);
  EXPECT_EQ(ReasonOf(FromGrpc(refused->Finish())), common::v1::ERROR_REASON_DISK_FULL);
}

}  // namespace
}  // namespace relais::rpc
