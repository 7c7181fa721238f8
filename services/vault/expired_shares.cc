#include "services/vault/expired_shares.h"

#include <optional>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/vault/domain/share_rules.h"
#include "services/vault/events.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/commit_act.h"

namespace relais::vault {
namespace {

constexpr size_t kPage = 200;  // shares that end in one commit, at most

}  // namespace

Task<absl::Status> ExpireShares(const Vault& vault, Id128 person) {
  CO_RETURN_IF_ERROR(vault.context.Writable());
  const rpc::Call own = OwnCall(vault.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", person};
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(auto page, vault.store.ReadableShares(person, *from, kPage));
    storage::CommitRequest commit;
    std::vector<audit::Event> events;
    for (Row<v1::StoredShare>& row : page.rows) {
      v1::StoredShare& share = row.stored.value;
      const auto state = StateOf(share, vault.context.clock.Now(), /*lease=*/true);
      if (state != v1::Share::STATE_EXPIRED || share.state() == state) {
        continue;
      }
      share.set_state(state);
      *share.mutable_ended() = share.until();
      CO_RETURN_IF_ERROR(vault.store.PutShare(person, row.id, row.stored, commit));
      events.push_back(ShareEvent(acting, row.id, share));
    }
    if (!events.empty()) {
      const auto done = co_await CommitActs(vault, std::move(commit), std::move(events));
      CO_RETURN_IF_ERROR(done.status());
    }
    from = page.next;
  }
  co_return absl::OkStatus();
}

}  // namespace relais::vault
