// Export over real TLS: every leaf, in order, within gRPC's flow control.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "common/merkle/tree.h"
#include "common/rpc/checkpoint_size.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/status_mapping.h"
#include "tests/integration/tls_server.h"

namespace relais::rpc {
namespace {

using audit::v1::AuditService;
using audit::v1::ExportRequest;
using audit::v1::ExportResponse;
using testing::Certificates;
using testing::PlainChannel;
using testing::TlsServer;

constexpr size_t kLeaves = 60'000;
constexpr size_t kAtOnce = 2000;

// Before anything makes a TLS context, as main does.
const absl::Status kConfigured = ConfigureOpenSsl();

const Certificates& Certs() {
  static const auto* certificates = new Certificates();
  return *certificates;
}

// Leaves of about the size that a recorded Check has.
void Fill(TlsServer& server) {
  std::vector<audit::Event> events(kAtOnce);
  for (audit::Event& event : events) {
    event.event_class = audit::v1::EVENT_CLASS_CHECK_DECIDED;
    event.institution = "ville-paris";
    event.purpose = "RIGHTS_OPENING";
    event.categories = {"IDENTITY", "RESOURCES"};
    event.details.set_acting_function(std::string(200, 'x'));
    event.actor.set_certificate(std::string(64, 'c'));
  }
  for (size_t i = 0; i < kLeaves / kAtOnce; ++i) {
    ASSERT_TRUE(BlockOn(WriteLoneLeaves(server.world().context(), events)).ok());
  }
}

class ExportOverTls : public ::testing::Test {
 protected:
  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& institution, const std::string& system) {
    files_ = Certs().System(institution, system);
    return PlainChannel(server_.target(), &files_, files_.roots);
  }
  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }

  TlsServer server_{Certs(), Certs().Service("consent")};
  TlsFiles files_;
};

TEST_F(ExportOverTls, EveryLeafArrives) {
  Fill(server_);
  const auto stub = AuditService::NewStub(ChannelOf("auditor", "suite"));
  grpc::ClientContext context;
  SetDeadline(context);
  ExportRequest request;
  request.set_min_size(kLeaves);
  const auto start = std::chrono::steady_clock::now();
  const auto reader = stub->Export(&context, request);
  ExportResponse message;
  ASSERT_TRUE(reader->Read(&message));
  const auto size = CheckpointSize(message.checkpoint());
  ASSERT_TRUE(size.ok());
  merkle::Frontier tree;
  size_t bytes = 0;
  while (reader->Read(&message)) {
    ASSERT_EQ(message.first(), tree.size());
    EXPECT_EQ(message.withheld_size(), 0);
    for (const std::string& leaf : message.leaves()) {
      tree.Append(merkle::HashLeaf(leaf), nullptr);
      bytes += leaf.size();
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(tree.size(), *size);
  EXPECT_GE(tree.size(), kLeaves);
  std::printf("%.0f leaves/s of %zu bytes, hashed on arrival\n",
              static_cast<double>(tree.size()) / took.count(), bytes / tree.size());
}

TEST_F(ExportOverTls, AClientThatStopsReadingHoldsTheServerBackAndMayLeave) {
  Fill(server_);
  const auto stub = AuditService::NewStub(ChannelOf("auditor", "suite"));
  {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = stub->Export(&context, ExportRequest());
    ExportResponse message;
    ASSERT_TRUE(reader->Read(&message));
    ASSERT_TRUE(reader->Read(&message));
    context.TryCancel();
    while (reader->Read(&message)) {
    }
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // The server still answers.
  grpc::ClientContext context;
  SetDeadline(context);
  audit::v1::GetCheckpointResponse response;
  EXPECT_TRUE(stub->GetCheckpoint(&context, audit::v1::GetCheckpointRequest(), &response).ok());
}

TEST_F(ExportOverTls, WhoMayNotIsToldAndLeavesALeaf) {
  const auto stub = AuditService::NewStub(ChannelOf("ville-paris", "dsol"));
  grpc::ClientContext context;
  SetDeadline(context);
  const auto reader = stub->Export(&context, ExportRequest());
  ExportResponse message;
  EXPECT_FALSE(reader->Read(&message));
  EXPECT_EQ(ReasonOf(FromGrpc(reader->Finish())), common::v1::ERROR_REASON_MISSING_ROLE);
  BlockOn(server_.world().log().WaitForGrowth(0, absl::Seconds(20)));
  const auto leaves = server_.world().log().ReadOpened(0, 10);
  ASSERT_EQ(leaves->size(), 1u);
  EXPECT_EQ(leaves->at(0).leaf.header.event_class(), audit::v1::EVENT_CLASS_CALL_REFUSED);
}

}  // namespace
}  // namespace relais::rpc
