// Reading a whole log, for the checks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/audit/log.h"
#include "common/base/status.h"

namespace relais::sim {

/// Longest time between a leaf's instant and its being durable in the simulated store, with a little room.
inline constexpr absl::Duration kCommit = absl::Milliseconds(20);

/// All that is durable, opened as far as it is not erased.
inline absl::StatusOr<std::vector<audit::OpenedLeaf>> AllLeaves(audit::Log& log) {
  std::vector<audit::OpenedLeaf> out;
  while (out.size() < log.state().size) {
    ASSIGN_OR_RETURN(auto page, log.ReadOpened(out.size(), 1000));
    if (page.empty()) {
      return absl::InternalError("the log ends before its size");
    }
    for (auto& leaf : page) {
      out.push_back(std::move(leaf));
    }
  }
  return out;
}

/// As they are stored, which is quicker.
inline absl::StatusOr<std::vector<std::string>> AllBytes(audit::Log& log) {
  std::vector<std::string> out;
  while (out.size() < log.state().size) {
    ASSIGN_OR_RETURN(auto page, log.ReadLeaves(out.size(), 1000));
    if (page.empty()) {
      return absl::InternalError("the log ends before its size");
    }
    for (std::string& leaf : page) {
      out.push_back(std::move(leaf));
    }
  }
  return out;
}

template <typename Payload>
bool Unpack(const audit::OpenedLeaf& leaf, audit::v1::EventClass event_class, Payload& payload) {
  return leaf.leaf.header.event_class() == event_class && leaf.details.payload().UnpackTo(&payload);
}

}  // namespace relais::sim
