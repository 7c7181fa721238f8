// breach-notice: who was touched by the acts of one institution, or of one certificate, between two instants,
// for the notices of RGPD art. 33 and 34. What a certificate did stands in part R, which is for the log to
// look at: of it, only the leaves found by their certificate are shown here. 16 bytes for each person.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

class BreachNotice final : public Question {
 public:
  BreachNotice(std::string institution, bool by_certificate)
      : institution_(std::move(institution)), by_certificate_(by_certificate) {}

  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "breach-notice",
        "personnes touchées par une institution ou un certificat entre deux instants (--institution ou "
        "--certificate, --since, --until)",
        "persons touched by an institution or a certificate between two instants (--institution or "
        "--certificate, --since, --until)",
        {"consent", "routing", "alerting", "vault"},
        true};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    const std::string& acting = leaf.header.institution();
    const std::string& recipient = leaf.details.recipient().institution();
    const bool concerns = by_certificate_ || acting == institution_ || recipient == institution_;
    if (!concerns || !leaf.in_period) {
      return;
    }
    const std::string& whose = by_certificate_ ? acting : institution_;
    const std::string& other = acting == whose ? recipient : acting;
    Touched& touched = by_other_[{whose, other.empty() ? whose : other}];
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
    for (auto& [key, touched] : by_other_) {
      Finding answer;
      answer.what = "TOUCHED";
      answer.service = touched.service;
      answer.leaves = {touched.first};
      answer.time = touched.since;
      answer.institution = key.first;
      answer.recipient = key.second;
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
  const bool by_certificate_;
  // By whose it is and the other institution concerned.
  std::map<std::pair<std::string, std::string>, Touched> by_other_;
  size_t held_ = 0;
};

}  // namespace

std::unique_ptr<Question> MakeBreachNotice(const Options& options) {
  return std::make_unique<BreachNotice>(options.institution, !options.certificate.empty());
}

}  // namespace relais::cli::questions
