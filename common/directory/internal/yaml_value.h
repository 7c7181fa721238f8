// A YAML document as plain values: yaml-cpp stays behind this file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::directory::internal {

struct YamlMember;

/// Every scalar is text: what it means is the reader's business (a YAML `no` is the word "no").
struct YamlValue {
  enum class Kind { kNull, kText, kList, kMap };

  Kind kind = Kind::kNull;
  std::string text;
  std::vector<YamlValue> list;
  std::vector<YamlMember> map;  ///< In the file's order, keys unique.

  [[nodiscard]] const YamlValue* Find(std::string_view key) const;
};

struct YamlMember {
  std::string key;
  YamlValue value;
};

/// INVALID_ARGUMENT, with the line, for what is not one YAML document, a repeated or composite key, more than
/// 16 levels or 200,000 values (aliases counted each time), or more than 8 MiB.
absl::StatusOr<YamlValue> ParseYaml(std::string_view yaml);

/// Block style, every text quoted when it must be; ParseYaml gives the same value back.
std::string WriteYaml(const YamlValue& value);

/// Every text by path: `a.b`, list items by their `id`, `code`, `origin` or `fingerprint`, else by position
/// (`a[edf].b`, `a[0]`; the second of one name is `a[edf#2]`). A list of texts is one value, `x, y`.
std::map<std::string, std::string> Flatten(const YamlValue& value);

/// How an item of a list is named in paths.
std::string ItemName(const YamlValue& item, size_t position);

}  // namespace relais::directory::internal
