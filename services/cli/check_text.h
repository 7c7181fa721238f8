// What `relais check` prints of an answer. Pure.
#pragma once

#include <string>

#include "relais/consent/v1/consent_service.pb.h"

namespace relais::cli {

/// Lines for humans. What authorises nothing says so: a dry run, and what is recorded of an exercise.
[[nodiscard]] std::string CheckText(const consent::v1::CheckResponse& response, bool recorded, bool exercise);

}  // namespace relais::cli
