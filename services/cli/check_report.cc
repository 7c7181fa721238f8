#include "services/cli/check_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"

namespace relais::cli {
namespace {

constexpr size_t kFewPersons = 3;  // on the finding's own line; more of them below it

// One line, whatever somebody wrote.
std::string OneLine(const std::string& value) {
  std::string line = Printable(value);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string Join(const std::vector<std::string>& words) { return absl::StrJoin(words, ", "); }

nlohmann::json FindingJson(const questions::Finding& finding) {
  std::vector<std::string> persons;
  persons.reserve(finding.persons.size());
  for (const Id128& person : finding.persons) {
    persons.push_back(person.ToHex());
  }
  nlohmann::json out = {{"what", finding.what},         {"service", finding.service},
                        {"leaves", finding.leaves},     {"institution", finding.institution},
                        {"function", finding.function}, {"recipient", finding.recipient},
                        {"persons", persons},           {"facts", finding.facts}};
  if (!finding.leaves.empty()) {
    out["time"] = absl::FormatTime(absl::RFC3339_full, finding.time, absl::UTCTimeZone());
  }
  return out;
}

std::string FindingText(const questions::Finding& finding) {
  std::string text = absl::StrCat("  ", OneLine(finding.what));
  if (!finding.leaves.empty()) {
    absl::StrAppend(&text, "  ", ParisTime(finding.time), "  ", finding.service, " ",
                    absl::StrJoin(finding.leaves, ", "));
  }
  if (!finding.institution.empty()) {
    absl::StrAppend(&text, "  ", finding.institution, finding.function.empty() ? "" : "/",
                    OneLine(finding.function));
  }
  absl::StrAppend(&text, finding.recipient.empty() ? "" : " → ", finding.recipient, "\n");
  for (const auto& [name, value] : finding.facts) {
    if (!value.empty()) {
      absl::StrAppend(&text, "      ", name, ": ", OneLine(value), "\n");
    }
  }
  const bool few = finding.persons.size() <= kFewPersons;
  for (const Id128& person : finding.persons) {
    absl::StrAppend(&text, few ? "      person: " : "        ", person.ToHex(), "\n");
  }
  return text;
}

std::string Heading(const questions::QuestionReport& question) {
  const size_t count = question.findings.size();
  const char* one = question.description.enquiry ? " answer" : " finding";
  return absl::StrCat(question.description.name, ": ",
                      count == 0 ? "nothing" : absl::StrCat(Grouped(count), one, count == 1 ? "" : "s"),
                      "\n");
}

}  // namespace

nlohmann::json ReportJson(const questions::Report& report) {
  nlohmann::json asked = nlohmann::json::array();
  for (const questions::QuestionReport& question : report.questions) {
    nlohmann::json findings = nlohmann::json::array();
    for (const questions::Finding& finding : question.findings) {
      findings.push_back(FindingJson(finding));
    }
    asked.push_back({{"name", question.description.name},
                     {"enquiry", question.description.enquiry},
                     {"findings", std::move(findings)}});
  }
  return {{"questions", std::move(asked)},
          {"wrong", report.wrong()},
          {"leaves", report.leaves},
          {"erased", report.erased},
          {"unknownDirectory", report.unknown_directory},
          {"complete", report.complete()}};
}

std::string ReportText(const questions::Report& report) {
  std::string text;
  for (const questions::QuestionReport& question : report.questions) {
    text += Heading(question);
    if (question.findings.empty()) {
      continue;
    }
    absl::StrAppend(&text, "  ", question.description.fr, "\n  ", question.description.en, "\n");
    for (const questions::Finding& finding : question.findings) {
      text += FindingText(finding);
    }
  }
  absl::StrAppend(&text, Grouped(report.leaves), " leaves read");
  if (report.erased > 0) {
    absl::StrAppend(&text, ", ", Grouped(report.erased), " of them not opened: erased");
  }
  text += "\n";
  if (report.unknown_directory > 0) {
    absl::StrAppend(&text, "INCOMPLETE: ", Grouped(report.unknown_directory),
                    " leaves name a directory version that is not to be had\n");
  }
  if (report.overflowed) {
    text += "INCOMPLETE: the bound on memory was reached; ask in shares (--share 1/4, 2/4, …)\n";
  }
  return text;
}

nlohmann::json CatalogJson() {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& question : questions::AllQuestions({})) {
    const questions::Description& description = question->description();
    all.push_back({{"name", description.name},
                   {"fr", description.fr},
                   {"en", description.en},
                   {"services", description.services},
                   {"enquiry", description.enquiry}});
  }
  return {{"questions", std::move(all)}};
}

std::string CatalogText() {
  std::string text;
  for (const auto& question : questions::AllQuestions({})) {
    const questions::Description& description = question->description();
    absl::StrAppend(&text, description.name, description.enquiry ? "  (on demand)" : "", "  [",
                    Join(description.services), "]\n  ", description.fr, "\n  ", description.en, "\n");
  }
  return text;
}

}  // namespace relais::cli
