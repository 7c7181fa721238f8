// What is kept when a log is caught: enough for anyone to see it without trusting who says it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/tile_folder.h"
#include "common/merkle/tree.h"

namespace relais::audit {

struct Evidence {
  std::string what;                          // one line, for humans
  std::map<std::string, std::string> files;  // by name: "checkpoint-held", "leaf-17", …

  /// A proof as text: "<kind> <a> <b>", then one hash a line in base64.
  void AddProof(std::string_view kind, uint64_t a, uint64_t b, const std::vector<merkle::Hash>& hashes);
};

/// Writes `evidence-<instant>/` (UTC) in the folder, `alarm.txt` with `what` last, durably. ABORTED with
/// `what` and where the evidence is, or why it could not be kept: an alarm is one all the same.
[[nodiscard]] absl::Status RaiseAlarm(TileFolder& folder, const Evidence& evidence, absl::Time now);

}  // namespace relais::audit
