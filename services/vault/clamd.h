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

/// Scans at a time, each with a connection of its own; threads, made once, do nothing else.
inline constexpr int kScansAtOnce = 4;
/// Beyond those so many wait for their turn, each at most the timeout, which then begins anew; one more is
/// DEADLINE_EXCEEDED at once, as one whose turn does not come.
inline constexpr size_t kScansWaiting = 64;

/// The scanner at `settings.clamd`. Destroyed once every Scan has been answered or its scans may end: it
/// waits for those under way. INVALID_ARGUMENT: the address is neither `unix:/path` nor `host:port`.
[[nodiscard]] absl::StatusOr<std::unique_ptr<Scanner>> MakeClamd(const ScanSettings& settings,
                                                                 Executor& executor);

}  // namespace relais::vault
