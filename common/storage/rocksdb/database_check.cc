// Database::Check: what is wrong below the storage contract.
#include <rocksdb/db.h>

#include <string_view>

#include "common/base/status.h"
#include "common/storage/rocksdb/database.h"
#include "common/storage/validate.h"
#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

constexpr std::string_view kPartitionKinds = "PRMIHCFADQXUL";
constexpr size_t kMostReported = 1000;

using Problems = std::vector<std::pair<std::string, std::string>>;

// What is wrong with a data row; empty when nothing is.
std::string ProblemOf(std::string_view key, std::string_view value, uint64_t last_version) {
  if (key.size() <= Partition::kEncodedSize || !ValidateKey(key.substr(Partition::kEncodedSize)).ok()) {
    return "its key is no partition and key";
  }
  if (kPartitionKinds.find(key.front()) == std::string_view::npos) {
    return "no partition has that kind";
  }
  const absl::StatusOr<StoredValue> stored = DecodeValue(value);
  if (!stored.ok()) {
    return std::string(stored.status().message());
  }
  if (stored->version == 0 || stored->version > last_version) {
    return "written by commit " + std::to_string(stored->version) + ", the last was " +
           std::to_string(last_version);
  }
  return "";
}

}  // namespace

Problems Database::Check() const {
  Problems problems;
  if (const rocksdb::Status checksums = db_->VerifyChecksum(); !checksums.ok()) {
    problems.emplace_back("store", checksums.ToString());
  }
  const absl::StatusOr<uint64_t> last_version = LastVersion();
  if (!last_version.ok()) {
    problems.emplace_back("store version", std::string(last_version.status().message()));
    return problems;
  }
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.verify_checksums = true;
  options.fill_cache = false;
  std::vector<std::pair<std::string, rocksdb::ColumnFamilyHandle*>> families = {
      {"data", data(PartitionKind::kPerson)}};
  if (data(PartitionKind::kDocument) != data(PartitionKind::kPerson)) {
    families.emplace_back("document", data(PartitionKind::kDocument));
  }
  for (const auto& [name, family] : families) {
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, family));
    uint64_t number = 0;
    for (it->SeekToFirst(); it->Valid() && problems.size() < kMostReported; it->Next(), ++number) {
      const std::string_view key(it->key().data(), it->key().size());
      std::string problem = ProblemOf(key, {it->value().data(), it->value().size()}, *last_version);
      if (problem.empty() && DataOf(key) != family) {
        problem = "its kind of partition is kept elsewhere";
      }
      if (!problem.empty()) {
        problems.emplace_back(name + " row number " + std::to_string(number), std::move(problem));
      }
    }
    if (!it->status().ok()) {
      problems.emplace_back(name + " rows from number " + std::to_string(number), it->status().ToString());
    }
  }
  return problems;
}

}  // namespace relais::storage
