// The verbs of `relais audit` that have files of their own, and what they share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/cli/command.h"
#include "services/cli/log_keys.h"
#include "services/cli/session.h"

namespace relais::cli {

void AddAuditExport(CLI::App& noun, Context& context);
void AddAuditQuery(CLI::App& noun, Context& context);
void AddAuditScope(CLI::App& noun, Context& context);
void AddAuditVerify(CLI::App& noun, Context& context);
void AddAuditProof(CLI::App& noun, Context& context);
void AddAuditMirror(CLI::App& noun, Context& context);
void AddAuditFsck(CLI::App& noun, Context& context);
void AddAuditWitness(CLI::App& noun, Context& context);

/// `--key`, repeated: the keys that may have signed.
void AddLogKeys(CLI::App& verb, std::vector<std::string>& keys);

/// Calls `take` with leaves 0 … size-1 in order.
absl::Status FetchLeaves(Session& session, const std::string& service, uint64_t size,
                         const std::function<absl::Status(const std::string&)>& take);

/// A whole log in a new tiled folder, verified. FAILED_PRECONDITION when the folder holds a log already.
absl::StatusOr<int> ExportTiles(Context& context, const std::string& service, const std::string& folder,
                                const std::vector<std::string>& keys);

/// What an alarm prints: "ALARM  <what>", as JSON {"alarm": what}. The exit code.
int PrintAlarm(const Context& context, const absl::Status& alarm);

/// DATA_LOSS "origin: …" unless the directory names this log for that service (keys given by hand say nothing
/// about services).
absl::Status CheckOrigin(const std::vector<LogKey>& keys, const std::string& service,
                         const std::string& origin);

}  // namespace relais::cli
