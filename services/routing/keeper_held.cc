// What a legal hold copies of routing's state (common/audit/holds.h).
#include <set>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/routing/keeper.h"

namespace relais::routing {

absl::StatusOr<std::vector<audit::Subject>> Keeper::HeldWith(const audit::Subject& /*person*/) {
  return std::vector<audit::Subject>();
}

absl::StatusOr<std::vector<audit::v1::HeldState>> Keeper::StateOf(const audit::Subject& subject) {
  std::vector<audit::v1::HeldState> states;
  if (subject.kind != audit::Subject::Kind::kPerson) {
    return states;
  }
  ASSIGN_OR_RETURN(const std::optional<v1::PersonSlot> slot, store_.FrozenSlot(subject.id));
  if (slot.has_value()) {
    audit::v1::HeldState& state = states.emplace_back();
    state.set_name("referents");
    state.mutable_content()->PackFrom(*slot);
  }
  ASSIGN_OR_RETURN(const std::set<Id128> messages, MessagesOf(subject.id));
  for (const Id128& id : messages) {
    ASSIGN_OR_RETURN(const std::optional<v1::MessageState> message, store_.FrozenMessage(id));
    if (message.has_value()) {
      audit::v1::HeldState& state = states.emplace_back();
      state.set_name("message/" + id.ToHex());
      state.mutable_content()->PackFrom(*message);
    }
  }
  return states;
}

}  // namespace relais::routing
