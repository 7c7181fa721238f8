// What the tests over real TLS share: certificates made once, and calls in a line.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/rpc/lone_leaf.h"
#include "common/rpc/refusal.h"
#include "common/rpc/status_mapping.h"
#include "tests/integration/tls_server.h"

namespace relais::rpc::testing {

using audit::v1::AuditService;
using audit::v1::GetCheckpointRequest;
using audit::v1::GetCheckpointResponse;
using audit::v1::ListLeavesRequest;
using audit::v1::ListLeavesResponse;

// Before anything makes a TLS context, as main does.
inline const absl::Status kConfigured = ConfigureOpenSsl();

inline constexpr std::chrono::seconds kLong{20};
inline constexpr std::chrono::seconds kShort{3};

inline const Certificates& Certs() {
  static const auto* certificates = new Certificates();
  return *certificates;
}

inline const TlsFiles& Dsol() {
  static const auto* files = new TlsFiles(Certs().System("ville-paris", "dsol"));
  return *files;
}

inline void SetDeadline(grpc::ClientContext& context, std::chrono::seconds timeout = kLong) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

inline absl::Status Checkpoint(const std::shared_ptr<grpc::Channel>& channel,
                               std::chrono::seconds timeout = kLong) {
  grpc::ClientContext context;
  SetDeadline(context, timeout);
  GetCheckpointResponse response;
  return FromGrpc(AuditService::NewStub(channel)->GetCheckpoint(&context, GetCheckpointRequest(), &response));
}

inline absl::Status List(const std::shared_ptr<grpc::Channel>& channel, uint32_t limit) {
  grpc::ClientContext context;
  SetDeadline(context);
  ListLeavesRequest request;
  request.set_limit(limit);
  ListLeavesResponse response;
  return FromGrpc(AuditService::NewStub(channel)->ListLeaves(&context, request, &response));
}

inline std::shared_ptr<grpc::Channel> Plain(const TlsServer& server, const TlsFiles& files) {
  return PlainChannel(server.target(), &files, files.roots);
}

// A connection that does not ask for more by itself: what its client does not take waits in the server.
inline std::shared_ptr<grpc::Channel> Still(const TlsServer& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return PlainChannel(server.target(), &Dsol(), Dsol().roots, arguments);
}

inline std::shared_ptr<grpc::Channel> Strict(const TlsServer& server, const std::string& service,
                                             const TlsFiles& own) {
  return MakeChannel({server.target(), service, own}, Certs().Trust(), nullptr).value();
}

inline void Write(TlsServer& server, audit::v1::EventClass event_class) {
  audit::Event event;
  event.event_class = event_class;
  event.institution = "ville-paris";
  event.subject = audit::Subject{audit::Subject::Kind::kPerson, server.world().context().random.Id()};
  ASSERT_TRUE(BlockOn(WriteLoneLeaf(server.world().context(), event)).ok());
}

}  // namespace relais::rpc::testing
