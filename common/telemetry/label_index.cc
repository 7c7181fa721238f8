#include "common/telemetry/label_index.h"

#include <algorithm>
#include <utility>

namespace relais::telemetry {

LabelIndex::LabelIndex(std::vector<Label> labels) : labels_(std::move(labels)) {
  for (Label& label : labels_) {
    if (std::find(label.values.begin(), label.values.end(), kOther) == label.values.end()) {
      label.values.emplace_back(kOther);
    }
    auto& positions = positions_.emplace_back();
    for (size_t i = 0; i < label.values.size(); ++i) positions.emplace(label.values[i], i);
    size_ *= label.values.size();
    if (size_ > kMaxCombinations) return;
  }
}

size_t LabelIndex::IndexOf(std::span<const std::string_view> values) const {
  size_t index = 0;
  for (size_t i = 0; i < labels_.size(); ++i) {
    const auto& positions = positions_[i];
    auto found = i < values.size() ? positions.find(values[i]) : positions.end();
    if (found == positions.end()) found = positions.find(kOther);
    index = index * labels_[i].values.size() + found->second;
  }
  return index;
}

std::map<std::string, std::string> LabelIndex::LabelsAt(size_t index) const {
  std::map<std::string, std::string> out;
  for (size_t i = labels_.size(); i-- > 0;) {
    const auto& values = labels_[i].values;
    out[labels_[i].name] = values[index % values.size()];
    index /= values.size();
  }
  return out;
}

}  // namespace relais::telemetry
