// More verbs of `relais pki`.
#pragma once

#include "services/cli/command.h"

namespace relais::cli {

/// Rotation of the master of a key ring.
void AddRewrapRing(CLI::App& noun, Context& context);

}  // namespace relais::cli
