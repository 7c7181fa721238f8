#include "services/vault/put_row.h"

#include <optional>
#include <utility>

#include "services/vault/store.h"

namespace relais::vault {

void PutRow(const storage::Partition& partition, std::string_view key, std::string value, uint64_t version,
            storage::CommitRequest& commit) {
  commit.partition = partition;
  commit.batch.push_back({std::string(key), std::move(value)});
  if (version == kDoesNotRead) {
    return;
  }
  storage::Precondition unchanged{std::string(key), std::nullopt};
  if (version != 0) {
    unchanged.version = version;
  }
  commit.preconditions.push_back(std::move(unchanged));
}

}  // namespace relais::vault
