#include "services/vault/handlers/which_name.h"

#include <utility>

#include "services/vault/events.h"
#include "services/vault/handlers/commit_act.h"

namespace relais::vault {

absl::StatusOr<std::optional<UnderName<Stored<v1::StoredDocument>>>> WhichNameHasPaper(
    const VaultStore& store, const std::vector<HostedName>& names, const Id128& document) {
  return WhichName(names, [&](const HostedName& name) { return store.Document(name.person, document); });
}

absl::StatusOr<std::optional<SeenAt>> SeenUnderAny(const VaultStore& store, const std::vector<Id128>& names,
                                                   const Id128& given, const rpc::Call& call,
                                                   const rpc::Actor& actor, std::string_view method,
                                                   std::string_view request_id,
                                                   const google::protobuf::Message& content) {
  std::optional<SeenAt> found;
  for (const Id128& name : names) {
    ASSIGN_OR_RETURN(auto seen, store.SeenUnder(name, given, call, actor, method, request_id, content));
    if (seen.answer.has_value() && !found.has_value()) {
      found = SeenAt{name, std::move(seen)};
    }
  }
  return found;
}

std::vector<Id128> PersonsOf(const std::vector<HostedName>& names) {
  std::vector<Id128> persons;
  persons.reserve(names.size());
  for (const HostedName& name : names) {
    persons.push_back(name.person);
  }
  return persons;
}

Task<absl::Status> LookedUnder(const Vault& vault, rpc::Call call, std::vector<HostedName> names,
                               std::string what, std::string document_id) {
  CO_RETURN_IF_ERROR(vault.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  for (const HostedName& name : names) {
    storage::CommitRequest commit;
    vault.store.GuardHost(name.person, call.caller.institution, name.host.version, commit);
    const Acting acting{call, actor, "", name.person, kAsHost};
    std::vector<audit::Event> events;
    events.push_back(LookedEvent(acting, what, document_id));
    const auto done = co_await CommitActs(vault, std::move(commit), std::move(events));
    CO_RETURN_IF_ERROR(done.status());
  }
  co_return absl::OkStatus();
}

}  // namespace relais::vault
