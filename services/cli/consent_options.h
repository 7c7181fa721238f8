// Words that several verbs of `relais consent` share.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "relais/consent/v1/consent.pb.h"
#include "services/cli/command.h"

namespace relais::cli {

/// Who agreed for her; an empty kind: she herself.
struct RepresentativeOptions {
  std::string kind;
  std::string reference;
  std::string scope;
  std::string from;
  std::string until;
};

void AddRepresentative(CLI::App& verb, RepresentativeOptions& options);
/// INVALID_ARGUMENT naming the option.
[[nodiscard]] absl::StatusOr<consent::v1::Representative> ParseRepresentative(
    const RepresentativeOptions& options);
/// UNSPECIFIED for an empty text.
[[nodiscard]] absl::StatusOr<consent::v1::Representation> ParseSaidBy(const std::string& text);
/// "ID/VERSION".
[[nodiscard]] absl::StatusOr<consent::v1::Notice> ParseNotice(const std::string& text,
                                                              const std::string& language);

/// Verbs for what comes after an agreement: renew, show, list, inform, withdrawal, obligations, review,
/// pending, notice, register-notice.
void AddConsentFollowUp(CLI::App& noun, Context& context);

}  // namespace relais::cli
