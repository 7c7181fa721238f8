#include <algorithm>
#include <utility>

#include "common/audit/follower.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

// How long leaves that nobody wants wait for others.
constexpr absl::Duration kGather = absl::Milliseconds(5);

bool NothingWanted(const std::vector<OpenedLeaf>& leaves) {
  return !leaves.empty() && std::all_of(leaves.begin(), leaves.end(), [](const OpenedLeaf& leaf) {
    return leaf.opening == OpenedLeaf::Opening::kWithheld;
  });
}

FollowedLeaf Followed(OpenedLeaf leaf) {
  FollowedLeaf followed;
  followed.index = leaf.index;
  if (leaf.opening == OpenedLeaf::Opening::kWithheld) {
    followed.hash = leaf.hash;
    followed.opening = audit::v1::TailLeaf::OPENING_WITHHELD;
    return followed;
  }
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
    if (NothingWanted(opened) && opened.size() < limit / 2) {
      // Under load a group of commits becomes durable every millisecond or two: a turn of the follower for
      // each would cost more than what is in it. The first wanted leaf after a pause is given at once.
      co_await log_.WaitForGrowth(from + limit / 2, kGather);
    }
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
