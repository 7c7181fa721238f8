// What `relais audit check` prints. Pure.
#pragma once

#include <string>

#include "nlohmann/json.hpp"
#include "services/cli/questions/run.h"

namespace relais::cli {

[[nodiscard]] nlohmann::json ReportJson(const questions::Report& report);
[[nodiscard]] std::string ReportText(const questions::Report& report);
[[nodiscard]] nlohmann::json CatalogJson();
[[nodiscard]] std::string CatalogText();

}  // namespace relais::cli
