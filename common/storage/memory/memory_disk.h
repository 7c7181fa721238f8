// What a MemoryStore leaves behind when its process dies: the tables alone.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/storage/store.h"

namespace relais::storage {

/// Ordered tables in the formats of value_format.h, changed only by whole commits. Shared by the stores
/// opened on it one after the other. Thread-safe.
class MemoryDisk {
 public:
  using Table = std::map<std::string, std::string, std::less<>>;
  using Row = std::pair<std::string, std::string>;

  /// One commit, applied at once: a crash finds all of it or nothing.
  struct Write {
    uint64_t version = 0;
    std::vector<std::pair<std::string, std::optional<std::string>>> data;  // encoded key and value; or delete
    std::vector<LogRow> rows;
  };
  void Apply(const Write& write);

  [[nodiscard]] std::optional<std::string> Data(std::string_view encoded_key) const;
  [[nodiscard]] std::optional<std::string> Log(LogTable table, std::string_view key) const;

  struct Rows {
    std::vector<Row> rows;
    std::string next;  // the key to go on from; empty: no more
  };
  /// Rows whose key starts with `prefix`, from the key `from` on; at most `limit`, and none once
  /// kMaxPageBytes are reached.
  [[nodiscard]] Rows ScanData(std::string_view prefix, std::string_view from, size_t limit) const;
  [[nodiscard]] Rows ScanLog(LogTable table, std::string_view prefix, std::string_view from,
                             size_t limit) const;

  [[nodiscard]] std::optional<Row> LastLog(LogTable table) const;
  /// The highest version ever applied; 0 on a new disk.
  [[nodiscard]] uint64_t last_version() const;

  /// A copy that lives on its own: a backup, or an older state to roll back to.
  [[nodiscard]] std::shared_ptr<MemoryDisk> Clone() const;

 private:
  mutable std::mutex mu_;
  Table data_;
  std::array<Table, kLogTables> logs_;
  uint64_t last_version_ = 0;
};

}  // namespace relais::storage
