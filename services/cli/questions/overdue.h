// Matters that are opened by one leaf, due by some instant, and closed by another leaf.
#pragma once

#include <map>
#include <vector>

#include "services/cli/questions/question.h"

namespace relais::cli::questions {

/// Holds open matters only; those closed late are findings. Not thread-safe.
class OpenMatters {
 public:
  void Open(const Id128& id, Finding matter, absl::Time due);
  /// Another due instant; nothing when it is not open.
  void Extend(const Id128& id, absl::Time due);
  /// Nothing when it is not open.
  void Close(const Id128& id, uint64_t leaf, absl::Time at);
  /// OVERDUE for what is open past its due instant, LATE for what was closed after it.
  [[nodiscard]] std::vector<Finding> Finish(absl::Time now);
  [[nodiscard]] size_t size() const { return open_.size() + late_.size(); }

 private:
  struct Matter {
    Finding finding;
    absl::Time due;
  };
  std::map<Id128, Matter> open_;
  FindingList late_;
};

}  // namespace relais::cli::questions
