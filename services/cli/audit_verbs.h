// The verbs of `relais audit` that have a file of their own.
#pragma once

#include "absl/status/status.h"
#include "services/cli/command.h"

namespace relais::cli {

/// OK for a service that the CLI knows.
absl::Status CheckAuditService(const std::string& service);

void AddAuditQuery(CLI::App& noun, Context& context);
void AddAuditScope(CLI::App& noun, Context& context);
void AddAuditExport(CLI::App& noun, Context& context);

}  // namespace relais::cli
