// A log that goes on after a loss (architecture, "Roll-back"; ADR 11). Private to common/audit.
//
// The new log keeps every leaf that survived, where it was: receipts and checkpoints of the old log up to the
// loss still verify. It has another origin, `<name>/<epoch + 1>`, so that no checkpoint of the new one can be
// taken for one of the old; its first own leaf, LOG_CONTINUED, stands at the first index that was lost and
// holds the last checkpoint given out before.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/audit/checkpoints.h"
#include "common/audit/log.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// "relais.test/consent/2" → "relais.test/consent/1". NOT_FOUND for a first epoch or another form.
[[nodiscard]] absl::StatusOr<std::string> PreviousOrigin(std::string_view origin);
/// True when `next` is a later epoch of the same log as `origin`.
[[nodiscard]] bool GoesOn(std::string_view origin, std::string_view next);

struct Continuation {
  /// To be written as LOG_CONTINUED; nullopt: nothing was lost, or it is written already.
  std::optional<audit::v1::LogContinued> lost;
  /// Earlier origins, by the first index that is not of them.
  std::map<uint64_t, std::string> earlier;
  /// The published checkpoint is the previous log's: it says nothing about this one.
  bool published_is_previous = false;
};

/// What opening `store` under `options.origin` means. FAILED_PRECONDITION: the store's log goes on under
/// another origin than the options say; or `accept_loss` and the origin is not the next epoch of the log that
/// published last.
[[nodiscard]] absl::StatusOr<Continuation> ContinuationOf(const LogOptions& options,
                                                          const storage::Store& store,
                                                          const Checkpoints& checkpoints, uint64_t size);

}  // namespace relais::audit::internal
