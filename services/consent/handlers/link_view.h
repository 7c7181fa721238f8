// What a steward sees of a link: who was one human by it and when, and what was permitted meanwhile (ADR 40).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Somebody who was one human with the two of a link for as long as each of `by` was there: that link, and
/// those by which she was.
struct Side {
  Id128 person;
  std::vector<Link> by;

  [[nodiscard]] bool IsOpen() const;
};
/// Both, and whoever was one with them meanwhile: in the list of whose history goes on, and where that one
/// was frozen herself when the link, or one that went along, stood elsewhere. By instants, which may be some
/// seconds off: who was not, after all, has an empty span (`LookAt`).
absl::StatusOr<std::vector<Side>> SidesOf(const Files& files, const Between& between);

struct LinkView {
  Between between;
  /// What was permitted about any side while she was one, and somebody of the institution's records too.
  v1::LinkImpact impact;
};
/// A link that an institution's steward has a mandate for: of one that goes on, her institution has a record
/// of somebody who is one human by it now; of one that ended, of somebody who was while it lasted. Elsewhere
/// NO_SUCH_OR_NOT_YOURS. What was permitted is told apart by leaf indices, never by instants: a clock may go
/// back, and a permit be recorded between a split's instant and its commit.
absl::StatusOr<LinkView> LookAt(Registry& registry, const Id128& link, const std::string& institution);

}  // namespace relais::consent
