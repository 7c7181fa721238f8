// More verbs of `relais person`: names of persons, and who is one human with whom.
#pragma once

#include "services/cli/command.h"

namespace relais::cli {

/// Own identifiers, handles in bulk, status.
void AddPersonNames(CLI::App& noun, Context& context);
/// Candidates and links, for stewards.
void AddPersonLinks(CLI::App& noun, Context& context);

}  // namespace relais::cli
