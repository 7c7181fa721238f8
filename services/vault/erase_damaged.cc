#include "services/vault/erase_damaged.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "services/vault/cleaning.h"
#include "services/vault/pending_drops.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 100;
constexpr size_t kContentsAtOnce = 200;
constexpr absl::Duration kWriterEnds = absl::Seconds(5);

absl::StatusOr<std::vector<Id128>> IdsUnder(const Vault& vault, const Id128& person,
                                            std::string_view prefix) {
  std::vector<Id128> ids;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                     storage::Salvage(vault.context.store, VaultStore::PersonPartition(person), prefix, from,
                                      kRowsAtOnce));
    for (const storage::KeyedEntry& row : page.entries) {
      ASSIGN_OR_RETURN(const Id128 id, IdOf(std::string_view(row.key).substr(prefix.size())));
      ids.push_back(id);
    }
    from = page.next;
  } while (!from.empty());
  return ids;
}

// What does not read of an institution's sums is passed over, as when it is counted.
Task<absl::Status> CountNoneThere(const Vault& vault, std::string institution, Id128 document) {
  const auto rows = vault.store.CountedTexts(institution, document);
  if (absl::IsDataLoss(rows.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(rows.status());
  for (const VaultStore::CountedRow& row : *rows) {
    const absl::Status counted = co_await CountNoMore(vault, institution, row.text);
    if (!absl::IsDataLoss(counted)) {
      CO_RETURN_IF_ERROR(counted);
    }
  }
  co_return absl::OkStatus();
}

// Who deposited is in records that may not open: of each of her papers it is looked for at every institution.
Task<absl::Status> CountNone(const Vault& vault, Id128 person) {
  std::set<Id128> papers;
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> documents, IdsUnder(vault, person, "v/doc/"));
  papers.insert(documents.begin(), documents.end());
  CO_ASSIGN_OR_RETURN(const std::vector<OpenUpload> open, OpenUploadsOf(vault, person));
  for (const OpenUpload& upload : open) {
    papers.insert(upload.document);
  }
  const auto directory = vault.context.directory();
  for (const directory::Institution& institution : directory->content().institutions) {
    co_await ResumeOn(vault.context.executor);
    for (const Id128& paper : papers) {
      const absl::Status counted = co_await CountNoneThere(vault, institution.id, paper);
      CO_RETURN_IF_ERROR(counted);
    }
  }
  co_return absl::OkStatus();
}

// Whose pointer it is does not read: it is looked for at every institution.
absl::Status AddPointer(const Vault& vault, PointerKind kind, const Id128& id,
                        std::vector<storage::CommitRequest>& commits) {
  const auto directory = vault.context.directory();
  for (const directory::Institution& institution : directory->content().institutions) {
    const auto found = vault.store.Pointers(kind, institution.id, id, 1);
    if (absl::IsDataLoss(found.status())) {
      commits.push_back(vault.store.SetPointer(kind, institution.id, id, std::nullopt));
      continue;
    }
    RETURN_IF_ERROR(found.status());
    if (!found->rows.empty() && found->rows.front().id == id) {
      commits.push_back(vault.store.SetPointer(kind, institution.id, id, std::nullopt));
    }
  }
  return absl::OkStatus();
}

// The commits that take her out of derived lists.
absl::StatusOr<std::vector<storage::CommitRequest>> Lists(const Vault& vault, const Id128& person) {
  std::vector<storage::CommitRequest> commits;
  ASSIGN_OR_RETURN(const std::vector<Id128> shares, IdsUnder(vault, person, "v/share/"));
  for (const Id128& id : shares) {
    const auto share = vault.store.Share(person, id, View::kFrozen);
    if (share.ok() && share->has_value()) {
      commits.push_back(vault.store.SetPointer(PointerKind::kShared,
                                               (*share)->value.recipient().institution(), id, std::nullopt));
    } else if (!share.ok()) {
      RETURN_IF_ERROR(AddPointer(vault, PointerKind::kShared, id, commits));
    }
  }
  ASSIGN_OR_RETURN(const std::vector<Id128> requests, IdsUnder(vault, person, "v/ask/"));
  for (const Id128& id : requests) {
    const auto request = vault.store.Request(person, id, View::kFrozen);
    if (request.ok() && request->has_value()) {
      commits.push_back(vault.store.SetPointer(PointerKind::kAsked, (*request)->value.asker().institution(),
                                               id, std::nullopt));
    } else if (!request.ok()) {
      RETURN_IF_ERROR(AddPointer(vault, PointerKind::kAsked, id, commits));
    }
  }
  ASSIGN_OR_RETURN(const std::vector<VaultStore::ListedDay> days,
                   vault.store.ListedDays(person, std::nullopt));
  for (const VaultStore::ListedDay& listed : days) {
    commits.push_back(vault.store.SetExpiry(listed.day, person, listed.document, /*present=*/false));
  }
  std::string from;
  do {
    ASSIGN_OR_RETURN(const VaultStore::UnjudgedHosts hosts, vault.store.Unjudged(person, from, kRowsAtOnce));
    for (const VaultStore::UnjudgedHost& host : hosts.rows) {
      commits.push_back(vault.store.SetUnjudged(host, /*present=*/false));
    }
    from = hosts.next;
  } while (!from.empty());
  ASSIGN_OR_RETURN(const std::vector<Id128> drops, PendingOf(vault, person));
  for (const Id128& drop : drops) {
    commits.push_back(SetPending(vault, drop, person, /*present=*/false));
  }
  ASSIGN_OR_RETURN(const std::vector<OpenUpload> open, OpenUploadsOf(vault, person));
  for (const OpenUpload& upload : open) {
    commits.push_back(vault.store.SetOpenUpload(upload, /*present=*/false));
  }
  ASSIGN_OR_RETURN(const std::vector<Id128> uploads, IdsUnder(vault, person, "v/up/"));
  for (const Id128& id : uploads) {
    OpenUpload upload;
    upload.upload = id;
    commits.push_back(vault.store.SetOpenUpload(upload, /*present=*/false));
  }
  return commits;
}

// What does not read stays: sealed under keys that go.
Task<absl::Status> EmptyContent(const Vault& vault, Id128 content) {
  const bool closed = co_await vault.writers.Close(content, kWriterEnds);
  if (!closed) {
    co_return absl::UnavailableError("an upload does not stop being written");
  }
  const absl::StatusOr<uint64_t> emptied =
      co_await storage::EmptyWhatReads(vault.context.store, VaultStore::ContentPartition(content));
  co_return emptied.status();
}

// An error of one head says nothing of whose it is: it is passed over.
Task<absl::Status> EmptyHers(const Vault& vault, Id128 person) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const storage::SalvagedPartitions contents,
                        storage::SalvagePartitions(vault.context.store, storage::PartitionKind::kDocument,
                                                   *from, kContentsAtOnce));
    for (const storage::Partition& content : contents.partitions) {
      const auto head = vault.papers.Head(content.id);
      if (absl::IsUnavailable(head.status())) {
        co_return head.status();
      }
      if (!head.ok() || !head->has_value() || (*head)->value.name.person != person) {
        continue;
      }
      const absl::Status emptied = co_await EmptyContent(vault, content.id);
      CO_RETURN_IF_ERROR(emptied);
    }
    from = contents.next;
    co_await ResumeOn(vault.context.executor);
  }
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::Status> EraseDamaged(const Vault& vault, Id128 person) {
  const absl::Status counted = co_await CountNone(vault, person);
  CO_RETURN_IF_ERROR(counted);
  CO_ASSIGN_OR_RETURN(std::vector<storage::CommitRequest> commits, Lists(vault, person));
  for (storage::CommitRequest& commit : commits) {
    const absl::StatusOr<storage::CommitResult> done = co_await vault.context.store.Commit(std::move(commit));
    CO_RETURN_IF_ERROR(done.status());
  }
  const absl::Status emptied = co_await EmptyHers(vault, person);
  co_return emptied;
}

}  // namespace relais::vault
