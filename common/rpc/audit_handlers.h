// What AuditService answers, over this service's log. No gRPC here: the simulator uses it too.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/audit/cosignatures.h"
#include "common/rpc/call.h"
#include "common/rpc/service_context.h"
#include "common/rpc/stream.h"
#include "relais/audit/v1/audit_service.pb.h"

namespace relais::rpc {

/// Which event classes each peer service sees opened; a peer that is not named sees none, a class that is not
/// listed is WITHHELD: bytes only.
using OpenedTable = std::map<std::string, std::set<audit::v1::EventClass>>;

/// Thread-safe. `context` and what it refers to outlive it and every call.
class AuditHandlers {
 public:
  AuditHandlers(const ServiceContext& context, OpenedTable opened);

  /// Waits until the log has `min_size`; DEADLINE_EXCEEDED when it has not in time.
  Task<absl::StatusOr<audit::v1::GetCheckpointResponse>> GetCheckpoint(
      Call call, audit::v1::GetCheckpointRequest request);
  /// INVALID_ARGUMENT or FAILED_PRECONDITION, as the proto says; nothing is kept then.
  Task<absl::StatusOr<audit::v1::AddCosignatureResponse>> AddCosignature(
      Call call, audit::v1::AddCosignatureRequest request);
  /// NO_SUCH_OR_NOT_YOURS for an index beyond the tree and, unless a service or an auditor asks, for a leaf
  /// of another institution.
  Task<absl::StatusOr<audit::v1::GetInclusionProofResponse>> GetInclusionProof(
      Call call, audit::v1::GetInclusionProofRequest request);
  Task<absl::StatusOr<audit::v1::GetConsistencyProofResponse>> GetConsistencyProof(
      Call call, audit::v1::GetConsistencyProofRequest request);
  Task<absl::StatusOr<audit::v1::ListLeavesResponse>> ListLeaves(Call call,
                                                                 audit::v1::ListLeavesRequest request);

  /// Leaves right after they are durable, in messages of at most 256 KiB, and nonces answered in order in
  /// between. OPENED for auditors: those whose scope in the directory is the suite (or an authority's that
  /// has not ended), with a reason, and after a LOG_READ leaf is durable.
  Task<absl::Status> Tail(Call call,
                          std::shared_ptr<Stream<audit::v1::TailRequest, audit::v1::TailResponse>> stream);

 private:
  struct Run;

  // GetCheckpoint with `cosigned` or `to_cosign`.
  Task<absl::StatusOr<audit::v1::GetCheckpointResponse>> CosignedCheckpoint(
      Call call, audit::v1::GetCheckpointRequest request);

  [[nodiscard]] absl::Status MayRead(const Call& call, uint64_t index) const;
  // How this caller sees leaves; writes the leaf that an auditor's tail leaves.
  Task<absl::Status> Authorise(Call call, std::shared_ptr<Run> run);
  Task<absl::Status> WriteLogRead(Call call, uint64_t from);
  Task<absl::Status> Pump(std::shared_ptr<Run> run);
  Task<absl::Status> AnswerNonces(std::shared_ptr<Run> run);
  absl::StatusOr<size_t> ReadSome(const Run& run, std::vector<audit::v1::TailResponse>& out) const;

  const ServiceContext context_;
  const OpenedTable opened_;
  const std::shared_ptr<audit::Cosignatures> cosignatures_;
};

}  // namespace relais::rpc
