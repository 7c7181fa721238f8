// A server with nothing but AuditService on a built log, and a client that takes the log from it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais::bench {

struct ServeOptions {
  std::string folder;                  // of a built log
  std::string pki;                     // development PKI
  std::string listen = "127.0.0.1:0";  // port 0 takes a free one
};

/// Prints "listening HOST:PORT" and serves until SIGTERM or SIGINT.
absl::Status ServeAudit(const ServeOptions& options);

struct ExportLoad {
  std::string target;
  std::string pki;
  uint64_t leaves = 1'000'000;  // taken from the beginning
};

struct ExportFigure {
  uint64_t leaves = 0;
  uint64_t bytes = 0;
  absl::Duration took;
  [[nodiscard]] double PerSecond() const { return static_cast<double>(leaves) / absl::ToDoubleSeconds(took); }
};

/// Takes leaves over one connection as a mirror does: every leaf is hashed, and at the end the tree of what
/// came is proved to be the beginning of the server's.
absl::StatusOr<ExportFigure> MeasureExport(const ExportLoad& load);

}  // namespace relais::bench
