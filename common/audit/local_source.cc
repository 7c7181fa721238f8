#include <utility>

#include "common/audit/follower.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

FollowedLeaf Followed(OpenedLeaf leaf) {
  FollowedLeaf followed;
  followed.index = leaf.index;
  followed.bytes = std::move(leaf.bytes);
  followed.time = leaf.leaf.time;
  followed.header = std::move(leaf.leaf.header);
  if (leaf.opening == OpenedLeaf::Opening::kOpened) {
    followed.opening = audit::v1::TailLeaf::OPENING_OPENED;
    followed.details = std::move(leaf.details);
  } else {
    followed.opening = audit::v1::TailLeaf::OPENING_ERASED;
  }
  return followed;
}

class LocalTailSource final : public TailSource {
 public:
  LocalTailSource(Log& log, Log::Wanted wanted) : log_(log), wanted_(std::move(wanted)) {}

  Task<absl::StatusOr<std::vector<FollowedLeaf>>> Read(uint64_t from, size_t limit,
                                                       absl::Duration wait) override {
    co_await log_.WaitForGrowth(from, wait);
    CO_ASSIGN_OR_RETURN(std::vector<OpenedLeaf> opened, log_.ReadOpened(from, limit, wanted_));
    std::vector<FollowedLeaf> leaves;
    leaves.reserve(opened.size());
    for (OpenedLeaf& leaf : opened) {
      leaves.push_back(Followed(std::move(leaf)));
    }
    co_return leaves;
  }

  Task<absl::StatusOr<LogState>> Probe(std::string /*nonce*/) override { co_return log_.state(); }

 private:
  Log& log_;
  const Log::Wanted wanted_;
};

}  // namespace

std::unique_ptr<TailSource> LocalSource(Log& log, Log::Wanted wanted) {
  return std::make_unique<LocalTailSource>(log, std::move(wanted));
}

}  // namespace relais::audit
