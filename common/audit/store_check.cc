#include "common/audit/store_check.h"

#include "common/audit/tree_rows.h"
#include "common/base/status.h"
#include "common/merkle/checkpoint.h"

namespace relais::audit {

absl::Status CheckContains(const storage::Store& store, std::string_view checkpoint) {
  // The text of a note ends with the line before its empty one.
  const size_t end = checkpoint.find("\n\n");
  ASSIGN_OR_RETURN(const merkle::Checkpoint head,
                   merkle::ParseCheckpoint(checkpoint.substr(
                       0, end == std::string_view::npos ? std::string_view::npos : end + 1)));
  const internal::TreeRows rows(store);
  ASSIGN_OR_RETURN(const uint64_t size, rows.Size());
  if (size < head.size) {
    return absl::DataLossError("the store holds fewer leaves than its checkpoint says");
  }
  ASSIGN_OR_RETURN(const merkle::Frontier range, rows.Range(head.size));
  return range.root() == head.root ? absl::OkStatus()
                                   : absl::DataLossError("the store's log is not that of its checkpoint");
}

}  // namespace relais::audit
