// Break-glass again (ADR 77).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "services/consent/domain/person_state.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Whether `next`, from that report, may be declared beside what was declared about her before. In its way
/// are those of the same recipient that nobody has judged and that list one of its categories, and those that
/// were judged to be none in the last 30 days. With one in its way it takes another human than who declared
/// that, and a report that none of them came from; what a service declares from a feed, where no human
/// speaks, takes a report that none was judged to be. Else WRONG_STATE. Reads her leaves; what does not read
/// is no hindrance.
[[nodiscard]] absl::Status MayBeDeclared(Registry& registry, const Id128& person, const PersonState& state,
                                         const Emergency& next, const std::string& source_reference);

}  // namespace relais::consent
