#include "services/cli/consent_options.h"

#include <vector>

#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "services/cli/values.h"

namespace relais::cli {

void AddRepresentative(CLI::App& verb, RepresentativeOptions& options) {
  verb.add_option(
      "--representative", options.kind,
      "who agreed for her: tutelle, habilitation-familiale, mandat-protection-future, one-parent, "
      "both-parents, ase, guardian-ad-hoc or none; left out: she herself");
  verb.add_option("--representative-reference", options.reference,
                  "your reference of the judgment or mandate");
  verb.add_option("--representative-scope", options.scope, "person, property or person-and-property");
  verb.add_option("--representative-from", options.from, "first day of the mandate");
  verb.add_option("--representative-until", options.until, "last day of the mandate");
}

absl::StatusOr<consent::v1::Representative> ParseRepresentative(const RepresentativeOptions& options) {
  consent::v1::Representative representative;
  ASSIGN_OR_RETURN(const auto kind,
                   ParseEnumOption<consent::v1::Representation>(options.kind, "--representative"));
  representative.set_kind(kind);
  representative.set_reference(options.reference);
  if (!options.scope.empty()) {
    ASSIGN_OR_RETURN(const auto scope,
                     ParseEnumOption<consent::v1::JudgmentScope>(options.scope, "--representative-scope"));
    representative.set_scope(scope);
  }
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*representative.mutable_from(), ParseDateOption(options.from, "--representative-from"));
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(*representative.mutable_until(),
                     ParseDateOption(options.until, "--representative-until"));
  }
  return representative;
}

absl::StatusOr<consent::v1::Representation> ParseSaidBy(const std::string& text) {
  return text.empty() ? absl::StatusOr<consent::v1::Representation>(consent::v1::REPRESENTATION_UNSPECIFIED)
                      : ParseEnumOption<consent::v1::Representation>(text, "--said-by");
}

absl::StatusOr<consent::v1::Notice> ParseNotice(const std::string& text, const std::string& language) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return absl::InvalidArgumentError("a notice is named ID/VERSION of the text she was given");
  }
  consent::v1::Notice notice;
  notice.set_id(parts[0]);
  notice.set_version(parts[1]);
  notice.set_language(language);
  return notice;
}

}  // namespace relais::cli
