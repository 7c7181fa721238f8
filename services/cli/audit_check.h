// `relais audit check`: an auditor's standing questions, asked of the live logs.
#pragma once

#include "services/cli/command.h"

namespace relais::cli {

void AddAuditCheck(CLI::App& audit, Context& context);

}  // namespace relais::cli
