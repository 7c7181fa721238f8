// Read, change, commit, and again when somebody was faster: the one way a message or a pivot slot changes.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "services/routing/store.h"

namespace relais::routing {

/// What a change decided: the leaf to write; nothing when there was nothing to change.
using MessageChange = std::function<absl::StatusOr<std::optional<audit::Event>>(v1::MessageState&)>;

struct Changed {
  v1::MessageState message;
  storage::LeafRange leaves;  // count 0: nothing was changed
};

/// As services name themselves.
inline constexpr std::string_view kOwnName = "routing";
/// A call of routing's own, for leaves that no caller caused.
rpc::Call OwnCall(const rpc::ServiceContext& context);

/// NOT_FOUND when there is no such message; the change's own error; ABORTED after twenty collisions.
/// `complete` may add to the commit (idempotency rows). `change` may be called more than once.
Task<absl::StatusOr<Changed>> ChangeMessage(const rpc::ServiceContext& context, const RoutingStore& store,
                                            Id128 id, MessageChange change,
                                            std::function<void(storage::CommitRequest&)> complete);

}  // namespace relais::routing
