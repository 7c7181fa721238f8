// The leaves routing writes.
#pragma once

#include <optional>
#include <string>

#include "common/audit/event.h"
#include "common/audit/follower.h"
#include "common/rpc/call.h"
#include "relais/routing/v1/state.pb.h"

namespace relais::routing {

audit::Event SubmittedEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                            const Id128& id, const v1::MessageState& message, std::string_view permit_id);
audit::Event NotPermittedEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                               const v1::MessageState& message);
audit::Event OfferedEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message);
/// The recipient's system gave the attempt back: nothing was permitted or sent.
audit::Event ReturnedEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message);
audit::Event DeliveredEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message);
audit::Event TakenEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                        const Id128& id, const v1::MessageState& message);
audit::Event WithdrawnEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message,
                            std::string_view cause);
audit::Event EscalatedEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message,
                            std::string_view from_desk);
audit::Event DeadEvent(const rpc::Call& call, const Id128& id, const v1::MessageState& message);
audit::Event ReferentEvent(const rpc::Call& call, const rpc::Actor& actor, std::string_view request_id,
                           const Id128& person, const v1::ReferentState& referent);
/// Routing's own, addressed to who proposed him.
audit::Event PivotConflictEvent(const rpc::Call& call, const Id128& person, const v1::ReferentState& referent,
                                v1::PivotConflict conflict);

/// The message a leaf of this service is about; nullopt for other leaves.
std::optional<Id128> MessageOf(const audit::FollowedLeaf& leaf);
/// The person a leaf is about; nullopt without one.
std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf);

}  // namespace relais::routing
