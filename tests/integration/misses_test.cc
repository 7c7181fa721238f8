// Guessing over real TLS: who is held back, from what, and what is left behind.
#include <string>
#include <vector>

#include "common/audit/leaf.h"
#include "common/base/testing/fake_clock.h"
#include "common/rpc/miss_limiter.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

using consent::v1::PersonService;

constexpr char kKnown[] = "D-1";

// Knows one identifier. UnlinkIdentifier stands for the methods that do not count.
class Persons {
 public:
  Task<absl::StatusOr<consent::v1::ResolveResponse>> Resolve(Call /*call*/,
                                                             consent::v1::ResolveRequest request) {
    if (request.own_identifier() != kKnown) {
      co_return NoSuchOrNotYours();
    }
    co_return consent::v1::ResolveResponse();
  }
  Task<absl::StatusOr<consent::v1::BatchResolveResponse>> BatchResolve(
      Call /*call*/, consent::v1::BatchResolveRequest request) {
    consent::v1::BatchResolveResponse response;
    for (const consent::v1::PersonName& name : request.names()) {
      consent::v1::BatchResolveResult& result = *response.add_results();
      if (name.own_identifier() != kKnown) {
        result.set_error("ERROR_REASON_NO_SUCH_OR_NOT_YOURS");
      }
    }
    co_return response;
  }
  Task<absl::StatusOr<consent::v1::UnlinkIdentifierResponse>> UnlinkIdentifier(
      Call /*call*/, consent::v1::UnlinkIdentifierRequest /*request*/) {
    co_return NoSuchOrNotYours();
  }
};

class PersonRpc final : public PersonService::CallbackService {
 public:
  PersonRpc(Dispatcher& dispatcher, Persons& persons)
      : bind_(dispatcher, PersonService::service_full_name(), persons) {}
  grpc::ServerUnaryReactor* Resolve(grpc::CallbackServerContext* c, const consent::v1::ResolveRequest* q,
                                    consent::v1::ResolveResponse* s) override {
    return bind_.Unary(c, q, s, "Resolve", &Persons::Resolve);
  }
  grpc::ServerUnaryReactor* BatchResolve(grpc::CallbackServerContext* c,
                                         const consent::v1::BatchResolveRequest* q,
                                         consent::v1::BatchResolveResponse* s) override {
    return bind_.Unary(c, q, s, "BatchResolve", &Persons::BatchResolve);
  }
  grpc::ServerUnaryReactor* UnlinkIdentifier(grpc::CallbackServerContext* c,
                                             const consent::v1::UnlinkIdentifierRequest* q,
                                             consent::v1::UnlinkIdentifierResponse* s) override {
    return bind_.Unary(c, q, s, "UnlinkIdentifier", &Persons::UnlinkIdentifier);
  }

 private:
  Binding<Persons> bind_;
};

class Guessing : public ::testing::Test {
 protected:
  std::unique_ptr<grpc::Service> Serve(Dispatcher& dispatcher) {
    EXPECT_TRUE(dispatcher.AddService(PersonService::service_full_name()).ok());
    dispatcher.SetMissLimiter(&limiter_);
    return std::make_unique<PersonRpc>(dispatcher, persons_);
  }
  static MissLimiter::Options TenAnHour() {
    MissLimiter::Options options;
    options.most = 10;
    options.window = absl::Hours(1);
    return options;
  }
  absl::Status Resolve(const std::string& identifier) { return Resolve(dsol_, identifier); }
  static absl::Status Resolve(const std::shared_ptr<grpc::Channel>& channel, const std::string& identifier) {
    grpc::ClientContext context;
    SetDeadline(context);
    consent::v1::ResolveRequest request;
    request.set_own_identifier(identifier);
    consent::v1::ResolveResponse response;
    return FromGrpc(PersonService::NewStub(channel)->Resolve(&context, request, &response));
  }
  absl::Status BatchResolve(const std::vector<std::string>& identifiers) {
    grpc::ClientContext context;
    SetDeadline(context);
    consent::v1::BatchResolveRequest request;
    for (const std::string& identifier : identifiers) {
      request.add_names()->set_own_identifier(identifier);
    }
    consent::v1::BatchResolveResponse response;
    return FromGrpc(PersonService::NewStub(dsol_)->BatchResolve(&context, request, &response));
  }
  absl::Status Unlink() {
    grpc::ClientContext context;
    SetDeadline(context);
    context.AddMetadata("relais-agent", "a-1");
    context.AddMetadata("relais-function", "assistant-social");
    consent::v1::UnlinkIdentifierRequest request;
    request.set_request_id("u-1");
    request.mutable_person()->set_handle("rh1_x");
    request.set_own_identifier(kKnown);
    consent::v1::UnlinkIdentifierResponse response;
    return FromGrpc(PersonService::NewStub(dsol_)->UnlinkIdentifier(&context, request, &response));
  }

  relais::testing::FakeClock clock_{absl::UnixEpoch()};
  MissLimiter limiter_{TenAnHour(), clock_};
  Persons persons_;
  TlsServer server_{Certs(), Certs().Service("consent"), {}, nullptr, [this](Dispatcher& dispatcher) {
                      return Serve(dispatcher);
                    }};
  const std::shared_ptr<grpc::Channel> dsol_ = Plain(server_, Dsol());
};

TEST_F(Guessing, IsHeldBackAndLeavesALeaf) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Resolve(kKnown).ok());
  }
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(ReasonOf(Resolve("D-2")), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  }
  EXPECT_TRUE(BatchResolve({"D-3", kKnown, "D-4", "D-5"}).ok());
  EXPECT_TRUE(Resolve(kKnown).ok());  // nine of ten
  EXPECT_FALSE(Resolve("D-6").ok());

  const absl::Status refused = Resolve(kKnown);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(RetryAfterOf(refused), absl::Minutes(6));
  EXPECT_EQ(ReasonOf(BatchResolve({kKnown})), common::v1::ERROR_REASON_OVERLOADED);
  // Resolve is not audited, and this refusal of it all the same.
  ASSERT_GE(BlockOn(server_.world().log().WaitForGrowth(0, absl::Seconds(10))), 1u);
  const auto leaves = server_.world().log().ReadOpened(0, 1);
  ASSERT_TRUE(leaves.ok() && leaves->size() == 1);
  EXPECT_EQ(leaves->at(0).leaf.header.institution(), "ville-paris");
  audit::v1::RefusedCall call;
  ASSERT_TRUE(leaves->at(0).details.payload().UnpackTo(&call));
  EXPECT_EQ(call.method(), "relais.consent.v1.PersonService/Resolve");
  EXPECT_EQ(call.reason(), "OVERLOADED");

  clock_.Advance(absl::Minutes(6));
  EXPECT_TRUE(Resolve(kKnown).ok());
}

TEST_F(Guessing, OnlyQuestionsAreHeldBackAndOnlyOfThatInstitution) {
  EXPECT_TRUE(BatchResolve(std::vector<std::string>(10, "D-2")).ok());
  EXPECT_EQ(ReasonOf(Resolve(kKnown)), common::v1::ERROR_REASON_OVERLOADED);
  // Acts are not, nor do their refusals count.
  EXPECT_EQ(ReasonOf(Unlink()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_TRUE(Checkpoint(dsol_).ok());
  // A service acts for many.
  const auto routing = Plain(server_, Certs().Service("routing"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ReasonOf(Resolve(routing, "D-2")), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  }
}

}  // namespace
}  // namespace relais::rpc
