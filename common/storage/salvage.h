// Reading past what does not read: for who must not stop at a damaged block of the disk (D-3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/storage/store.h"

namespace relais::storage {

/// A page of what reads. How many rows lie in a gap, if any, is not known.
struct SalvagedPage {
  std::vector<KeyedEntry> entries;  // in key order
  std::vector<std::string> gaps;  // where each stretch that does not read begins: at its first row or before
  std::string next;               // the key to go on from; empty: no more
};

/// As Store::Scan, but DATA_LOSS is a gap, of which a page has at most 16. Rows between two gaps may be taken
/// for a part of them; so may those whose keys differ only after 16 bytes from one in a gap. A gap costs some
/// hundred reads of its place.
[[nodiscard]] absl::StatusOr<SalvagedPage> Salvage(const Store& store, const Partition& partition,
                                                   std::string_view prefix, std::string_view from,
                                                   size_t page_size);

struct SalvagedPartitions {
  std::vector<Partition> partitions;  // in order of their ids
  std::vector<Id128> gaps;            // as above; what begins a partition does not read
  std::optional<Id128> next;          // the id to go on from; nullopt: no more
};

/// As Store::ListPartitions, likewise. A partition in a gap may well be there, and be read by its keys.
[[nodiscard]] absl::StatusOr<SalvagedPartitions> SalvagePartitions(const Store& store, PartitionKind kind,
                                                                   const Id128& from, size_t limit);

/// As EmptyPartition, but what does not read stays. How many gaps that were.
Task<absl::StatusOr<uint64_t>> EmptyWhatReads(Store& store, Partition partition);

}  // namespace relais::storage
