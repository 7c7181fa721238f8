// `relais consent receipt`: the receipt of an agreement, as a page she keeps.
#pragma once

#include "services/cli/command.h"

namespace relais::cli {

void AddConsentReceipt(CLI::App& noun, Context& context);
/// `relais person history`.
void AddPersonHistory(CLI::App& noun, Context& context);

}  // namespace relais::cli
