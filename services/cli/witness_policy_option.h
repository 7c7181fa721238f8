// `--witness-policy`: which witnesses must have cosigned.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/merkle/witness_policy.h"
#include "services/cli/command.h"
#include "services/cli/settings.h"

namespace relais::cli {

void AddWitnessPolicy(CLI::App& verb, std::string& value);

/// The policy in a file (c2sp.org/tlog-policy), or for "directory" the quorum of the signed directory;
/// nullopt for "". INVALID_ARGUMENT names the line of the file that is wrong.
[[nodiscard]] absl::StatusOr<std::optional<merkle::WitnessPolicy>> ReadWitnessPolicy(
    const ClientSettings& settings, const std::string& value);

}  // namespace relais::cli
