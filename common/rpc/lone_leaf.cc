#include "common/rpc/lone_leaf.h"

#include <array>
#include <cstdint>
#include <utility>

namespace relais::rpc {
namespace {

storage::Partition LoneLeaves() {
  std::array<uint8_t, Id128::kSize> id{};
  id.back() = 1;
  return {storage::PartitionKind::kCursor, Id128(id)};
}

}  // namespace

Task<absl::StatusOr<storage::CommitResult>> WriteLoneLeaf(const ServiceContext& context, audit::Event event) {
  absl::StatusOr<storage::LeafDraft> draft = context.log.Draft(std::move(event));
  if (!draft.ok()) {
    co_return draft.status();
  }
  storage::CommitRequest commit;
  commit.partition = LoneLeaves();
  commit.leaves.push_back(*std::move(draft));
  absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
  co_return done;
}

Task<absl::Status> WriteLoneLeaves(const ServiceContext& context, std::vector<audit::Event> events) {
  storage::CommitRequest commit;
  commit.partition = LoneLeaves();
  for (audit::Event& event : events) {
    absl::StatusOr<storage::LeafDraft> draft = context.log.Draft(std::move(event));
    if (!draft.ok()) {
      co_return draft.status();
    }
    commit.leaves.push_back(*std::move(draft));
  }
  const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
  co_return done.status();
}

}  // namespace relais::rpc
