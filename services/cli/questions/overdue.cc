#include "services/cli/questions/overdue.h"

#include <utility>

namespace relais::cli::questions {
namespace {

void Say(Finding& finding, std::string what, absl::Time due) {
  finding.what = std::move(what);
  finding.facts["due"] = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", due, absl::UTCTimeZone());
}

}  // namespace

void OpenMatters::Open(const Id128& id, Finding matter, absl::Time due) {
  open_.insert_or_assign(id, Matter{std::move(matter), due});
}

void OpenMatters::Extend(const Id128& id, absl::Time due) {
  if (const auto found = open_.find(id); found != open_.end()) {
    found->second.due = due;
  }
}

void OpenMatters::Close(const Id128& id, uint64_t leaf, absl::Time at) {
  const auto found = open_.find(id);
  if (found == open_.end()) {
    return;
  }
  if (at > found->second.due) {
    Finding late = std::move(found->second.finding);
    Say(late, "LATE", found->second.due);
    late.leaves.push_back(leaf);
    late_.Add(std::move(late));
  }
  open_.erase(found);
}

std::vector<Finding> OpenMatters::Finish(absl::Time now) {
  for (auto& [id, matter] : open_) {
    if (now > matter.due) {
      Say(matter.finding, "OVERDUE", matter.due);
      late_.Add(std::move(matter.finding));
    }
  }
  open_.clear();
  return late_.Take();
}

}  // namespace relais::cli::questions
