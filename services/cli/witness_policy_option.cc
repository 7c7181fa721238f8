#include "services/cli/witness_policy_option.h"

#include "common/base/status.h"
#include "common/directory/witnesses.h"
#include "common/pki/file.h"
#include "services/cli/log_keys.h"

namespace relais::cli {

void AddWitnessPolicy(CLI::App& verb, std::string& value) {
  verb.add_option("--witness-policy", value,
                  "demand cosignatures: a c2sp.org/tlog-policy file, or `directory` for its quorum");
}

absl::StatusOr<std::optional<merkle::WitnessPolicy>> ReadWitnessPolicy(const ClientSettings& settings,
                                                                       const std::string& value) {
  if (value.empty()) {
    return std::optional<merkle::WitnessPolicy>();
  }
  if (value == "directory") {
    ASSIGN_OR_RETURN(const directory::Directory directory, ReadSignedDirectory(settings));
    ASSIGN_OR_RETURN(merkle::WitnessPolicy policy, directory::WitnessPolicyOf(directory));
    if (policy.witnesses.empty()) {
      return absl::FailedPreconditionError("the directory lists no witness");
    }
    return std::optional<merkle::WitnessPolicy>(std::move(policy));
  }
  const absl::StatusOr<std::string> text = pki::ReadWholeFile(value, merkle::kMaxPolicyBytes);
  if (!text.ok()) {
    return absl::InvalidArgumentError("cannot read " + value);
  }
  ASSIGN_OR_RETURN(merkle::WitnessPolicy policy, merkle::ParsePolicy(*text));
  return std::optional<merkle::WitnessPolicy>(std::move(policy));
}

}  // namespace relais::cli
