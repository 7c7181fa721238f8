#include "services/cli/log_source.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/merkle/tree.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;

// A stream may last this long before it is opened again where it was.
constexpr absl::Duration kLongestStream = absl::Hours(12);

template <typename Hashes>
absl::StatusOr<std::vector<merkle::Hash>> HashesOf(const Hashes& bytes) {
  std::vector<merkle::Hash> hashes;
  for (const std::string& each : bytes) {
    ASSIGN_OR_RETURN(const merkle::Hash hash, merkle::HashFromBytes(each));
    hashes.push_back(hash);
  }
  return hashes;
}

class GrpcLogSource final : public audit::LogSource {
 public:
  GrpcLogSource(Session& session, std::string service) : session_(session), service_(std::move(service)) {}

  absl::StatusOr<std::string> Checkpoint(uint64_t min_size, absl::Duration wait) override {
    if (min_size == 0) {
      return FetchCheckpoint(session_, service_);
    }
    ASSIGN_OR_RETURN(const auto channel, session_.Channel(service_));
    grpc::ClientContext call;
    session_.Prepare(call, wait);
    audit::v1::GetCheckpointRequest request;
    request.set_min_size(min_size);
    audit::v1::GetCheckpointResponse response;
    const grpc::Status status = AuditService::NewStub(channel)->GetCheckpoint(&call, request, &response);
    if (!status.ok()) {
      return session_.Explain(service_, rpc::FromGrpc(status));
    }
    return std::move(*response.mutable_checkpoint());
  }

  absl::StatusOr<std::vector<merkle::Hash>> Consistency(uint64_t old_size, uint64_t new_size) override {
    audit::v1::GetConsistencyProofRequest request;
    request.set_old_size(old_size);
    request.set_new_size(new_size);
    ASSIGN_OR_RETURN(const auto response, session_.CallAt<AuditService>(
                                              service_, &AuditService::Stub::GetConsistencyProof, request));
    return HashesOf(response.hashes());
  }

  absl::StatusOr<std::vector<merkle::Hash>> Inclusion(uint64_t index, uint64_t size) override {
    audit::v1::GetInclusionProofRequest request;
    request.set_leaf_index(index);
    request.set_tree_size(size);
    ASSIGN_OR_RETURN(const auto response, session_.CallAt<AuditService>(
                                              service_, &AuditService::Stub::GetInclusionProof, request));
    return HashesOf(response.hashes());
  }

  absl::Status Leaves(uint64_t from, uint64_t to,
                      const std::function<absl::Status(std::string_view)>& take) override {
    ASSIGN_OR_RETURN(const auto channel, session_.Channel(service_));
    const auto stub = AuditService::NewStub(channel);
    grpc::ClientContext call;
    session_.Prepare(call, kLongestStream);
    const auto stream = stub->Tail(&call);
    audit::v1::TailRequest open;
    open.mutable_open()->set_from(from);
    open.mutable_open()->set_view(audit::v1::TAIL_VIEW_SEALED);
    stream->Write(open);
    uint64_t next = from;
    audit::v1::TailResponse response;
    absl::Status taken = absl::OkStatus();
    while (next < to && taken.ok() && stream->Read(&response)) {
      taken = TakeSome(response.leaves(), to, take, next);
    }
    call.TryCancel();
    const grpc::Status status = stream->Finish();
    RETURN_IF_ERROR(taken);
    if (next == to) {
      return absl::OkStatus();
    }
    return status.ok() ? absl::UnavailableError("the service ended the stream")
                       : session_.Explain(service_, rpc::FromGrpc(status));
  }

 private:
  static absl::Status TakeSome(const audit::v1::TailLeaves& leaves, uint64_t to,
                               const std::function<absl::Status(std::string_view)>& take, uint64_t& next) {
    if (leaves.first() != next) {
      return absl::UnavailableError(
          absl::StrCat("the service sent leaf ", leaves.first(), " for leaf ", next));
    }
    for (const audit::v1::TailLeaf& leaf : leaves.leaves()) {
      if (next == to) {
        break;
      }
      RETURN_IF_ERROR(take(leaf.leaf()));
      ++next;
    }
    return absl::OkStatus();
  }

  Session& session_;
  const std::string service_;
};

}  // namespace

absl::Status CheckService(const std::string& service) {
  for (const char* known : kServices) {
    if (service == known) {
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError("--service is consent, routing, alerting or vault");
}

absl::StatusOr<std::string> FetchCheckpoint(Session& session, const std::string& service,
                                            WhichCheckpoint which) {
  audit::v1::GetCheckpointRequest request;
  request.set_cosigned(which == WhichCheckpoint::kCosigned);
  request.set_to_cosign(which == WhichCheckpoint::kToCosign);
  ASSIGN_OR_RETURN(auto response,
                   session.CallAt<AuditService>(service, &AuditService::Stub::GetCheckpoint, request));
  return std::move(*response.mutable_checkpoint());
}

std::unique_ptr<audit::LogSource> MakeLogSource(Session& session, const std::string& service) {
  return std::make_unique<GrpcLogSource>(session, service);
}

}  // namespace relais::cli
