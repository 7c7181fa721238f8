// Typed reads of a YAML mapping that collect every problem, each with its path, instead of stopping at the
// first.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/directory/internal/yaml_value.h"

namespace relais::directory::internal {

/// Reads one mapping. A key read by no method is reported as unknown when the reader dies, so a reader must
/// die before its problems are looked at. `value` and `problems` outlive the reader.
class Reader {
 public:
  Reader(const YamlValue& value, std::string path, std::vector<std::string>& problems);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool Has(const char* key) const { return value_.Find(key) != nullptr; }

  /// Required and not empty.
  std::string Text(const char* key);
  std::string OptionalText(const char* key);
  /// A list of texts; absent = empty.
  std::vector<std::string> Texts(const char* key);
  int64_t Int(const char* key, int64_t fallback, int64_t min, int64_t max);
  uint64_t Version(const char* key);
  bool Bool(const char* key, bool fallback);
  /// RFC 3339 with offset; required.
  absl::Time Instant(const char* key);
  std::optional<absl::Time> OptionalInstant(const char* key);
  /// `2026-11-03`.
  absl::CivilDay Day(const char* key);
  std::optional<absl::CivilDay> OptionalDay(const char* key);

  /// Calls `read(Reader&)` for each mapping of the list at `key`; absent = none.
  template <typename Read>
  void Each(const char* key, Read read) {
    for (const auto& [path, item] : Items(key)) {
      Reader reader(*item, path, problems_);
      read(reader);
    }
  }
  /// Calls `read(Reader&)` for the mapping at `key`, if there is one.
  template <typename Read>
  void Child(const char* key, Read read) {
    if (const YamlValue* value = Find(key)) {
      Reader reader(*value, PathOf(key), problems_);
      read(reader);
    }
  }

  void Problem(const char* key, const std::string& what);

 private:
  const YamlValue* Find(const char* key);
  const std::string* FindText(const char* key);
  std::vector<std::pair<std::string, const YamlValue*>> Items(const char* key);
  [[nodiscard]] std::string PathOf(const char* key) const;

  const YamlValue& value_;
  std::string path_;
  std::vector<std::string>& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace relais::directory::internal
