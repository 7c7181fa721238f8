#include "common/rpc/audit_handlers.h"

#include <utility>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/merkle/tree.h"
#include "common/rpc/checkpoint_size.h"

namespace relais::rpc {
namespace {

constexpr size_t kMostPageBytes = size_t{900} << 10;  // a message is at most 1 MiB
constexpr uint32_t kDefaultPage = 1000;

std::string BytesOf(const merkle::Hash& hash) { return std::string(merkle::AsBytes(hash)); }

bool IsAuditor(const Caller& caller) { return caller.roles.count(common::v1::ROLE_AUDITOR) > 0; }

}  // namespace

AuditHandlers::AuditHandlers(const ServiceContext& context, OpenedTable opened)
    : context_(context),
      cosignatures_(std::make_shared<audit::Cosignatures>(context.store, context.log, context.clock)),
      index_(context.log, context.store, context.executor),
      tail_(context, std::move(opened)),
      query_(context, index_),
      scopes_(context),
      exports_(context) {}

Task<absl::StatusOr<audit::v1::GetCheckpointResponse>> AuditHandlers::GetCheckpoint(
    Call call, audit::v1::GetCheckpointRequest request) {
  if (request.cosigned() || request.to_cosign()) {
    absl::StatusOr<audit::v1::GetCheckpointResponse> answer =
        co_await CosignedCheckpoint(std::move(call), std::move(request));
    co_return answer;
  }
  if (context_.log.state().size < request.min_size()) {
    co_await context_.log.WaitForGrowth(request.min_size() - 1, call.deadline - context_.clock.Monotonic());
  }
  if (context_.log.state().size < request.min_size()) {
    co_return absl::DeadlineExceededError("the log has not grown to that size");
  }
  absl::StatusOr<std::string> checkpoint = co_await context_.log.Checkpoint(request.min_size());
  if (!checkpoint.ok()) {
    co_return checkpoint.status();
  }
  audit::v1::GetCheckpointResponse response;
  response.set_checkpoint(*std::move(checkpoint));
  co_return response;
}

absl::Status AuditHandlers::MayRead(const Call& call, uint64_t index) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, context_.log.ReadLeaves(index, 1));
  if (leaves.empty()) {
    return NoSuchOrNotYours();
  }
  if (call.caller.is_service() || IsAuditor(call.caller)) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(leaves[0]));
  return leaf.header.institution() == call.caller.institution ? absl::OkStatus() : NoSuchOrNotYours();
}

Task<absl::StatusOr<audit::v1::GetInclusionProofResponse>> AuditHandlers::GetInclusionProof(
    Call call, audit::v1::GetInclusionProofRequest request) {
  co_await ResumeOn(context_.executor);
  if (request.leaf_index() >= context_.log.state().size) {
    co_return NoSuchOrNotYours();
  }
  audit::v1::GetInclusionProofResponse response;
  uint64_t size = request.tree_size();
  if (size == 0) {
    absl::StatusOr<std::string> checkpoint = co_await context_.log.Checkpoint(request.leaf_index() + 1);
    if (!checkpoint.ok()) {
      co_return checkpoint.status();
    }
    CO_ASSIGN_OR_RETURN(size, CheckpointSize(*checkpoint));
    response.set_checkpoint(*std::move(checkpoint));
  }
  if (request.leaf_index() >= size || size > context_.log.state().size) {
    co_return NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(MayRead(call, request.leaf_index()));
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> leaves,
                      context_.log.ReadLeaves(request.leaf_index(), 1));
  CO_ASSIGN_OR_RETURN(const std::vector<merkle::Hash> hashes,
                      context_.log.Inclusion(request.leaf_index(), size));
  for (const merkle::Hash& hash : hashes) {
    response.add_hashes(BytesOf(hash));
  }
  response.set_tree_size(size);
  response.set_leaf_hash(BytesOf(merkle::HashLeaf(leaves.at(0))));
  co_return response;
}

Task<absl::StatusOr<audit::v1::GetConsistencyProofResponse>> AuditHandlers::GetConsistencyProof(
    Call /*call*/, audit::v1::GetConsistencyProofRequest request) {
  co_await ResumeOn(context_.executor);
  if (request.new_size() > context_.log.state().size) {
    co_return InvalidField("new_size", "is beyond the log");
  }
  if (request.old_size() > request.new_size()) {
    co_return InvalidField("old_size", "is more than new_size");
  }
  CO_ASSIGN_OR_RETURN(const std::vector<merkle::Hash> hashes,
                      context_.log.Consistency(request.old_size(), request.new_size()));
  audit::v1::GetConsistencyProofResponse response;
  for (const merkle::Hash& hash : hashes) {
    response.add_hashes(BytesOf(hash));
  }
  co_return response;
}

Task<absl::StatusOr<audit::v1::ListLeavesResponse>> AuditHandlers::ListLeaves(
    Call call, audit::v1::ListLeavesRequest request) {
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(const AuditView view, ViewOf(context_, call.caller));
  if (view.kind != AuditView::Kind::kAll) {
    co_return NoScope();
  }
  const uint32_t limit = request.limit() == 0 ? kDefaultPage : request.limit();
  audit::v1::ListLeavesResponse response;
  response.set_size(context_.log.state().size);
  CO_ASSIGN_OR_RETURN(std::vector<std::string> leaves, context_.log.ReadLeaves(request.from(), limit));
  size_t bytes = 0;
  for (std::string& leaf : leaves) {
    bytes += leaf.size();
    if (bytes > kMostPageBytes && response.leaves_size() > 0) {
      break;
    }
    response.add_leaves(std::move(leaf));
  }
  co_return response;
}

}  // namespace relais::rpc
