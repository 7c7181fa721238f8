#include "services/vault/sums.h"

#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "services/vault/domain/quota.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 500;

// DATA_LOSS: not all that counts reads.
absl::StatusOr<v1::StoredUsage> CountAnew(const VaultStore& store, const Id128& person) {
  v1::StoredUsage usage;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const Rows<v1::StoredDocument> rows, store.Documents(person, *from, kRowsAtOnce));
    for (const Row<v1::StoredDocument>& row : rows.rows) {
      if (row.stored.value.state() != v1::Document::STATE_DESTROYED) {
        AddPaper(row.stored.value, usage);
      }
    }
    from = rows.next;
  }
  from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const Rows<v1::StoredUpload> rows, store.Uploads(person, *from, kRowsAtOnce));
    for (const Row<v1::StoredUpload>& row : rows.rows) {
      AddUnderWay(row.stored.value.size(), usage);
    }
    from = rows.next;
  }
  // The one that a renewal began with is in use from then on.
  ASSIGN_OR_RETURN(const std::vector<WrappedPersonKey> keys, store.PersonKeys(person));
  usage.set_key_generation(keys.empty() ? 0 : keys.back().generation);
  return usage;
}

}  // namespace

absl::StatusOr<Sums> SumsOf(const Vault& vault, const Id128& person) {
  const VaultStore& store = vault.store;
  Sums sums;
  // Before anything is counted: what changes meanwhile changes it too.
  const absl::StatusOr<uint64_t> anew = store.AnewVersion(person);
  auto usage = store.Usage(person);
  if (!audit::DoesNotRead(usage.status())) {
    RETURN_IF_ERROR(usage.status());
    sums.usage = *std::move(usage);
    return sums;
  }
  RETURN_IF_ERROR(anew.status());
  sums.anew = *anew;
  ASSIGN_OR_RETURN(sums.usage.version, store.UsageVersion(person));
  auto counted = CountAnew(store, person);
  sums.known = !audit::DoesNotRead(counted.status());
  if (sums.known) {
    RETURN_IF_ERROR(counted.status());
    sums.usage.value = *std::move(counted);
  }
  return sums;
}

absl::Status PutSums(const Vault& vault, const Id128& person, const Sums& sums,
                     storage::CommitRequest& commit) {
  if (sums.anew.has_value()) {
    VaultStore::PutAnew(person, *sums.anew, commit);
  }
  return sums.known ? vault.store.PutUsage(person, sums.usage, commit) : absl::OkStatus();
}

Task<absl::Status> MendSums(const Vault& vault, Id128 person) {
  CO_ASSIGN_OR_RETURN(const Sums sums, SumsOf(vault, person));
  if (!sums.anew.has_value() || !sums.known) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  const absl::Status put = PutSums(vault, person, sums, commit);
  if (audit::IsErased(put)) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(put);
  const absl::StatusOr<storage::CommitResult> done = co_await vault.context.store.Commit(std::move(commit));
  co_return absl::IsAborted(done.status()) ? absl::OkStatus() : done.status();
}

}  // namespace relais::vault
