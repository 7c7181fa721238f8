#include "services/cli/questions/run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"

namespace relais::cli::questions {
namespace {

constexpr uint64_t kCountEvery = 1024;  // leaves between two looks at what is held

bool Reads(const Question& question, std::string_view service) {
  const std::vector<std::string>& services = question.description().services;
  return std::find(services.begin(), services.end(), service) != services.end();
}

}  // namespace

size_t Report::wrong() const {
  size_t wrong = 0;
  for (const QuestionReport& question : questions) {
    wrong += question.description.enquiry ? 0 : question.findings.size();
  }
  return wrong;
}

std::shared_ptr<const directory::Directory> CheckRun::Watched::At(uint64_t version) {
  std::shared_ptr<const directory::Directory> found = directories_.At(version);
  missed_ = missed_ || found == nullptr;
  return found;
}

CheckRun::CheckRun(std::vector<std::unique_ptr<Question>> questions, DirectoryHistory& directories,
                   RunOptions options)
    : questions_(std::move(questions)),
      directories_(directories),
      options_(options),
      her_acts_(options.most_held) {
  for (const auto& question : questions_) {
    needs_her_acts_ = needs_her_acts_ || question->NeedsHerActs();
  }
}

std::vector<std::string> CheckRun::Services() const {
  std::vector<std::string> services;
  for (const char* service : {"consent", "routing", "alerting", "vault"}) {
    const Range wanted = Wanted(service);
    if (wanted.first < wanted.end) {
      services.emplace_back(service);
    }
  }
  return services;
}

Range CheckRun::Wanted(std::string_view service) const {
  Range all{UINT64_MAX, 0};
  for (const auto& question : questions_) {
    if (Reads(*question, service)) {
      const Range wanted = question->Wanted(service);
      if (wanted.first < wanted.end) {
        all = {std::min(all.first, wanted.first), std::max(all.end, wanted.end)};
      }
    }
  }
  return all.first < all.end ? all : Range{0, 0};
}

bool CheckRun::Mine(const SeenLeaf& leaf) const {
  if (options_.shares <= 1) {
    return true;
  }
  // An erasure is asked for about somebody and ends about nobody.
  const std::optional<Id128> subject = leaf.Subject();
  if (!subject || leaf.header.event_class() < audit::v1::EVENT_CLASS_PERSON_REGISTERED) {
    return options_.share == 1;
  }
  const std::string_view id = subject->bytes();
  const uint32_t number = static_cast<uint8_t>(id[0]) << 8 | static_cast<uint8_t>(id[1]);
  return number % options_.shares == options_.share - 1;
}

size_t CheckRun::Held() const {
  size_t held = her_acts_.held();
  for (const auto& question : questions_) {
    held += question->held();
  }
  return held;
}

absl::Status CheckRun::Add(std::string_view service, uint64_t index, const audit::v1::TailLeaf& leaf) {
  if (leaf.opening() == audit::v1::TailLeaf::OPENING_WITHHELD) {
    return absl::PermissionDeniedError("the questions need a scope over the whole log: leaves are withheld");
  }
  absl::StatusOr<audit::Leaf> read = audit::ParseLeaf(leaf.leaf());
  if (!read.ok()) {
    return absl::DataLossError(absl::StrCat("leaf ", index, " of ", std::string(service), ": ",
                                            std::string(read.status().message())));
  }
  audit::Leaf parsed = *std::move(read);
  ++report_.leaves;
  SeenLeaf seen;
  seen.service = std::string(service);
  seen.index = index;
  seen.time = parsed.time;
  seen.header = std::move(parsed.header);
  seen.opened = leaf.opening() == audit::v1::TailLeaf::OPENING_OPENED;
  seen.details = leaf.details();
  seen.in_period = seen.time >= options_.since && seen.time < options_.until;
  report_.erased += seen.opened ? 0 : 1;
  if (!Mine(seen) || overflowed_) {
    return absl::OkStatus();
  }
  const Past past(directories_, her_acts_, options_.complete);
  for (const auto& question : questions_) {
    if (Reads(*question, service)) {
      question->Add(seen, past);
    }
  }
  report_.unknown_directory += directories_.Missed() ? 1 : 0;
  if (const std::optional<Id128> person = seen.Person(); person && needs_her_acts_ && service == "consent") {
    her_acts_.Add(*person, index, seen.time, seen.header.event_class(), seen.details.payload());
  }
  const bool look = report_.leaves % kCountEvery == 0;
  overflowed_ = her_acts_.overflowed() || (look && Held() > options_.most_held);
  return absl::OkStatus();
}

Report CheckRun::Finish(absl::Time now) {
  for (const auto& question : questions_) {
    report_.questions.push_back({question->description(), question->Finish(now)});
  }
  report_.overflowed = overflowed_;
  return std::move(report_);
}

}  // namespace relais::cli::questions
