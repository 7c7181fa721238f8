// A consent registry of any size, built through the service's own handlers: every row, key and leaf is the
// one that the running service would have written for the same calls.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/settings.h"

namespace relais::bench {

struct RegistryPlan {
  rpc::Settings settings;  // of the service that will serve it, which must not be running
  uint64_t persons = 0;
  uint64_t agreements = 0;   // at least one a person, as many of each as of the others
  std::string handles_path;  // written: the asking institution's handle of each person, one a line
  int threads = 2;
};

struct BuiltRegistry {
  uint64_t leaves = 0;
  uint64_t bytes = 0;  // of rows, before compression
  double seconds = 0;
};

/// Each person is registered and her agreements recorded, the first of them to what CheckOf asks. Adds to
/// what the store holds, its log included; keys and rings are the service's own and are made where it would
/// make them. Her acts follow one another in the log. Needs about 2 KB of disk an agreement, some hundred MB
/// of memory.
absl::StatusOr<BuiltRegistry> BuildRegistry(const RegistryPlan& plan);

/// Follows the log with the indexes that the service would make in its first minutes. Their leaves.
absl::StatusOr<uint64_t> IndexRegistry(const rpc::Settings& settings);

}  // namespace relais::bench
