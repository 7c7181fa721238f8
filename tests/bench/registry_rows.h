// What a consent registry committed while it was built, as table files: one chunk of persons after the other.
#pragma once

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "tests/bench/bulk_store.h"
#include "tests/bench/table_files.h"

namespace relais::bench {

/// Persons' rows of a chunk must come after those of the chunks before it, in key order; rows of index
/// buckets, which are spread over all keys, are set aside in temporary files and sorted at the end. Not
/// thread-safe.
class RegistryRows {
 public:
  RegistryRows(const std::string& folder, StoreFiles& files);

  absl::Status Write(BulkStore::Rows rows);
  /// After the last chunk: what was set aside.
  absl::Status Finish();
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  static constexpr size_t kSpills = 256;

  absl::Status WriteData(const BulkStore::Rows& rows);
  absl::Status WriteLog(const std::vector<storage::LogRow>& rows);
  absl::Status WriteSorted(TableFiles* to, std::map<std::string, std::string> rows);
  absl::Status Spill(const std::string& key, const std::string& value);
  absl::Status FinishSpill(size_t number, TableFiles* to);
  absl::Status Put(TableFiles* to, const std::string& key, const std::string& value);
  [[nodiscard]] std::string SpillPath(size_t number) const;

  const std::string folder_;
  StoreFiles& files_;
  TableFiles* const persons_;
  TableFiles* const leaves_;
  TableFiles* const leaf_subjects_;
  TableFiles* const subject_leaves_;
  TableFiles* const subject_keys_;
  std::map<char, TableFiles*> nodes_;  // by level of tiles: within one, nodes are completed in key order
  std::array<File, kSpills> spills_;   // by the first byte of a bucket's id
  uint64_t bytes_ = 0;
};

}  // namespace relais::bench
