#include "services/vault/pending_drops.h"

#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/salvage.h"
#include "services/vault/destroying.h"
#include "services/vault/drop_permit.h"
#include "services/vault/events.h"
#include "services/vault/handlers/access.h"

namespace relais::vault {
namespace {

constexpr size_t kPage = 500;

storage::Partition BucketOf(const Vault& vault) {
  return vault.context.idempotency.Bucket("vault-pending", "", "");
}

bool IsPending(const std::optional<Stored<v1::StoredDocument>>& document) {
  return document.has_value() && document->value.state() == v1::Document::STATE_PENDING_CONSENT &&
         document->value.versions_size() > 0;
}

DropTerms TermsOf(const Id128& person, const Id128& document, const v1::StoredDocument& drop) {
  return {person,     document, drop.versions(0).version().depositor(), drop.drop_host(), drop.drop_purpose(),
          drop.type()};
}

}  // namespace

storage::CommitRequest SetPending(const Vault& vault, const Id128& document, const Id128& person,
                                  bool present) {
  storage::CommitRequest commit;
  commit.partition = BucketOf(vault);
  std::optional<std::string> value;
  if (present) {
    value = person.ToBytes();
  }
  commit.batch.push_back({document.ToBytes(), std::move(value)});
  return commit;
}

absl::StatusOr<std::vector<Id128>> PendingOf(const Vault& vault, const Id128& person) {
  std::vector<Id128> drops;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                     storage::Salvage(vault.context.store, BucketOf(vault), "", from, kPage));
    for (const storage::KeyedEntry& row : page.entries) {
      const auto document = IdOf(row.key);
      if (document.ok() && row.entry.value == person.bytes()) {
        drops.push_back(*document);
      }
    }
    from = page.next;
  } while (!from.empty());
  return drops;
}

PendingDrops::PendingDrops(const Vault& vault)
    : vault_(vault), background_(vault.context.executor, [this] { return Turn(); }) {}

Task<bool> PendingDrops::Stop() {
  const bool stopped = co_await background_.Stop();
  co_return stopped;
}

Task<absl::Duration> PendingDrops::Turn() {
  const auto looked = co_await Look();  // what failed is found again by the next one
  co_return vault_.settings.expiry_scan;
}

Task<absl::StatusOr<uint64_t>> PendingDrops::Look() {
  uint64_t decided = 0;
  absl::Status failed;
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                        storage::Salvage(vault_.context.store, BucketOf(vault_), "", from, kPage));
    for (const storage::KeyedEntry& entry : page.entries) {
      const auto document = IdOf(entry.key);
      const auto person = IdOf(entry.entry.value);
      if (!document.ok() || !person.ok()) {
        continue;  // whose it was nobody knows: it ends as undecided drops do (Keeper::Sweep)
      }
      const auto one = co_await Decide(*person, *document);
      decided += one.ok() && *one ? 1 : 0;
      if (failed.ok()) {
        failed = one.status();
      }
    }
    from = page.next;
  } while (!from.empty() && !background_.stopping());
  CO_RETURN_IF_ERROR(failed);
  co_return decided;
}

Task<absl::StatusOr<bool>> PendingDrops::Decide(Id128 person, Id128 document) {
  CO_ASSIGN_OR_RETURN(const auto stored, vault_.store.Document(person, document));
  if (!IsPending(stored)) {
    co_return false;  // decided: the follower takes it off the list; or she is being erased
  }
  const DropTerms terms = TermsOf(person, document, stored->value);
  CO_ASSIGN_OR_RETURN(const auto host, ActingHost(vault_, person, terms.host.institution()));
  if (vault_.lease.consent() == nullptr) {
    co_return false;  // without consent's log her no would not be heard of
  }
  if (!host.has_value()) {
    // Its host need not act for it to be refused. Until then nothing is recorded, however often it is asked.
    CO_ASSIGN_OR_RETURN(const bool may, co_await MayStore(vault_, terms, /*recorded=*/false));
    if (may) {
      co_return false;
    }
  }
  CO_ASSIGN_OR_RETURN(const AskedDrop asked, co_await AskAbout(vault_, terms));
  KeyCommits::Ticket deciding;
  if (asked.permitted) {
    // From here on a leaf that may say otherwise counts as followed only once the row is there
    // (ConsentLeaves). What is destroyed takes no place: a no more changes nothing, and texts may be copied.
    deciding = vault_.access.linking().Enter();
  }
  for (int i = 0; i < kTries; ++i) {
    if (asked.permitted && asked.watch->WhyCut().has_value()) {
      co_return false;
    }
    const auto written = co_await Write(person, document, asked.permitted);
    if (!absl::IsAborted(written.status())) {
      co_return written;
    }
  }
  co_return absl::AbortedError("the vault changes too often");
}

Task<absl::StatusOr<bool>> PendingDrops::Write(Id128 person, Id128 document, bool permitted) {
  CO_ASSIGN_OR_RETURN(auto stored, vault_.store.Document(person, document));
  if (!IsPending(stored)) {
    co_return false;
  }
  if (!permitted) {
    const absl::Status copied = co_await CopyForHolds(vault_, person, document);
    CO_RETURN_IF_ERROR(copied);
  }
  const rpc::Call call = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(call);
  const Acting acting{call, actor, "", person, kAsNobody};
  storage::CommitRequest commit;
  // Held until the commit has ended: the certificate names the epoch in use.
  const KeyCommits::Ticket ticket = vault_.keys.commits().Enter();
  if (permitted) {
    const std::string institution = stored->value.drop_host().institution();
    CO_ASSIGN_OR_RETURN(const auto host, ActingHost(vault_, person, institution));
    if (!host.has_value()) {
      co_return false;  // she unlinked it meanwhile
    }
    vault_.store.GuardHost(person, institution, host->version, commit);
    stored->value.set_state(v1::Document::STATE_ACTIVE);
    stored->value.clear_drop_host();
    stored->value.clear_drop_purpose();
    *stored->value.mutable_changed() = ToProto(vault_.context.clock.Now());
    CO_ASSIGN_OR_RETURN(auto draft,
                        vault_.context.log.Draft(ChangedEvent(acting, document, stored->value, {"state"})));
    commit.leaves.push_back(std::move(draft));
    CO_RETURN_IF_ERROR(vault_.store.PutDocument(person, document, *stored, commit));
  } else {
    Destruction what;
    what.document = document;
    what.cause = "REFUSED_DROP";
    CO_ASSIGN_OR_RETURN(what.epoch, vault_.keys.epochs().Current());
    CO_RETURN_IF_ERROR(AddDestruction(vault_, acting, what, *stored, commit));
  }
  const auto done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  if (!permitted) {
    vault_.streams.DocumentGone(person, document);
  }
  co_return true;
}

}  // namespace relais::vault
