// Calls about somebody's vault that are refused before any handler sees them, for want of a role, a
// capability or a field: attempts, and hers to see as those are that a handler refuses (D-3.2).
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "common/rpc/call.h"
#include "google/protobuf/message.h"
#include "relais/common/v1/types.pb.h"
#include "services/vault/handlers/access.h"

namespace relais::vault {

/// What a request of the vault's services tries, and on whom. nullopt: it names nobody.
struct AttemptOn {
  common::v1::PersonRef person;
  Attempt attempt;
};
[[nodiscard]] std::optional<AttemptOn> AttemptOf(const google::protobuf::Message& request);

/// For Dispatcher::SetRefusedAbout. True when the request names a person by a name that is the calling
/// institution's own: VAULT_REFUSED is then written about her, alone or counted, behind the answer. Nothing
/// the request says is taken for validated but that name.
bool NoteRefusedCall(const Vault& vault, const rpc::Call& call, const google::protobuf::Message& request,
                     const absl::Status& why);

}  // namespace relais::vault
