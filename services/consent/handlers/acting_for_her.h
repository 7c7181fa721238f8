// Who may read for her: until she can come herself, an institution acts for her by a recorded act of hers.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/rpc/call.h"
#include "services/consent/domain/question.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// True when `institution` is her host: an agreement of hers in force lets it act for her (ACT_HOST).
[[nodiscard]] bool IsHost(const PersonState& state, const Rules& rules, const std::string& institution,
                          const Moment& moment);

/// Whether an agreement concerns that institution as a host: it names it as a recipient, or lets its kind act
/// for her.
[[nodiscard]] bool ConcernsHost(const Agreement& agreement, const Rules& rules, std::string_view institution);

/// What of hers is opened to who reads for her (ADR 78).
enum class Opens {
  kEverything,  // that is hers to see
  kItsOwn,      // what its own institution gave, received or recorded
};

/// Everything when the caller's institution is her host, or collected an agreement of hers of which something
/// still stands; its own when it has a request of hers for access or portability to answer and the caller
/// acts in a function bound by secrecy. Else NO_SUCH_OR_NOT_YOURS, as for a person who is not there. Reads
/// the disk.
[[nodiscard]] absl::StatusOr<Opens> ActsForHer(Registry& registry, const rpc::Call& call,
                                               const Id128& person);

/// The complete agreement under its key; nullopt when there is none.
[[nodiscard]] absl::StatusOr<std::optional<v1::Consent>> ReadConsent(Registry& registry, const Id128& person,
                                                                     const Id128& consent);

}  // namespace relais::consent
