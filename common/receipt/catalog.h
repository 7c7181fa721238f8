// The words of pages that a person keeps: one JSON file per language in catalog/, compiled in. To add a
// language, add a file with every key of fr.json; catalog_test.cc says what is missing. Formats:
// docs/formats.md, "Message catalogue". Pure.
#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::receipt {

struct Catalog {
  std::string language;  // BCP 47
  std::string name;      // in its own language
  bool right_to_left = false;
  /// Not yet read by somebody who speaks it: every page says so.
  bool draft = false;
  /// Text with {placeholders}, by key.
  std::map<std::string, std::string, std::less<>> messages;
  /// The directory's codes in this language, by `purpose.CODE` or `category.CODE`; may lack any.
  std::map<std::string, std::string, std::less<>> words;

  /// Empty for a key that is not there: tests make sure that all are.
  [[nodiscard]] std::string_view Message(std::string_view key) const;
};

/// INVALID_ARGUMENT names what is wrong with the text of a catalogue.
[[nodiscard]] absl::StatusOr<Catalog> ParseCatalog(std::string_view json);

/// Those compiled in, French first, then English, then by language. They parse, or the process ends.
[[nodiscard]] const std::vector<Catalog>& Catalogs();
/// NOT_FOUND lists the languages there are.
[[nodiscard]] absl::StatusOr<const Catalog*> FindCatalog(std::string_view language);

/// The names between braces.
[[nodiscard]] std::set<std::string> Placeholders(std::string_view message);
/// How this catalogue differs from `reference` in keys and placeholders; empty: it does not.
[[nodiscard]] std::vector<std::string> Differences(const Catalog& catalog, const Catalog& reference);

/// The message with each {name} replaced by its value, once, as it is: values are made harmless by the
/// caller, and braces within them stay.
using Values = std::initializer_list<std::pair<std::string_view, std::string_view>>;
[[nodiscard]] std::string Fill(std::string_view message, Values values);

}  // namespace relais::receipt
