#include "services/vault/rights_put_back.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/subject_keys.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/events.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/open_streams.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 500;
constexpr int kLooks = 6;  // at a row, while the log is read again
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(20);

// As they are to stand from now on, with the version that they were read at.
struct Rights {
  std::vector<VaultStore::HostRow> hosts;
  std::vector<Row<v1::StoredShare>> shares;
  [[nodiscard]] bool empty() const { return hosts.empty() && shares.empty(); }
};

// True when it changed.
bool ShareAsLogged(v1::StoredShare& share, v1::Share::State last, absl::Time now) {
  if (share.state() != v1::Share::STATE_ACTIVE || last == v1::Share::STATE_ACTIVE ||
      last == v1::Share::STATE_UNSPECIFIED) {
    return false;
  }
  share.set_state(last);
  *share.mutable_ended() = ToProto(now);
  return true;
}

// Nothing of hers that does not read is later: nothing that is lost can have put it in force again.
template <typename State>
bool IsLastWord(const LoggedRight<State>& right, const LoggedPapers& logged) {
  return !logged.last_unreadable.has_value() || *logged.last_unreadable < right.leaf;
}

absl::StatusOr<Rights> NotAsLogged(const Vault& vault, const Id128& person, const LoggedPapers& logged) {
  Rights rights;
  const absl::Time now = vault.context.clock.Now();
  ASSIGN_OR_RETURN(VaultStore::ReadableHostRows hosts, vault.store.ReadableHosts(person));
  for (VaultStore::HostRow& row : hosts.rows) {
    const auto last = logged.hosts.find(row.institution);
    if (last != logged.hosts.end() && IsLastWord(last->second, logged) &&
        StandAsLogged(row.stored.value, last->second.state, now)) {
      rights.hosts.push_back(std::move(row));
    }
  }
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(ReadableRows<v1::StoredShare> shares,
                     vault.store.ReadableShares(person, *from, kRowsAtOnce));
    for (Row<v1::StoredShare>& row : shares.rows) {
      const auto last = logged.shares.find(row.id);
      if (last != logged.shares.end() && IsLastWord(last->second, logged) &&
          ShareAsLogged(row.stored.value, last->second.state, now)) {
        rights.shares.push_back(std::move(row));
      }
    }
    from = shares.next;
  }
  return rights;
}

// Those of `now` whose row was the same at the look before.
Rights StillThere(Rights now, const Rights& before) {
  std::erase_if(now.hosts, [&](const VaultStore::HostRow& row) {
    return std::none_of(before.hosts.begin(), before.hosts.end(), [&](const VaultStore::HostRow& other) {
      return other.institution == row.institution && other.stored.version == row.stored.version;
    });
  });
  std::erase_if(now.shares, [&](const Row<v1::StoredShare>& row) {
    return std::none_of(before.shares.begin(), before.shares.end(), [&](const Row<v1::StoredShare>& other) {
      return other.id == row.id && other.stored.version == row.stored.version;
    });
  });
  return now;
}

// False: it is another row by now, or she is erased.
Task<absl::StatusOr<bool>> Write(const Vault& vault, storage::CommitRequest commit, audit::Event event) {
  std::vector<audit::Event> events;
  events.push_back(std::move(event));
  const auto done = co_await CommitActs(vault, std::move(commit), std::move(events));
  if (IsCollision(done.status()) || audit::IsErased(done.status())) {
    co_return false;
  }
  CO_RETURN_IF_ERROR(done.status());
  co_return true;
}

// Addressed to nobody: whom its end was told, it was told then.
Task<absl::StatusOr<bool>> End(const Vault& vault, Id128 person, VaultStore::HostRow row) {
  const rpc::Call own = OwnCall(vault.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", person};
  storage::CommitRequest commit;
  const absl::Status put = vault.store.PutHost(person, row.institution, row.stored, commit);
  if (audit::IsErased(put)) {
    co_return false;
  }
  CO_RETURN_IF_ERROR(put);
  CO_ASSIGN_OR_RETURN(const bool written, co_await Write(vault, std::move(commit),
                                                         HostEvent(acting, row.institution, row.stored.value,
                                                                   AddressedTo::kNobody)));
  if (written) {
    vault.streams.EndHost(person, row.institution, row.stored.value.state());
  }
  co_return written;
}

Task<absl::StatusOr<bool>> End(const Vault& vault, Id128 person, Row<v1::StoredShare> row) {
  const rpc::Call own = OwnCall(vault.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", person};
  storage::CommitRequest commit;
  const absl::Status put = vault.store.PutShare(person, row.id, row.stored, commit);
  if (audit::IsErased(put)) {
    co_return false;
  }
  CO_RETURN_IF_ERROR(put);
  CO_ASSIGN_OR_RETURN(const bool written,
                      co_await Write(vault, std::move(commit), ShareEvent(acting, row.id, row.stored.value)));
  if (written) {
    vault.streams.EndShare(person, row.id, row.stored.value.state());
  }
  co_return written;
}

}  // namespace

Task<absl::StatusOr<uint64_t>> EndRightsPutBack(const Vault& vault, Id128 person,
                                                const LoggedPapers& logged) {
  CO_ASSIGN_OR_RETURN(Rights rights, NotAsLogged(vault, person, logged));
  for (int look = 1; look < kLooks && !rights.empty(); ++look) {
    co_await Sleep(vault.context.executor, kBetweenLooks);
    CO_ASSIGN_OR_RETURN(const LoggedPapers again, LoggedOf(vault.context, person, std::nullopt));
    CO_ASSIGN_OR_RETURN(Rights now, NotAsLogged(vault, person, again));
    rights = StillThere(std::move(now), rights);
  }
  uint64_t ended = 0;
  for (VaultStore::HostRow& row : rights.hosts) {
    CO_ASSIGN_OR_RETURN(const bool done, co_await End(vault, person, std::move(row)));
    ended += done ? 1 : 0;
  }
  for (Row<v1::StoredShare>& row : rights.shares) {
    CO_ASSIGN_OR_RETURN(const bool done, co_await End(vault, person, std::move(row)));
    ended += done ? 1 : 0;
  }
  co_return ended;
}

}  // namespace relais::vault
