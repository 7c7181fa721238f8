// How services call one another and follow one another's logs, over real TLS.
#include "common/rpc/client.h"

#include <atomic>

#include "common/rpc/tail_client.h"
#include "tests/integration/tls_fixture.h"

namespace relais::rpc {
namespace {

using namespace testing;

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
