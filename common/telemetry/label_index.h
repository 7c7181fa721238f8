// Closed sets of label values, numbered. The place where a value that was not declared becomes "other".
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace relais::telemetry {

/// What every value outside the closed set of its label is recorded as.
inline constexpr std::string_view kOther = "other";

/// A label and the closed set of its values; "other" is always one of them.
struct Label {
  std::string name;
  std::vector<std::string> values;

  friend bool operator==(const Label&, const Label&) = default;
};

/// One value per label, in the order of registration; a missing one is "other", one too many is ignored.
using LabelValues = std::initializer_list<std::string_view>;

/// Combinations of label values → 0 … size() − 1. Immutable, thread-safe.
class LabelIndex {
 public:
  static constexpr size_t kMaxCombinations = 65'536;

  /// Stops counting past kMaxCombinations: such an index is only good for asking its size.
  explicit LabelIndex(std::vector<Label> labels);

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t IndexOf(std::span<const std::string_view> values) const;
  /// Label name → value of combination `index` < size().
  [[nodiscard]] std::map<std::string, std::string> LabelsAt(size_t index) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::vector<Label> labels_;
  std::vector<std::unordered_map<std::string, size_t, Hash, std::equal_to<>>> positions_;
  size_t size_ = 1;
};

}  // namespace relais::telemetry
