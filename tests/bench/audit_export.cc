#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/tree.h"
#include "common/merkle/verify.h"
#include "common/pki/file.h"
#include "common/rpc/status_mapping.h"
#include "common/rpc/tls.h"
#include "grpcpp/client_context.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "tests/bench/audit_serve.h"
#include "tests/bench/audit_world.h"

namespace relais::bench {
namespace {

constexpr size_t kMostPemBytes = size_t{1} << 20;
constexpr auto kDeadline = std::chrono::minutes(5);

void Prepare(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  context.AddMetadata("relais-agent", "auditor-1");
  context.AddMetadata("relais-reason", "bench");
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const ExportLoad& load) {
  pki::PeerTrust::Options options;
  options.trust_domain = "relais.test";
  ASSIGN_OR_RETURN(options.services_pem, pki::ReadWholeFile(load.pki + "/ca/services.pem", kMostPemBytes));
  ASSIGN_OR_RETURN(const pki::PeerTrust trust, pki::PeerTrust::Create(options));
  const std::string own = load.pki + "/institutions/auditor/suite";
  return rpc::MakeChannel(
      {load.target, "consent", {own + "/tls.crt", own + "/tls.key", load.pki + "/ca/bundle.pem"}}, trust,
      nullptr);
}

// The tree of what came is the beginning of the server's tree of `size` leaves.
absl::Status ProveBeginning(audit::v1::AuditService::Stub& stub, const merkle::Frontier& tree) {
  audit::v1::GetCheckpointResponse checkpoint;
  {
    grpc::ClientContext context;
    Prepare(context);
    audit::v1::GetCheckpointRequest request;
    request.set_min_size(tree.size());
    RETURN_IF_ERROR(rpc::FromGrpc(stub.GetCheckpoint(&context, request, &checkpoint)));
  }
  const std::vector<merkle::NoteVerifier> verifiers = {{kOrigin, SigningKey().verify_key()}};
  ASSIGN_OR_RETURN(const merkle::Checkpoint parsed,
                   merkle::OpenCheckpoint(checkpoint.checkpoint(), kOrigin, verifiers));
  grpc::ClientContext context;
  Prepare(context);
  audit::v1::GetConsistencyProofRequest request;
  request.set_old_size(tree.size());
  request.set_new_size(parsed.size);
  audit::v1::GetConsistencyProofResponse response;
  RETURN_IF_ERROR(rpc::FromGrpc(stub.GetConsistencyProof(&context, request, &response)));
  std::vector<merkle::Hash> proof;
  for (const std::string& bytes : response.hashes()) {
    ASSIGN_OR_RETURN(const merkle::Hash hash, merkle::HashFromBytes(bytes));
    proof.push_back(hash);
  }
  return merkle::VerifyConsistency(tree.size(), parsed.size, tree.root(), parsed.root, proof);
}

}  // namespace

absl::StatusOr<ExportFigure> MeasureExport(const ExportLoad& load) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, Connect(load));
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20))) {
    return absl::UnavailableError("no connection to " + load.target);
  }
  const auto stub = audit::v1::AuditService::NewStub(channel);
  ExportFigure figure;
  merkle::Frontier tree;
  const auto begin = std::chrono::steady_clock::now();
  {
    grpc::ClientContext context;
    Prepare(context);
    const auto stream = stub->Tail(&context);
    audit::v1::TailRequest open;
    open.mutable_open()->set_from(0);
    open.mutable_open()->set_view(audit::v1::TAIL_VIEW_SEALED);
    stream->Write(open);
    audit::v1::TailResponse response;
    while (tree.size() < load.leaves && stream->Read(&response)) {
      if (response.leaves().first() != tree.size()) {
        return absl::DataLossError("leaves with a gap");
      }
      for (const audit::v1::TailLeaf& leaf : response.leaves().leaves()) {
        figure.bytes += leaf.leaf().size();
        tree.Append(merkle::HashLeaf(leaf.leaf()), nullptr);
      }
    }
    figure.took = absl::FromChrono(std::chrono::steady_clock::now() - begin);
    context.TryCancel();
    const grpc::Status status = stream->Finish();
    if (tree.size() < load.leaves) {
      return status.ok() ? absl::UnavailableError("the tail ended early") : rpc::FromGrpc(status);
    }
  }
  figure.leaves = tree.size();
  RETURN_IF_ERROR(ProveBeginning(*stub, tree));
  return figure;
}

}  // namespace relais::bench
