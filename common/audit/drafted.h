// What the author of a leaf knows of it: kept for those who read right behind the writer, so that nobody
// opens what this process has just sealed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "relais/audit/v1/leaf.pb.h"

namespace relais::audit {

/// What stands in the clear and in part P. Lives as long as the subject's key may open it (RecentLeaves).
struct DraftedLeaf {
  audit::v1::LeafHeader header;
  audit::v1::LeafDetails details;  // with its subject; empty when erased
  bool names_actor = false;        // part R has an agent or a certificate
};

/// Of part R what leaves are found by, in the clear; motive and request id are not. Apart from DraftedLeaf,
/// because it must not outlive the month's key: FreshActors is the one place where it is kept.
struct DraftedActor {
  std::string agent;
  std::string certificate;
  absl::Time month;  // an instant of the month (UTC) under whose key part R is sealed
};

/// What a draft of this log carries as LeafDraft::drafted.
struct Drafted {
  std::shared_ptr<const DraftedLeaf> leaf;
  std::shared_ptr<const DraftedActor> actor;  // null: part R names nobody
};

/// A leaf as the index reads it.
struct LeafForIndex {
  uint64_t index = 0;
  std::shared_ptr<const DraftedLeaf> leaf;    // never null
  std::shared_ptr<const DraftedActor> actor;  // null: part R names nobody, or opens no more
};

}  // namespace relais::audit
