// One file from the disk to the alerting service, with its result files.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/feeds/reader.h"
#include "nlohmann/json.hpp"
#include "services/cli/import_results.h"
#include "services/cli/session.h"

namespace relais::cli {

struct ImportRequest {
  feeds::FeedType type = feeds::FeedType::kEdf;
  std::string path;
  feeds::Encoding encoding = feeds::Encoding::kUtf8;
  std::string results;  // "" writes none
  std::vector<std::string>
      refused;                  // each gets the same lines; the first that cannot be written ends the import
  std::string suppression_key;  // file; "" looks where the settings say
};

struct ImportReport {
  int code = 0;  // of ExitCode
  ImportTally tally;
  std::string today;  // Paris day the service judged by; "" when the stream never opened
  absl::Duration elapsed;
  std::string refused_file;  // where refused rows are listed; "" when none was opened
  absl::Status why;          // of codes 4, 5 and above
};

/// OK when `outputs` may be written: in folders that are there, none of them the input, no two the same.
/// INVALID_ARGUMENT.
[[nodiscard]] absl::Status CheckOutputs(const std::string& input, const std::vector<std::string>& outputs);

/// Never fails: what went wrong is in the report. Draws progress, ends early on SIGINT.
ImportReport ImportFile(Session& session, const ImportRequest& request);

/// The last lines a human sees.
[[nodiscard]] std::string Summary(const ImportReport& report);
[[nodiscard]] nlohmann::json SummaryJson(const ImportReport& report);

}  // namespace relais::cli
