// breach-notice: who was touched by one institution's acts between two instants, for the notices of RGPD art.
// 33 and 34. 16 bytes for each person.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

class BreachNotice final : public Question {
 public:
  explicit BreachNotice(std::string institution) : institution_(std::move(institution)) {}

  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "breach-notice",
        "personnes touchées par une institution entre deux instants (--institution, --since, --until)",
        "persons touched by an institution between two instants (--institution, --since, --until)",
        {"consent", "routing", "alerting"},
        true};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    const std::string& acting = leaf.header.institution();
    const std::string& recipient = leaf.details.recipient().institution();
    if (institution_.empty() || !leaf.in_period || (acting != institution_ && recipient != institution_)) {
      return;
    }
    const std::string& other = acting == institution_ ? recipient : acting;
    Touched& touched = by_other_[other.empty() || other == institution_ ? institution_ : other];
    if (touched.leaves++ == 0) {
      touched.first = leaf.index;
      touched.service = leaf.service;
      touched.since = leaf.time;
    }
    if (!leaf.opened) {
      ++touched.erased;
    } else if (const std::optional<Id128> person = leaf.Person()) {
      held_ += touched.persons.insert(*person).second ? 1 : 0;
    }
  }

  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override {
    std::vector<Finding> answers;
    for (auto& [other, touched] : by_other_) {
      Finding answer;
      answer.what = "TOUCHED";
      answer.service = touched.service;
      answer.leaves = {touched.first};
      answer.time = touched.since;
      answer.institution = institution_;
      answer.recipient = other;
      answer.persons.assign(touched.persons.begin(), touched.persons.end());
      std::sort(answer.persons.begin(), answer.persons.end());
      answer.facts["persons"] = absl::StrCat(touched.persons.size());
      answer.facts["leaves"] = absl::StrCat(touched.leaves);
      answer.facts["erased"] = absl::StrCat(touched.erased);
      answers.push_back(std::move(answer));
    }
    by_other_.clear();
    return answers;
  }
  [[nodiscard]] size_t held() const override { return held_; }

 private:
  struct Touched {
    std::string service;
    uint64_t first = 0;
    absl::Time since;
    uint64_t leaves = 0;
    uint64_t erased = 0;
    absl::flat_hash_set<Id128> persons;
  };
  const std::string institution_;
  std::map<std::string, Touched> by_other_;  // by the other institution concerned
  size_t held_ = 0;
};

}  // namespace

std::unique_ptr<Question> MakeBreachNotice(const Options& options) {
  return std::make_unique<BreachNotice>(options.institution);
}

}  // namespace relais::cli::questions
