#include "services/cli/questions/question.h"

#include "absl/strings/str_cat.h"

namespace relais::cli::questions {

std::optional<Id128> SeenLeaf::Subject() const {
  const absl::StatusOr<Id128> id = Id128::FromBytes(details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

std::optional<Id128> SeenLeaf::Person() const {
  return details.subject().kind() == audit::v1::Subject::KIND_PERSON ? Subject() : std::nullopt;
}

Finding About(const SeenLeaf& leaf, std::string what) {
  Finding finding;
  finding.what = std::move(what);
  finding.service = leaf.service;
  finding.leaves = {leaf.index};
  finding.time = leaf.time;
  finding.institution = leaf.header.institution();
  finding.function = leaf.details.acting_function();
  finding.recipient = leaf.details.recipient().institution();
  if (const std::optional<Id128> person = leaf.Person()) {
    finding.persons = {*person};
  }
  return finding;
}

void FindingList::Add(Finding finding) {
  if (kept_.size() < kMost) {
    kept_.push_back(std::move(finding));
  } else {
    ++more_;
  }
}

std::vector<Finding> FindingList::Take() {
  if (more_ > 0) {
    Finding more;
    more.what = "MORE";
    more.facts["count"] = absl::StrCat(more_);
    kept_.push_back(std::move(more));
  }
  return std::move(kept_);
}

}  // namespace relais::cli::questions
