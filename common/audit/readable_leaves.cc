#include "common/audit/readable_leaves.h"

#include <iterator>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

// By halves, so that few damaged leaves among many cost few readings.
absl::Status Open(Log& log, const std::vector<uint64_t>& indices, ReadableLeaves& out) {
  if (indices.empty()) {
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<OpenedLeaf>> leaves = log.OpenAt(indices);
  if (!DoesNotRead(leaves.status())) {
    RETURN_IF_ERROR(leaves.status());
    std::move(leaves->begin(), leaves->end(), std::back_inserter(out.leaves));
    return absl::OkStatus();
  }
  if (indices.size() == 1) {
    out.unreadable.push_back(indices.front());
    return absl::OkStatus();
  }
  const auto middle = indices.begin() + static_cast<std::ptrdiff_t>(indices.size() / 2);
  RETURN_IF_ERROR(Open(log, {indices.begin(), middle}, out));
  return Open(log, {middle, indices.end()}, out);
}

}  // namespace

absl::StatusOr<ReadableLeaves> OpenReadable(Log& log, const std::vector<uint64_t>& indices) {
  ReadableLeaves out;
  RETURN_IF_ERROR(Open(log, indices, out));
  return out;
}

}  // namespace relais::audit
