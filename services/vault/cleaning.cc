#include "services/vault/cleaning.h"

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/status.h"
#include "services/vault/convert.h"
#include "services/vault/counting.h"
#include "services/vault/events.h"
#include "services/vault/journal_leaves.h"
#include "services/vault/pending_drops.h"

namespace relais::vault {
namespace {

constexpr absl::Duration kWriterLeaves = absl::Seconds(5);
constexpr size_t kPage = 500;

// What a leaf names that does not read is nothing that could be cleaned.
std::optional<Id128> IdIn(std::string_view hex) {
  const auto id = Id128::FromHex(hex);
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}

void PassedOver(const absl::Status& why) {
  log::Warn("a row of a vault does not open: lists and sums go on without it", {log::Field::Code(why)});
}

// nullopt: there is none, or it does not open. Then a leaf does what it can by itself.
absl::StatusOr<std::optional<Stored<v1::StoredDocument>>> DocumentThatOpens(const Vault& vault,
                                                                            const Id128& person,
                                                                            const Id128& id, View view) {
  auto stored = vault.store.Document(person, id, view);
  if (absl::IsDataLoss(stored.status())) {
    PassedOver(stored.status());
    return std::optional<Stored<v1::StoredDocument>>();
  }
  return stored;
}

// The ids of its versions' contents that are ids.
std::vector<Id128> ContentsOf(const v1::StoredDocument& document, std::optional<uint32_t> version) {
  std::vector<Id128> contents;
  for (const v1::StoredVersion& stored : document.versions()) {
    if (version.has_value() && stored.version().version() != *version) {
      continue;
    }
    const auto content = IdOf(stored.content());
    if (content.ok()) {
      contents.push_back(*content);
    } else {
      PassedOver(content.status());
    }
  }
  return contents;
}

Task<absl::Status> CommitDerived(const Vault& vault, storage::CommitRequest commit) {
  const auto done = co_await vault.context.store.Commit(std::move(commit));
  co_return done.status();
}

// The pointer first: what is noted leads to it.
Task<absl::Status> Unlist(const Vault& vault, Id128 person, VaultStore::ListedDay listed) {
  const absl::Status off =
      co_await CommitDerived(vault, vault.store.SetExpiry(listed.day, person, listed.document, false));
  CO_RETURN_IF_ERROR(off);
  const absl::Status forgotten =
      co_await CommitDerived(vault, vault.store.SetListedDay(person, listed, false));
  co_return forgotten;
}

}  // namespace

std::string OwnLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const auto person = PersonOf(leaf);
  return person.has_value() ? person->ToBytes() : "";
}

bool OwnLeaves::Concerns(const audit::FollowedLeaf& leaf) const {
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_UPLOAD_CHANGED:
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED:
    case audit::v1::EVENT_CLASS_DOCUMENT_CHANGED:
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED:
    case audit::v1::EVENT_CLASS_SHARE_CHANGED:
    case audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED:
    case audit::v1::EVENT_CLASS_HOST_CHANGED:
      return true;
    default:
      return IsMaintenance(leaf);
  }
}

Task<absl::Status> OwnLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  if (IsMaintenance(leaf)) {
    const absl::Status listed = co_await CommitDerived(vault_, ListMaintenance(vault_, leaf.index));
    co_return listed;
  }
  const auto person = PersonOf(leaf);
  if (!person.has_value() || !Concerns(leaf)) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(vault_.context.executor);
  absl::Status status;
  if (auto changed = PayloadOf<v1::UploadChanged>(leaf.details); changed.has_value()) {
    status = co_await UploadChanged(*person, leaf.details.recipient().institution(), *std::move(changed));
  } else if (auto deposited = PayloadOf<v1::DocumentDeposited>(leaf.details); deposited.has_value()) {
    status = co_await Deposited(*person, *std::move(deposited));
  } else if (auto described = PayloadOf<v1::DocumentChanged>(leaf.details); described.has_value()) {
    status = co_await Described(*person, *std::move(described));
  } else if (auto destroyed = PayloadOf<v1::DocumentDestroyed>(leaf.details); destroyed.has_value()) {
    status = co_await Destroyed(*person, *std::move(destroyed));
  } else if (auto share = PayloadOf<v1::ShareChanged>(leaf.details); share.has_value()) {
    status = co_await Pointer(PointerKind::kShared, share->recipient().institution(), *person,
                              share->share_id(), share->until(), share->state() == v1::Share::STATE_ACTIVE);
  } else if (auto asked = PayloadOf<v1::DocumentRequestChanged>(leaf.details); asked.has_value()) {
    // Decided or not, it is the asker's to see.
    status = co_await Pointer(PointerKind::kAsked, asked->asker().institution(), *person,
                              asked->document_request_id(), google::protobuf::Timestamp(), true);
  } else if (const auto host = PayloadOf<v1::HostChanged>(leaf.details); host.has_value()) {
    status = co_await ListHost(*person, host->institution());
  }
  co_return status;
}

Task<absl::Status> OwnLeaves::Count(std::string institution, VaultStore::CountedText text, uint64_t size,
                                    VaultStore::Counted counted) {
  if (institution.empty()) {
    co_return absl::OkStatus();
  }
  const VaultStore::CountedChange change{text, size, counted};
  const absl::Status done = co_await vault_.counting.Count(std::move(institution), change);
  if (absl::IsDataLoss(done)) {
    PassedOver(done);  // what it counts for there does not read
    co_return absl::OkStatus();
  }
  co_return done;
}

// Of a version that is no more: whichever upload made it. Others of that number may still be under way.
Task<absl::Status> OwnLeaves::Uncount(std::string institution, Id128 document, uint32_t version) {
  const auto rows = vault_.store.CountedTexts(institution, document);
  if (absl::IsDataLoss(rows.status())) {
    PassedOver(rows.status());
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(rows.status());
  for (const VaultStore::CountedRow& row : *rows) {
    if (row.text.version == version && row.counted == VaultStore::Counted::kKept) {
      const absl::Status counted = co_await Count(institution, row.text, 0, VaultStore::Counted::kNone);
      CO_RETURN_IF_ERROR(counted);
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> OwnLeaves::UploadChanged(Id128 person, std::string depositor, v1::UploadChanged changed) {
  const auto id = IdIn(changed.upload_id());
  const auto document = IdIn(changed.document_id());
  if (!id.has_value() || !document.has_value()) {
    co_return absl::OkStatus();
  }
  OpenUpload upload;
  upload.upload = *id;
  upload.person = person;
  upload.document = *document;
  upload.version = changed.version();
  upload.size = changed.size();
  upload.depositor = depositor;
  const VaultStore::CountedText text{*document, changed.version(), *id};
  if (changed.state() != v1::Upload::STATE_OPEN) {
    const absl::Status cleaned = co_await CleanUpload(vault_, upload);
    CO_RETURN_IF_ERROR(cleaned);
    const absl::Status counted = co_await Count(depositor, text, changed.size(), VaultStore::Counted::kNone);
    co_return counted;
  }
  const absl::Status listed = co_await CommitDerived(vault_, vault_.store.SetOpenUpload(upload, true));
  CO_RETURN_IF_ERROR(listed);
  const absl::Status counted =
      co_await Count(depositor, text, changed.size(), VaultStore::Counted::kReserved);
  co_return counted;
}

Task<absl::Status> OwnLeaves::Deposited(Id128 person, v1::DocumentDeposited deposited) {
  const auto document = IdIn(deposited.document_id());
  if (!document.has_value()) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const auto stored, DocumentThatOpens(vault_, person, *document, View::kFrozen));
  if (stored.has_value()) {
    const std::vector<Id128> contents = ContentsOf(stored->value, deposited.version());
    for (const Id128& content : contents) {
      OpenUpload upload;
      upload.upload = content;
      const absl::Status off = co_await CommitDerived(vault_, vault_.store.SetOpenUpload(upload, false));
      CO_RETURN_IF_ERROR(off);
      const VaultStore::CountedText text{*document, deposited.version(), content};
      const absl::Status counted = co_await Count(deposited.depositor().institution(), text, deposited.size(),
                                                  VaultStore::Counted::kKept);
      CO_RETURN_IF_ERROR(counted);
    }
  }
  if (deposited.state() == v1::Document::STATE_PENDING_CONSENT) {
    const absl::Status pending = co_await CommitDerived(vault_, SetPending(vault_, *document, person, true));
    CO_RETURN_IF_ERROR(pending);
  }
  const absl::Status listed = co_await Expires(person, deposited.document_id());
  co_return listed;
}

Task<absl::Status> OwnLeaves::Described(Id128 person, v1::DocumentChanged changed) {
  const auto document = IdIn(changed.document_id());
  if (document.has_value() && changed.state() == v1::Document::STATE_ACTIVE) {
    const absl::Status off = co_await CommitDerived(vault_, SetPending(vault_, *document, person, false));
    CO_RETURN_IF_ERROR(off);
  }
  const absl::Status listed = co_await Expires(person, changed.document_id());
  co_return listed;
}

// From the paper as it is now.
Task<absl::Status> OwnLeaves::Expires(Id128 person, std::string document_id) {
  const auto document = IdIn(document_id);
  if (!document.has_value()) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const auto stored, DocumentThatOpens(vault_, person, *document, View::kLive));
  if (!stored.has_value()) {
    co_return absl::OkStatus();  // being erased: who does so finds every day; or it does not open
  }
  std::optional<absl::CivilDay> day;
  if (stored->value.has_expires() && stored->value.state() != v1::Document::STATE_DESTROYED) {
    day = DayOf(stored->value.expires());
  }
  const absl::Status listed = co_await ListDay(person, *document, day);
  co_return listed;
}

// Under that day and no other; nullopt: under none.
Task<absl::Status> OwnLeaves::ListDay(Id128 person, Id128 document, std::optional<absl::CivilDay> day) {
  if (day.has_value()) {
    const VaultStore::ListedDay listed{document, *day};
    const absl::Status noted =
        co_await CommitDerived(vault_, vault_.store.SetListedDay(person, listed, true));
    CO_RETURN_IF_ERROR(noted);
    const absl::Status pointed =
        co_await CommitDerived(vault_, vault_.store.SetExpiry(*day, person, document, true));
    CO_RETURN_IF_ERROR(pointed);
  }
  CO_ASSIGN_OR_RETURN(const std::vector<VaultStore::ListedDay> listed,
                      vault_.store.ListedDays(person, document));
  for (const VaultStore::ListedDay& other : listed) {
    if (other.day != day) {
      const absl::Status off = co_await Unlist(vault_, person, other);
      CO_RETURN_IF_ERROR(off);
    }
  }
  co_return absl::OkStatus();
}

// From the host as it is now: suspended ones are listed, but for those that no answer lets act again.
Task<absl::Status> OwnLeaves::ListHost(Id128 person, std::string institution) {
  const auto host = vault_.store.Host(person, institution);
  if (absl::IsDataLoss(host.status())) {
    PassedOver(host.status());
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(host.status());
  const bool listed =
      host->has_value() && (*host)->value.state() == v1::Host::STATE_SUSPENDED && !(*host)->value.restored();
  const VaultStore::UnjudgedHost row{person, std::move(institution)};
  const absl::Status set = co_await CommitDerived(vault_, vault_.store.SetUnjudged(row, listed));
  co_return set;
}

Task<absl::Status> OwnLeaves::Destroyed(Id128 person, v1::DocumentDestroyed destroyed) {
  const auto document = IdIn(destroyed.document_id());
  if (!document.has_value()) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const auto stored, DocumentThatOpens(vault_, person, *document, View::kFrozen));
  if (stored.has_value()) {
    const std::vector<Id128> contents = ContentsOf(stored->value, std::nullopt);
    for (const Id128& content : contents) {
      const absl::Status emptied = co_await vault_.papers.Empty(content);
      CO_RETURN_IF_ERROR(emptied);
    }
  }
  const absl::Status off = co_await CommitDerived(vault_, SetPending(vault_, *document, person, false));
  CO_RETURN_IF_ERROR(off);
  const absl::Status unlisted = co_await ListDay(person, *document, std::nullopt);
  CO_RETURN_IF_ERROR(unlisted);
  for (const v1::DocumentVersion& version : destroyed.versions()) {
    std::string institution = version.depositor().institution();
    const absl::Status counted = co_await Uncount(std::move(institution), *document, version.version());
    CO_RETURN_IF_ERROR(counted);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> OwnLeaves::Pointer(PointerKind kind, std::string institution, Id128 person, std::string id,
                                      google::protobuf::Timestamp until, bool present) {
  const auto named = IdIn(id);
  if (!named.has_value() || institution.empty()) {
    co_return absl::OkStatus();
  }
  std::optional<v1::InstitutionPointer> pointer;
  if (present) {
    pointer.emplace();
    pointer->set_person(person.ToBytes());
    *pointer->mutable_until() = std::move(until);
  }
  const absl::Status set =
      co_await CommitDerived(vault_, vault_.store.SetPointer(kind, institution, *named, pointer));
  co_return set;
}

Task<absl::Status> CleanUpload(const Vault& vault, OpenUpload upload) {
  const bool ended = co_await vault.writers.Close(upload.upload, kWriterLeaves);
  if (!ended) {
    co_return absl::UnavailableError("an upload that ended is still being written");
  }
  const absl::Status emptied = co_await vault.papers.Empty(upload.upload);
  CO_RETURN_IF_ERROR(emptied);
  const absl::Status off = co_await CommitDerived(vault, vault.store.SetOpenUpload(upload, false));
  co_return off;
}

// ---- who erases her

Task<absl::Status> CountNoMore(const Vault& vault, std::string institution, VaultStore::CountedText text) {
  const VaultStore::CountedChange none{text, 0, VaultStore::Counted::kNone};
  const absl::Status done = co_await vault.counting.Count(std::move(institution), none);
  co_return done;
}

absl::StatusOr<std::vector<OpenUpload>> OpenUploadsOf(const Vault& vault, const Id128& person) {
  std::vector<OpenUpload> hers;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const VaultStore::OpenUploadRows page, vault.store.OpenUploads(*from, kPage));
    for (const OpenUpload& upload : page.rows) {
      if (upload.person == person) {
        hers.push_back(upload);
      }
    }
    from = page.next;
  }
  return hers;
}

namespace {

Task<absl::Status> EraseDocument(const Vault& vault, Id128 person, Id128 id, v1::StoredDocument document) {
  for (const v1::StoredVersion& version : document.versions()) {
    CO_ASSIGN_OR_RETURN(const Id128 content, IdOf(version.content()));
    const absl::Status emptied = co_await vault.papers.Empty(content);
    CO_RETURN_IF_ERROR(emptied);
    const VaultStore::CountedText text{id, version.version().version(), content};
    const absl::Status counted =
        co_await CountNoMore(vault, version.version().depositor().institution(), text);
    CO_RETURN_IF_ERROR(counted);
  }
  const absl::Status decided = co_await CommitDerived(vault, SetPending(vault, id, person, false));
  co_return decided;
}

Task<absl::Status> EraseDocuments(const Vault& vault, Id128 person) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(auto page, vault.store.Documents(person, *from, kPage, View::kFrozen));
    for (Row<v1::StoredDocument>& row : page.rows) {
      const absl::Status erased = co_await EraseDocument(vault, person, row.id, std::move(row.stored.value));
      CO_RETURN_IF_ERROR(erased);
    }
    from = page.next;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> EraseUploads(const Vault& vault, Id128 person) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto page, vault.store.Uploads(person, *from, kPage, View::kFrozen));
    for (const Row<v1::StoredUpload>& row : page.rows) {
      OpenUpload upload;
      upload.upload = row.id;
      const absl::Status cleaned = co_await CleanUpload(vault, upload);
      CO_RETURN_IF_ERROR(cleaned);
      VaultStore::CountedText text;
      CO_ASSIGN_OR_RETURN(text.document, IdOf(row.stored.value.document()));
      text.version = row.stored.value.version();
      text.upload = row.id;
      const absl::Status counted =
          co_await CountNoMore(vault, row.stored.value.depositor().institution(), text);
      CO_RETURN_IF_ERROR(counted);
    }
    from = page.next;
  }
  // The follower may have listed one again, from a leaf that it had already applied, whose row has gone.
  CO_ASSIGN_OR_RETURN(const std::vector<OpenUpload> listed, OpenUploadsOf(vault, person));
  for (const OpenUpload& upload : listed) {
    const absl::Status off = co_await CommitDerived(vault, vault.store.SetOpenUpload(upload, false));
    CO_RETURN_IF_ERROR(off);
  }
  co_return absl::OkStatus();
}

// Whatever day they had, and whether their records open or not.
Task<absl::Status> EraseDays(const Vault& vault, Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::vector<VaultStore::ListedDay> listed,
                      vault.store.ListedDays(person, std::nullopt));
  for (const VaultStore::ListedDay& day : listed) {
    const absl::Status off = co_await Unlist(vault, person, day);
    CO_RETURN_IF_ERROR(off);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> EraseUnjudged(const Vault& vault, Id128 person) {
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const VaultStore::UnjudgedHosts hers, vault.store.Unjudged(person, from, kPage));
    for (const VaultStore::UnjudgedHost& host : hers.rows) {
      const absl::Status off = co_await CommitDerived(vault, vault.store.SetUnjudged(host, false));
      CO_RETURN_IF_ERROR(off);
    }
    from = hers.next;
  } while (!from.empty());
  co_return absl::OkStatus();
}

Task<absl::Status> ErasePointers(const Vault& vault, Id128 person) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto page, vault.store.Shares(person, *from, kPage, View::kFrozen));
    for (const Row<v1::StoredShare>& row : page.rows) {
      const absl::Status off = co_await CommitDerived(
          vault, vault.store.SetPointer(PointerKind::kShared, row.stored.value.recipient().institution(),
                                        row.id, std::nullopt));
      CO_RETURN_IF_ERROR(off);
    }
    from = page.next;
  }
  from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto page, vault.store.Requests(person, *from, kPage, View::kFrozen));
    for (const Row<v1::StoredRequest>& row : page.rows) {
      const absl::Status off = co_await CommitDerived(
          vault, vault.store.SetPointer(PointerKind::kAsked, row.stored.value.asker().institution(), row.id,
                                        std::nullopt));
      CO_RETURN_IF_ERROR(off);
    }
    from = page.next;
  }
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::Status> EraseElsewhere(const Vault& vault, Id128 person) {
  const absl::Status uploads = co_await EraseUploads(vault, person);
  CO_RETURN_IF_ERROR(uploads);
  const absl::Status days = co_await EraseDays(vault, person);
  CO_RETURN_IF_ERROR(days);
  const absl::Status hosts = co_await EraseUnjudged(vault, person);
  CO_RETURN_IF_ERROR(hosts);
  const absl::Status documents = co_await EraseDocuments(vault, person);
  CO_RETURN_IF_ERROR(documents);
  const absl::Status pointers = co_await ErasePointers(vault, person);
  co_return pointers;
}

}  // namespace relais::vault
