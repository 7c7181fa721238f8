#include "services/cli/questions/catalog.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace relais::cli::questions {
namespace {

absl::Status CheckOptions(const std::string& name, const Options& options) {
  const std::map<std::string, std::pair<bool, const char*>> needs = {
      {"breach-notice",
       {options.institution.empty() != options.certificate.empty(), "either --institution or --certificate"}},
      {"in-force", {!options.leaf.service.empty(), "--leaf SERVICE:INDEX"}},
      {"notice-given", {!options.agreement.empty(), "--agreement"}}};
  const auto need = needs.find(name);
  return need == needs.end() || need->second.first
             ? absl::OkStatus()
             : absl::InvalidArgumentError(
                   absl::StrCat("the question ", name, " needs ", need->second.second));
}

}  // namespace

std::vector<std::unique_ptr<Question>> AllQuestions(const Options& options) {
  std::vector<std::unique_ptr<Question>> all;
  for (const auto make :
       {MakePermitAfterRefusal, MakeAccessWithoutRelation, MakeOverdueEmergencyReviews,
        MakeOverdueErasureNotices, MakeOverdueRectificationNotices, MakeOverdueInformation,
        MakeExpiredRepresentatives, MakeOverdueRightsRequests, MakeIrregularTransmissions,
        MakeUsedAgainstAgreed, MakeSpecialWithoutFlag, MakeAgreementsWithoutEvidence, MakePurgeDue,
        MakeUntoldAgentSearches, MakeBreachNotice, MakeInForce, MakeNoticeGiven}) {
    all.push_back(make(options));
  }
  return all;
}

absl::StatusOr<std::vector<std::unique_ptr<Question>>> ChooseQuestions(const std::vector<std::string>& names,
                                                                       const Options& options) {
  std::vector<std::unique_ptr<Question>> all = AllQuestions(options);
  for (const std::string& name : names) {
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const auto& each) { return each->description().name == name; });
    if (!known) {
      return absl::InvalidArgumentError("no such question: see audit check --list");
    }
    if (absl::Status status = CheckOptions(name, options); !status.ok()) {
      return status;
    }
  }
  std::erase_if(all, [&](const auto& each) {
    const Description& description = each->description();
    return names.empty() ? description.enquiry
                         : std::find(names.begin(), names.end(), description.name) == names.end();
  });
  return all;
}

}  // namespace relais::cli::questions
