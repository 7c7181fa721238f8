#include "common/storage/memory/memory_disk.h"

#include <algorithm>

#include "common/storage/validate.h"

namespace relais::storage {
namespace {

template <typename Optional>
void Change(MemoryDisk::Table& table, const std::string& key, const Optional& value) {
  if (value.has_value()) {
    table.insert_or_assign(key, *value);
  } else {
    table.erase(key);
  }
}

std::optional<std::string> Find(const MemoryDisk::Table& table, std::string_view key) {
  const auto it = table.find(key);
  return it == table.end() ? std::nullopt : std::optional(it->second);
}

MemoryDisk::Rows ScanTable(const MemoryDisk::Table& table, std::string_view prefix, std::string_view from,
                           size_t limit) {
  MemoryDisk::Rows found;
  size_t bytes = 0;
  for (auto it = table.lower_bound(std::max(prefix, from)); it != table.end(); ++it) {
    if (!std::string_view(it->first).starts_with(prefix)) {
      break;
    }
    if (found.rows.size() == limit || bytes >= kMaxPageBytes) {
      found.next = it->first;
      break;
    }
    bytes += it->first.size() + it->second.size();
    found.rows.emplace_back(*it);
  }
  return found;
}

}  // namespace

void MemoryDisk::Apply(const Write& write) {
  std::lock_guard lock(mu_);
  for (const auto& [key, value] : write.data) {
    Change(data_, key, value);
  }
  for (const LogRow& row : write.rows) {
    Change(logs_.at(static_cast<size_t>(row.table)), row.key, row.value);
  }
  last_version_ = std::max(last_version_, write.version);
}

std::optional<std::string> MemoryDisk::Data(std::string_view encoded_key) const {
  std::lock_guard lock(mu_);
  return Find(data_, encoded_key);
}

std::optional<std::string> MemoryDisk::Log(LogTable table, std::string_view key) const {
  std::lock_guard lock(mu_);
  return Find(logs_.at(static_cast<size_t>(table)), key);
}

MemoryDisk::Rows MemoryDisk::ScanData(std::string_view prefix, std::string_view from, size_t limit) const {
  std::lock_guard lock(mu_);
  return ScanTable(data_, prefix, from, limit);
}

MemoryDisk::Rows MemoryDisk::ScanLog(LogTable table, std::string_view prefix, std::string_view from,
                                     size_t limit) const {
  std::lock_guard lock(mu_);
  return ScanTable(logs_.at(static_cast<size_t>(table)), prefix, from, limit);
}

std::optional<MemoryDisk::Row> MemoryDisk::LastLog(LogTable table) const {
  std::lock_guard lock(mu_);
  const Table& rows = logs_.at(static_cast<size_t>(table));
  return rows.empty() ? std::nullopt : std::optional<Row>(*rows.rbegin());
}

uint64_t MemoryDisk::last_version() const {
  std::lock_guard lock(mu_);
  return last_version_;
}

std::shared_ptr<MemoryDisk> MemoryDisk::Clone() const {
  auto copy = std::make_shared<MemoryDisk>();
  std::lock_guard lock(mu_);
  copy->data_ = data_;
  copy->logs_ = logs_;
  copy->last_version_ = last_version_;
  return copy;
}

}  // namespace relais::storage
