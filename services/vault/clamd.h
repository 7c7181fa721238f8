// A scanner that asks a clamd (ADR 37): `zINSTREAM`, over a Unix socket or TCP.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/executor.h"
#include "services/vault/scanner.h"
#include "services/vault/settings.h"

namespace relais::vault {

/// What clamd's reply to INSTREAM says: `stream: OK` and `stream: <name> FOUND`; RESOURCE_EXHAUSTED
/// for anything else, an error or a limit of size. Pure; the reply without its final NUL.
[[nodiscard]] absl::StatusOr<ScanVerdict> VerdictOf(std::string_view reply);

/// Each scan has a connection of its own and a thread of its own while it lasts, at most kAtOnce; beyond that
/// it waits for its turn, at most the timeout, which then begins anew. INVALID_ARGUMENT: the address is
/// neither `unix:/path` nor `host:port`.
[[nodiscard]] absl::StatusOr<std::unique_ptr<Scanner>> MakeClamd(const ScanSettings& settings,
                                                                 Executor& executor);

}  // namespace relais::vault
