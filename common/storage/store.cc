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

absl::StatusOr<bool> Store::WithValue(const Partition& partition, std::string_view key,
                                      absl::FunctionRef<absl::Status(std::string_view value)> use) const {
  ASSIGN_OR_RETURN(const std::optional<Entry> entry, Get(partition, key));
  if (entry.has_value()) {
    RETURN_IF_ERROR(use(entry->value));
  }
  return entry.has_value();
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
