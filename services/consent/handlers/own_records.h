// What one institution itself said of its persons, and nothing of what others did.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "relais/consent/v1/person_state.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Her row "status"; empty when nothing was said.
absl::StatusOr<v1::StoredStatus> ReadStatus(Registry& registry, const Id128& person);

/// The person that this identifier of the institution names. NO_SUCH_OR_NOT_YOURS.
absl::StatusOr<Id128> PersonOfIdentifier(Registry& registry, const std::string& institution,
                                         const std::string& own_identifier);

/// The actor's own record of her. NO_SUCH_OR_NOT_YOURS when it has none, or she is erased. Reads the store.
absl::StatusOr<v1::ResolveResponse> OwnRecord(Registry& registry, const rpc::Call& call,
                                              const rpc::Actor& actor, const Id128& person);

}  // namespace relais::consent
