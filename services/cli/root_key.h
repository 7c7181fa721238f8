// The root keys under which services verify the directory.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/crypto/ed25519.h"
#include "services/cli/settings.h"

namespace relais::cli {

/// The name of `key` in the list of root keys (the setting `keys`): services look a signature up by that
/// name. FAILED_PRECONDITION without a list that can be read, or when the key is not in it.
[[nodiscard]] absl::StatusOr<std::string> RootKeyName(const ClientSettings& settings,
                                                      const crypto::VerifyKey& key);

}  // namespace relais::cli
