// The size a checkpoint is of.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"

namespace relais::rpc {

/// The second line of a C2SP checkpoint that this log signed itself.
inline absl::StatusOr<uint64_t> CheckpointSize(const std::string& checkpoint) {
  const size_t first = checkpoint.find('\n');
  const size_t second = first == std::string::npos ? first : checkpoint.find('\n', first + 1);
  uint64_t size = 0;
  if (second == std::string::npos ||
      !absl::SimpleAtoi(checkpoint.substr(first + 1, second - first - 1), &size)) {
    return absl::InternalError("a checkpoint without size");
  }
  return size;
}

}  // namespace relais::rpc
