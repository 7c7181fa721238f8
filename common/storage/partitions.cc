#include "common/storage/partitions.h"

#include <utility>

#include "common/base/status.h"

namespace relais::storage {
namespace {
constexpr size_t kKeysAtOnce = 500;
}  // namespace

Task<absl::Status> EmptyPartition(Store& store, Partition partition, std::string keep) {
  for (;;) {
    // From the first again: what was there is gone, but for the one that stays.
    CO_ASSIGN_OR_RETURN(const Page page, store.Scan(partition, "", "", kKeysAtOnce));
    CommitRequest commit;
    commit.partition = partition;
    for (const KeyedEntry& row : page.entries) {
      if (row.key != keep) {
        commit.batch.push_back({row.key, std::nullopt});
      }
    }
    if (commit.batch.empty()) {
      co_return absl::OkStatus();
    }
    const absl::StatusOr<CommitResult> done = co_await store.Commit(std::move(commit));
    CO_RETURN_IF_ERROR(done.status());
  }
}

Id128 NextId(const Id128& id) {
  std::string bytes = id.ToBytes();
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    *byte = static_cast<char>(static_cast<uint8_t>(*byte) + 1);
    if (*byte != 0) {
      break;
    }
  }
  return Id128::FromBytes(bytes).value();
}

}  // namespace relais::storage
