// Readings and exports that stand still: their clients took a first message and take no more.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/vault/connection.h"

namespace relais::bench {

/// They stand until this ends, which ends them. For one thread.
class StandingStreams {
 public:
  StandingStreams();
  ~StandingStreams();
  StandingStreams(const StandingStreams&) = delete;
  StandingStreams& operator=(const StandingStreams&) = delete;

  /// One more, over a connection of its own, as a system of an institution that calls her `handle`. What the
  /// vault says when it takes no more.
  absl::Status AddReading(const VaultSuite& suite, const std::string& institution, const std::string& system,
                          const std::string& handle, const std::string& document_id);
  absl::Status AddExport(const VaultSuite& suite, const std::string& institution, const std::string& system,
                         const std::string& handle);

 private:
  class Stream;
  template <typename Response>
  class StreamOf;

  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace relais::bench
