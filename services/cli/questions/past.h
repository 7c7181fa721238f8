// What was so when a leaf was written: the directory it names, and what the person had said before.
#pragma once

#include <cstdint>
#include <memory>

#include "common/directory/directory.h"
#include "services/cli/questions/her_acts.h"

namespace relais::cli::questions {

/// Past directory versions. Not thread-safe.
class DirectoryHistory {
 public:
  virtual ~DirectoryHistory() = default;
  /// Null when that version cannot be had.
  [[nodiscard]] virtual std::shared_ptr<const directory::Directory> At(uint64_t version) = 0;
};

class Past {
 public:
  /// `complete`: the logs were read from their first leaf.
  Past(DirectoryHistory& directories, const HerActs& her_acts, bool complete)
      : directories_(directories), her_acts_(her_acts), complete_(complete) {}

  [[nodiscard]] std::shared_ptr<const directory::Directory> DirectoryAt(uint64_t version) const {
    return directories_.At(version);
  }
  [[nodiscard]] const HerActs& her_acts() const { return her_acts_; }
  /// False: what is not in her acts may have come before the first leaf that was read.
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  DirectoryHistory& directories_;
  const HerActs& her_acts_;
  const bool complete_;
};

}  // namespace relais::cli::questions
