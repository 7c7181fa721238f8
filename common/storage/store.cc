#include "common/storage/store.h"

#include "common/base/status.h"

namespace relais::storage {

std::string Partition::Encode() const {
  std::string out;
  out.reserve(kEncodedSize);
  out.push_back(static_cast<char>(kind));
  out.append(id.bytes());
  return out;
}

absl::StatusOr<std::vector<std::optional<std::string>>> Store::LogMultiGet(
    LogTable table, const std::vector<std::string>& keys) const {
  std::vector<std::optional<std::string>> found;
  found.reserve(keys.size());
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(found.emplace_back(), LogGet(table, key));
  }
  return found;
}

}  // namespace relais::storage
