// All questions there are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/cli/questions/question.h"

namespace relais::cli::questions {

/// A leaf of a log, written `consent:123`.
struct LeafName {
  std::string service;
  uint64_t index = 0;
};

/// What enquiries ask about.
struct Options {
  std::string institution;
  std::string certificate;  // SHA-256, hexadecimal: then only leaves of its acts are shown
  std::string agreement;    // 32 hexadecimal digits
  LeafName leaf;
};

std::unique_ptr<Question> MakePermitAfterRefusal(const Options& options);
std::unique_ptr<Question> MakeAccessWithoutRelation(const Options& options);
std::unique_ptr<Question> MakeOverdueEmergencyReviews(const Options& options);
std::unique_ptr<Question> MakeOverdueErasureNotices(const Options& options);
std::unique_ptr<Question> MakeOverdueRectificationNotices(const Options& options);
std::unique_ptr<Question> MakeOverdueInformation(const Options& options);
std::unique_ptr<Question> MakeExpiredRepresentatives(const Options& options);
std::unique_ptr<Question> MakeOverdueRightsRequests(const Options& options);
std::unique_ptr<Question> MakeIrregularTransmissions(const Options& options);
std::unique_ptr<Question> MakeUsedAgainstAgreed(const Options& options);
std::unique_ptr<Question> MakeSpecialWithoutFlag(const Options& options);
std::unique_ptr<Question> MakeAgreementsWithoutEvidence(const Options& options);
std::unique_ptr<Question> MakePurgeDue(const Options& options);
std::unique_ptr<Question> MakeUntoldAgentSearches(const Options& options);
std::unique_ptr<Question> MakeBreachNotice(const Options& options);
std::unique_ptr<Question> MakeInForce(const Options& options);
std::unique_ptr<Question> MakeNoticeGiven(const Options& options);

/// Every question, in the order of reports.
[[nodiscard]] std::vector<std::unique_ptr<Question>> AllQuestions(const Options& options);
/// Those named; none named: all that are no enquiries. INVALID_ARGUMENT for an unknown name, and for an
/// enquiry without what it asks about.
[[nodiscard]] absl::StatusOr<std::vector<std::unique_ptr<Question>>> ChooseQuestions(
    const std::vector<std::string>& names, const Options& options);

}  // namespace relais::cli::questions
