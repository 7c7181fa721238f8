// The small part of regular expressions that field rules use, compiled once and matched without backtracking.
#pragma once

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::rpc {

/// A sequence of characters or classes `[a-z0-9_-]`, each followed by nothing, `+`, `*`, `?`, `{n}` or
/// `{n,m}`, that the whole text must match. ASCII only: a text with any other byte matches nothing.
/// Immutable, thread-safe, linear in the text.
class Pattern {
 public:
  /// INVALID_ARGUMENT for anything else, and for an element of variable length followed by one that it
  /// overlaps: that would need backtracking.
  static absl::StatusOr<Pattern> Compile(std::string_view text);

  [[nodiscard]] bool Matches(std::string_view text) const;

 private:
  static constexpr size_t kCharacters = 128;
  using Class = std::bitset<kCharacters>;
  struct Element {
    Class allowed;
    size_t min = 1;
    size_t max = 1;
  };

  static absl::Status TakeClass(std::string_view& rest, Class& allowed);
  static absl::Status TakeCount(std::string_view& rest, Element& element);

  std::vector<Element> elements_;
};

}  // namespace relais::rpc
