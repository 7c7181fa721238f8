#include "tests/bench/registry_rows.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/storage/value_format.h"

namespace relais::bench {
namespace {

using storage::LogRow;
using storage::LogTable;

// A row set aside: two lengths, key, value.
struct Lengths {
  uint32_t key = 0;
  uint32_t value = 0;
};

absl::Status Failed(const char* what) {
  return absl::UnavailableError(absl::StrCat("rows set aside: ", what));
}

}  // namespace

RegistryRows::RegistryRows(const std::string& folder, StoreFiles& files)
    : folder_(folder),
      files_(files),
      persons_(files.Data("persons")),
      leaves_(files.Log(LogTable::kLeaves, "leaves")),
      leaf_subjects_(files.Log(LogTable::kLeafSubjects, "leaf_subjects")),
      subject_leaves_(files.Log(LogTable::kSubjectLeaves, "subject_leaves")),
      subject_keys_(files.Log(LogTable::kSubjectKeys, "subject_keys")) {}

absl::Status RegistryRows::Put(TableFiles* to, const std::string& key, const std::string& value) {
  bytes_ += key.size() + value.size();
  return to->Put(key, value);
}

absl::Status RegistryRows::Write(BulkStore::Rows rows) {
  RETURN_IF_ERROR(WriteData(rows));
  return WriteLog(rows.log);
}

absl::Status RegistryRows::WriteData(const BulkStore::Rows& rows) {
  using Row = std::pair<const std::string, storage::Entry>;
  for (const Row& row : rows.data) {
    switch (static_cast<storage::PartitionKind>(row.first[0])) {
      case storage::PartitionKind::kPerson:
        RETURN_IF_ERROR(Put(persons_, row.first, storage::EncodeValue(row.second.version, row.second.value)));
        break;
      case storage::PartitionKind::kIndexBucket:
        RETURN_IF_ERROR(Spill(row.first, storage::EncodeValue(row.second.version, row.second.value)));
        break;
      default:
        return absl::InternalError("a registry wrote a partition that nobody expected");
    }
  }
  return absl::OkStatus();
}

absl::Status RegistryRows::WriteLog(const std::vector<LogRow>& rows) {
  std::map<std::string, std::string> pointers;
  std::map<std::string, std::string> keys;
  for (const LogRow& row : rows) {
    if (!row.value) {
      return absl::InternalError("a registry deleted a row of the log while it was built");
    }
    switch (row.table) {
      case LogTable::kLeaves:
        RETURN_IF_ERROR(Put(leaves_, row.key, *row.value));
        break;
      case LogTable::kLeafSubjects:
        RETURN_IF_ERROR(Put(leaf_subjects_, row.key, *row.value));
        break;
      case LogTable::kNodes: {
        TableFiles*& level = nodes_[row.key[0]];
        if (level == nullptr) {
          level = files_.Log(LogTable::kNodes, absl::StrCat("nodes-", static_cast<int>(row.key[0])));
        }
        RETURN_IF_ERROR(Put(level, row.key, *row.value));
        break;
      }
      case LogTable::kSubjectLeaves:
        pointers.emplace(row.key, *row.value);
        break;
      case LogTable::kSubjectKeys:
        keys.insert_or_assign(row.key, *row.value);
        break;
      default:
        return absl::InternalError("a registry wrote a table of the log that nobody expected");
    }
  }
  RETURN_IF_ERROR(WriteSorted(subject_leaves_, std::move(pointers)));
  return WriteSorted(subject_keys_, std::move(keys));
}

absl::Status RegistryRows::WriteSorted(TableFiles* to, std::map<std::string, std::string> rows) {
  for (const auto& [key, value] : rows) {
    RETURN_IF_ERROR(Put(to, key, value));
  }
  return absl::OkStatus();
}

std::string RegistryRows::SpillPath(size_t number) const {
  return absl::StrCat(folder_, "/buckets-", number, ".rows");
}

absl::Status RegistryRows::Spill(const std::string& key, const std::string& value) {
  const size_t number = static_cast<uint8_t>(key[1]);  // after the partition's kind
  File& file = spills_[number];
  if (file == nullptr) {
    file.reset(std::fopen(SpillPath(number).c_str(), "w+be"));
    if (file == nullptr) {
      return Failed("cannot open a file");
    }
  }
  const Lengths lengths{static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())};
  const bool written = std::fwrite(&lengths, sizeof(lengths), 1, file.get()) == 1 &&
                       std::fwrite(key.data(), key.size(), 1, file.get()) == 1 &&
                       std::fwrite(value.data(), value.size(), 1, file.get()) == 1;
  return written ? absl::OkStatus() : Failed("cannot write");
}

absl::Status RegistryRows::FinishSpill(size_t number, TableFiles* to) {
  const File file = std::move(spills_[number]);
  if (file == nullptr) {
    return absl::OkStatus();
  }
  std::fseek(file.get(), 0, SEEK_END);
  std::string bytes(static_cast<size_t>(std::ftell(file.get())), '\0');
  std::rewind(file.get());
  if (std::fread(bytes.data(), bytes.size(), 1, file.get()) != 1) {
    return Failed("cannot read");
  }
  std::error_code ignored;
  std::filesystem::remove(SpillPath(number), ignored);
  std::vector<std::pair<std::string_view, std::string_view>> rows;
  for (std::string_view rest = bytes; !rest.empty();) {
    Lengths lengths;
    std::memcpy(&lengths, rest.data(), sizeof(lengths));
    rest.remove_prefix(sizeof(lengths));
    rows.emplace_back(rest.substr(0, lengths.key), rest.substr(lengths.key, lengths.value));
    rest.remove_prefix(size_t{lengths.key} + lengths.value);
  }
  std::sort(rows.begin(), rows.end());
  for (const auto& [key, value] : rows) {
    RETURN_IF_ERROR(Put(to, std::string(key), std::string(value)));
  }
  return absl::OkStatus();
}

absl::Status RegistryRows::Finish() {
  TableFiles* const to = files_.Data("buckets");
  for (size_t number = 0; number < kSpills; ++number) {
    RETURN_IF_ERROR(FinishSpill(number, to));
  }
  return absl::OkStatus();
}

}  // namespace relais::bench
