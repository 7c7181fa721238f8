// Papers dropped in by who is no host of hers (ADR 35).
#pragma once

#include <string>

#include "services/vault/testing/world.h"

namespace relais::vault::testing {

/// Of aphp, or of another, to the attention of her host.
inline v1::BeginUploadRequest DropOf(const World& world, const std::string& id, uint64_t size,
                                     const std::string& institution = "aphp") {
  v1::BeginUploadRequest request = world.Begin(1, id, size, v1::DOCUMENT_TYPE_HEALTH_COVER, institution);
  request.mutable_drop()->mutable_host()->set_institution(kHost);
  request.mutable_drop()->set_purpose("RIGHTS_OPENING");
  return request;
}

/// A paper that was dropped while consent was down; it answers again. Its id.
inline std::string Dropped(World& world) {
  world.Host(1);
  world.consent.down = absl::UnavailableError("down");
  const auto begun = world.TryBegin(DropOf(world, "b", 1), "aphp");
  World::Require(begun.status());
  World::Require(world.TrySend(1, begun->upload().upload_id(), 0, "x", "aphp").status());
  const auto done = world.TryComplete(1, "c", begun->upload().upload_id(), "x", "aphp");
  World::Require(done.status());
  world.Settle();
  world.consent.down = absl::OkStatus();
  return done->document().document_id();
}

}  // namespace relais::vault::testing
