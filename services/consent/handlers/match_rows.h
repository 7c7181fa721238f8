// Where keyed hashes of records stand, and her row that says where (matches.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "relais/consent/v1/person_state.pb.h"
#include "services/consent/domain/matching.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

inline constexpr char kMatchPrefix[] = "match/";
/// Of a key that more records have nothing is made: it tells no humans apart.
inline constexpr size_t kMostAlike = 50;

/// One institution's record of a person.
struct Record {
  Id128 person;
  std::string institution;
  friend bool operator==(const Record&, const Record&) = default;
};

/// Others' records in the bucket of one key.
struct Alike {
  std::vector<Record> records;  // none where there are too many
  bool too_many = false;        // more than kMostAlike
};
absl::StatusOr<Alike> RecordsWith(const Registry& registry, uint32_t version, const char* kind,
                                  const std::string& key, const Id128& but);
/// Every bucket that a row names.
std::vector<storage::Partition> BucketsOf(const Registry& registry, const v1::StoredMatchKeys& keys);
/// Writes or removes a record's entry in those buckets.
std::vector<storage::CommitRequest> EntriesOf(const std::vector<storage::Partition>& buckets,
                                              const Record& record, bool there);
Task<absl::Status> CommitEach(Registry& registry, std::vector<storage::CommitRequest> commits);

/// False: nothing is to be changed.
using ChangeKeys = std::function<bool(v1::StoredMatchKeys& keys)>;
/// Changes the row, unless she is erased: NOT_FOUND. What it was before.
Task<absl::StatusOr<v1::StoredMatchKeys>> ChangeMatchRow(Registry& registry, Record record,
                                                         ChangeKeys change);
/// Her entries are those of `keys` and no others. NOT_FOUND: she is erased, and none is left.
Task<absl::Status> PutEntries(Registry& registry, uint32_t version, Record record, MatchKeys keys);

std::vector<std::string> BytesOf(const std::vector<Id128>& ids);

}  // namespace relais::consent
