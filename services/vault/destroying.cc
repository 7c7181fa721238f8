#include "services/vault/destroying.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/maintenance.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/vault/held_texts.h"
#include "services/vault/sums.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 200;

void AddLeaf(absl::StatusOr<storage::LeafDraft> draft, absl::Status& status, storage::CommitRequest& commit) {
  status.Update(draft.status());
  if (draft.ok()) {
    commit.leaves.push_back(*std::move(draft));
  }
}

// Other papers that hold one of these texts.
absl::StatusOr<std::map<std::string, DuplicateOf>> Elsewhere(const Vault& vault, const Id128& person,
                                                             const Id128& document,
                                                             const std::set<std::string>& texts) {
  std::map<std::string, DuplicateOf> found;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const Rows<v1::StoredDocument> rows, vault.store.Documents(person, *from, kRowsAtOnce));
    for (const Row<v1::StoredDocument>& row : rows.rows) {
      if (row.id == document || row.stored.value.state() == v1::Document::STATE_DESTROYED) {
        continue;
      }
      for (const v1::StoredVersion& version : row.stored.value.versions()) {
        if (texts.contains(version.version().sha256())) {
          found.emplace(version.version().sha256(), DuplicateOf{row.id, version.version().version()});
        }
      }
    }
    from = rows.next;
  }
  return found;
}

absl::Status RemoveMarks(const Vault& vault, const Id128& person, const Id128& document,
                         const v1::StoredDocument& stored, storage::CommitRequest& commit) {
  std::map<uint32_t, std::string> texts;
  std::set<std::string> wanted;
  for (const v1::StoredVersion& version : stored.versions()) {
    texts[version.version().version()] = version.version().sha256();
    wanted.insert(version.version().sha256());
  }
  // Another paper that does not open must not keep this one: then the mark simply goes.
  auto elsewhere = Elsewhere(vault, person, document, wanted);
  if (!elsewhere.ok() && !absl::IsDataLoss(elsewhere.status())) {
    return elsewhere.status();
  }
  std::string from;
  do {
    ASSIGN_OR_RETURN(const VaultStore::ReadableDuplicateRows page,
                     vault.store.ReadableDuplicates(person, from, kRowsAtOnce));
    for (const VaultStore::DuplicateRow& row : page.unreadable) {  // it may be of this paper
      VaultStore::RemoveDuplicate(person, row.mark, row.stored.version, commit);
    }
    for (const VaultStore::DuplicateRow& row : page.rows) {
      if (row.stored.value.document != document) {
        continue;
      }
      const std::string& text = texts[row.stored.value.version];
      if (elsewhere.ok() && elsewhere->contains(text)) {
        VaultStore::PutDuplicate(person, row.mark, {elsewhere->at(text), row.stored.version}, commit);
      } else {
        VaultStore::RemoveDuplicate(person, row.mark, row.stored.version, commit);
      }
    }
    from = page.next;
  } while (!from.empty());
  return absl::OkStatus();
}

// One that does not open is of no use to anybody.
absl::Status EndShares(const Vault& vault, const Acting& acting, const Id128& document, absl::Time now,
                       storage::CommitRequest& commit) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(auto rows, vault.store.ReadableShares(acting.person, *from, kRowsAtOnce));
    for (Row<v1::StoredShare>& row : rows.rows) {
      v1::StoredShare& share = row.stored.value;
      if (share.document() != document.bytes() || share.state() != v1::Share::STATE_ACTIVE) {
        continue;
      }
      share.set_state(v1::Share::STATE_DESTROYED);
      *share.mutable_ended() = ToProto(now);
      RETURN_IF_ERROR(vault.store.PutShare(acting.person, row.id, row.stored, commit));
      absl::Status drafted;
      AddLeaf(vault.context.log.Draft(ShareEvent(acting, row.id, share)), drafted, commit);
      RETURN_IF_ERROR(drafted);
    }
    from = rows.next;
  }
  return absl::OkStatus();
}

// What is left is what the certificate says, and where the bytes are that are still to be removed.
void Strip(absl::Time now, v1::StoredDocument& document) {
  document.set_state(v1::Document::STATE_DESTROYED);
  document.clear_title();
  document.clear_expires();
  document.clear_reminded();
  document.clear_drop_host();
  document.clear_drop_purpose();
  *document.mutable_changed() = ToProto(now);
  for (v1::StoredVersion& version : *document.mutable_versions()) {
    version.clear_wrapped_key();
  }
}

}  // namespace

Task<absl::Status> CopyForHolds(const Vault& vault, Id128 person, Id128 document) {
  if (vault.context.maintenance == nullptr) {
    co_return absl::OkStatus();
  }
  std::vector<audit::Subject> hers = {VaultStore::SubjectOf(person)};
  audit::Holds::Texts its = [&vault, document](audit::Subject subject, audit::HeldSink& sink) {
    return KeepTexts({vault, subject.id, document, [] { return false; }}, sink);
  };
  const auto copied = co_await vault.context.maintenance->holds().CopyWith(std::move(hers), std::move(its));
  co_return copied.status();
}

absl::Status AddDestruction(const Vault& vault, const Acting& acting, const Destruction& what,
                            Stored<v1::StoredDocument>& stored, storage::CommitRequest& commit) {
  const absl::Time now = vault.context.log.Now();
  uint64_t bytes = 0;
  for (const v1::StoredVersion& version : stored.value.versions()) {
    bytes += version.version().size();
  }
  ASSIGN_OR_RETURN(Sums sums, SumsOf(vault, acting.person));
  Free(static_cast<uint32_t>(stored.value.versions_size()), bytes, sums.usage.value);
  RETURN_IF_ERROR(PutSums(vault, acting.person, sums, commit));
  audit::Event event = DestroyedEvent(acting, what.document, stored.value, what.cause, now, what.epoch);
  event.event_id = what.event_id;
  absl::Status drafted;
  AddLeaf(vault.context.log.Draft(std::move(event)), drafted, commit);
  RETURN_IF_ERROR(drafted);
  RETURN_IF_ERROR(RemoveMarks(vault, acting.person, what.document, stored.value, commit));
  Strip(now, stored.value);
  RETURN_IF_ERROR(vault.store.PutDocument(acting.person, what.document, stored, commit));
  return EndShares(vault, acting, what.document, now, commit);
}

}  // namespace relais::vault
