// The leaves with which a service begins to live.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/audit/log.h"
#include "common/base/task.h"
#include "common/storage/store.h"

namespace relais::audit {

/// Appends SERVICE_STARTED, preceded by LOG_OPENED when the log is empty, and by LOG_KEYS_CHANGED when others
/// sign its checkpoints than at the last start. Once per start, after Recover and before the first call is
/// served. Durable on OK, and so is the memory of who signs. `institution` is "service/<name>".
Task<absl::Status> RecordStart(Log& log, storage::Store& store, std::string institution,
                               uint64_t directory_version);

/// Appends LOG_CONTINUED with what `log.lost()` says, and remembers the origin under which this store's log
/// goes on. The first leaf of the new log's own. Durable on OK; to be done before RecordStart.
Task<absl::Status> RecordContinued(Log& log, storage::Store& store, std::string institution,
                                   uint64_t directory_version);

}  // namespace relais::audit
