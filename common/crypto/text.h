// Between std::string_view and Abseil's own, which are two types in Debian's build of Abseil.
#pragma once

#include <string_view>
#include <vector>

#include "absl/strings/string_view.h"

namespace relais::crypto::internal {

[[nodiscard]] inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }

/// The parts between the separators, empty ones included; at least one.
[[nodiscard]] inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.push_back(text);
  return parts;
}

}  // namespace relais::crypto::internal
