// A service's log as a stranger reads it, over gRPC.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/audit/log_source.h"
#include "services/cli/session.h"

namespace relais::cli {

/// INVALID_ARGUMENT unless it is the name of a service with a log.
absl::Status CheckService(const std::string& service);

/// Which checkpoint to ask for.
enum class WhichCheckpoint { kLatest, kCosigned, kToCosign };
absl::StatusOr<std::string> FetchCheckpoint(Session& session, const std::string& service,
                                            WhichCheckpoint which = WhichCheckpoint::kLatest);

/// The session outlives it. Leaves come on one stream, in order; proofs beside it on the same connection.
[[nodiscard]] std::unique_ptr<audit::LogSource> MakeLogSource(Session& session, const std::string& service);

}  // namespace relais::cli
