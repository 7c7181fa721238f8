#include "services/vault/scrubber.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/salvage.h"
#include "services/vault/acts_of_nobody.h"
#include "services/vault/institution_sums.h"
#include "services/vault/rights_put_back.h"
#include "services/vault/sums.h"

namespace relais::vault {
namespace {

constexpr size_t kPersonsAtOnce = 50;
constexpr size_t kContentsAtOnce = 200;
constexpr size_t kPapersAtOnce = 100;
constexpr size_t kPartitionsAtOnce = 100;
constexpr size_t kRowsAtOnce = 500;
constexpr absl::Duration kIdle = absl::Hours(1);
constexpr absl::Duration kWriterEnds = absl::Seconds(5);
// What is looked at after persons, in this order: bytes of papers, then what is read only.
constexpr auto kContents = storage::PartitionKind::kDocument;
constexpr std::array kOthers = {storage::PartitionKind::kHold, storage::PartitionKind::kCursor,
                                storage::PartitionKind::kIndexBucket};

// `next` of the row: empty or 16 bytes, a person; or the first of the partitions that are still to be looked
// at, as 17 bytes.
std::string From(storage::PartitionKind kind, const Id128& id) {
  return storage::Partition{kind, id}.Encode();
}
bool IsAtPersons(const std::string& next) { return next.empty() || next.size() == Id128::kSize; }
bool IsAt(const std::string& next, storage::PartitionKind kind) {
  return next.size() == storage::Partition::kEncodedSize && next[0] == static_cast<char>(kind);
}
absl::StatusOr<Id128> PlaceIn(const std::string& next) { return IdOf(std::string_view(next).substr(1)); }

bool UnderWay(const v1::StoredScrub& stored) {
  return !stored.scrub().scrub_id().empty() && !stored.scrub().has_ended();
}

absl::Status Stopping() { return absl::UnavailableError("the service is stopping"); }

void Count(const PaperCheck& check, v1::Scrub& scrub) {
  for (const v1::StoredVersion& version : check.document.value.versions()) {
    scrub.set_bytes(scrub.bytes() + version.version().size());
  }
  for (const v1::VersionCheck& version : check.checks) {
    scrub.set_versions(scrub.versions() + 1);
    switch (version.finding()) {
      case v1::VersionCheck::FINDING_INTACT:
      case v1::VersionCheck::FINDING_LOG_UNREADABLE:  // she counts as passed over
        continue;
      case v1::VersionCheck::FINDING_MISSING:
        scrub.set_missing(scrub.missing() + 1);
        break;
      case v1::VersionCheck::FINDING_HASH_DIFFERS:
        scrub.set_hash_differs(scrub.hash_differs() + 1);
        break;
      case v1::VersionCheck::FINDING_ROLLED_BACK:
        scrub.set_rolled_back(scrub.rolled_back() + 1);
        break;
      default:
        scrub.set_altered(scrub.altered() + 1);
    }
    scrub.set_damaged(scrub.damaged() + 1);
  }
}

void Unreadable(uint64_t more, v1::Scrub& scrub) { scrub.set_unreadable(scrub.unreadable() + more); }
void PassedOver(uint64_t more, v1::Scrub& scrub) { scrub.set_passed_over(scrub.passed_over() + more); }

// How many of her keys no epoch opens. What does not read is counted with her other rows.
absl::StatusOr<uint64_t> UnreadableKeys(const Vault& vault, const Id128& person) {
  const absl::StatusOr<std::vector<WrappedPersonKey>> keys = vault.store.PersonKeys(person);
  if (audit::DoesNotRead(keys.status())) {
    return 0;
  }
  RETURN_IF_ERROR(keys.status());
  uint64_t unreadable = 0;
  for (const WrappedPersonKey& key : *keys) {
    const absl::Status opened =
        UnwrapPersonKey(vault.keys.epochs(), person, key.generation, key.wrapped.value).status();
    unreadable += absl::IsNotFound(opened) || audit::DoesNotRead(opened) ? 1 : 0;
    if (absl::IsUnavailable(opened)) {
      return opened;
    }
  }
  return unreadable;
}

// Ids of her papers by the keys of her rows, those whose row does not open too, and by the log, which knows
// those that do not read.
absl::StatusOr<std::set<Id128>> PapersOf(const Vault& vault, const Id128& person,
                                         const LoggedPapers& logged) {
  constexpr std::string_view kPrefix = "v/doc/";
  std::set<Id128> papers;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                     storage::Salvage(vault.context.store, VaultStore::PersonPartition(person), kPrefix, from,
                                      kPapersAtOnce));
    for (const storage::KeyedEntry& row : page.entries) {
      ASSIGN_OR_RETURN(const Id128 id, IdOf(std::string_view(row.key).substr(kPrefix.size())));
      papers.insert(id);
    }
    from = page.next;
  } while (!from.empty());
  for (const auto& [id, paper] : logged.papers) {
    if (!paper.destroyed) {
      papers.insert(id);
    }
  }
  return papers;
}

// Whether the log knows no such text, or the record has the one that it knows. Otherwise the record is lost
// or was put back: a backup of it needs the bytes. A leaf that does not read may be the one that knows it.
absl::StatusOr<bool> IsUnknown(const rpc::ServiceContext& context, const VersionName& name,
                               const v1::StoredDocument* record) {
  const absl::StatusOr<LoggedPapers> logged = LoggedOf(context, name.person, name.document);
  if (audit::IsErased(logged.status())) {
    return true;
  }
  RETURN_IF_ERROR(logged.status());
  const auto paper = logged->papers.find(name.document);
  if (paper == logged->papers.end()) {
    return logged->all_read;
  }
  if (paper->second.destroyed) {
    return true;
  }
  for (const v1::DocumentDeposited& said : paper->second.versions) {
    if (said.version() != name.version) {
      continue;
    }
    return record != nullptr && record->state() != v1::Document::STATE_DESTROYED &&
           std::any_of(record->versions().begin(), record->versions().end(),
                       [&](const v1::StoredVersion& version) {
                         return version.version().version() == name.version &&
                                version.header_sha256() == said.header_sha256();
                       });
  }
  return logged->all_read;
}

}  // namespace

storage::Partition Scrubber::Bucket(const rpc::ServiceContext& context) {
  return context.idempotency.Bucket("vault-scrub", "", "");
}

Scrubber::Scrubber(const Vault& vault)
    : vault_(vault), background_(vault.context.executor, [this] { return Turn(); }) {}

Task<bool> Scrubber::Stop() {
  const bool stopped = co_await background_.Stop();
  co_return stopped;
}

Task<absl::StatusOr<Scrubber::Begun>> Scrubber::Begin(rpc::Call call, rpc::Actor actor,
                                                      std::string request_id,
                                                      std::optional<rpc::Idempotency::Seen> seen) {
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredScrub> stored, vault_.store.Scrub());
  Begun begun;
  if (UnderWay(stored.value)) {
    begun.scrub = stored.value.scrub();
    co_return begun;
  }
  stored.value.Clear();
  v1::Scrub& scrub = *stored.value.mutable_scrub();
  scrub.set_scrub_id(vault_.context.random.Id().ToHex());
  *scrub.mutable_begun() = ToProto(vault_.context.log.Now());
  const ActOfNobody act = ActOfNobody::Fresh(vault_.context);
  storage::CommitRequest commit;
  vault_.store.PutScrub(stored, commit);
  if (seen.has_value()) {
    RememberActOfNobody(*seen, act, scrub, commit);
  }
  const Acting acting{call, actor, request_id, Id128()};
  audit::Event event = ScrubbedEvent(acting, scrub);
  event.event_id = act.event_id;
  CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf, vault_.context.log.Draft(event));
  commit.leaves.push_back(std::move(leaf));
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  begun.scrub = scrub;
  begun.leaves = done->leaves;
  background_.Wake();
  co_return begun;
}

// ---- the worker

Task<absl::Duration> Scrubber::Turn() {
  const absl::Status done = co_await RunOnce();
  co_return background_.PauseAfter(done, kIdle, "the papers cannot be checked now");
}

Task<absl::Status> Scrubber::RunOnce() {
  co_await ResumeOn(vault_.context.executor);
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredScrub> stored, vault_.store.Scrub());
  if (!UnderWay(stored.value)) {
    if (vault_.settings.scrub_every <= absl::ZeroDuration()) {
      co_return absl::OkStatus();
    }
    if (stored.version == 0) {  // counted from here
      *stored.value.mutable_scrub()->mutable_begun() = ToProto(vault_.context.log.Now());
      const absl::Status noted = co_await Save(stored, std::string());
      co_return noted;
    }
    const absl::Time last = FromProto(stored.value.scrub().begun());
    if (vault_.context.log.Now() - last < vault_.settings.scrub_every) {
      co_return absl::OkStatus();
    }
    rpc::Call own = OwnCall(vault_.context);
    rpc::Actor actor = ActorOfOwn(own);
    const std::optional<rpc::Idempotency::Seen> nobody;
    const absl::StatusOr<Begun> begun =
        co_await Begin(std::move(own), std::move(actor), std::string(), nobody);
    CO_RETURN_IF_ERROR(begun.status());
    CO_ASSIGN_OR_RETURN(stored, vault_.store.Scrub());
  }
  const absl::Status gone = co_await Go(std::move(stored));
  co_return gone;
}

Task<absl::Status> Scrubber::Go(Stored<v1::StoredScrub> stored) {
  if (IsAtPersons(stored.value.next())) {
    const absl::Status read = co_await ScrubPersons(stored);
    CO_RETURN_IF_ERROR(read);
  }
  if (IsAt(stored.value.next(), kContents)) {
    const absl::Status removed = co_await RemoveOrphans(stored);
    CO_RETURN_IF_ERROR(removed);
  }
  const absl::Status others = co_await ReadOthers(stored);
  CO_RETURN_IF_ERROR(others);
  const absl::Status mended = co_await MendInstitutionSums(vault_, &background_);
  CO_RETURN_IF_ERROR(mended);
  const absl::Status finished = co_await Finish(stored);
  co_return finished;
}

// What was counted and where it goes on are one row: whoever is looked at again was not counted.
Task<absl::Status> Scrubber::Save(Stored<v1::StoredScrub>& stored, std::string next) {
  stored.value.set_next(std::move(next));
  storage::CommitRequest commit;
  vault_.store.PutScrub(stored, commit);
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  stored.version = done->version;
  co_return absl::OkStatus();
}

Task<absl::Status> Scrubber::Finish(Stored<v1::StoredScrub>& stored) {
  *stored.value.mutable_scrub()->mutable_ended() = ToProto(vault_.context.log.Now());
  stored.value.clear_next();
  storage::CommitRequest commit;
  vault_.store.PutScrub(stored, commit);
  const rpc::Call own = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", Id128()};
  CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf,
                      vault_.context.log.Draft(ScrubbedEvent(acting, stored.value.scrub())));
  commit.leaves.push_back(std::move(leaf));
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  const v1::Scrub& scrub = stored.value.scrub();
  if (scrub.damaged() != 0) {
    log::Error("papers are damaged: the scrub's report says how many, their persons' journals which",
               {log::Field::Count("damaged", static_cast<int64_t>(scrub.damaged()))});
  }
  if (scrub.rights_put_back() != 0) {
    log::Error("rows of hosts or shares that had ended were put back in force: they are ended again",
               {log::Field::Count("rights", static_cast<int64_t>(scrub.rights_put_back()))});
  }
  if (scrub.unreadable() + scrub.passed_over() != 0) {
    log::Error("rows of the vault do not read: the scrub's report says how many",
               {log::Field::Count("unreadable", static_cast<int64_t>(scrub.unreadable())),
                log::Field::Count("passed_over", static_cast<int64_t>(scrub.passed_over()))});
  }
  co_return absl::OkStatus();
}

// ---- papers

Task<absl::Status> Scrubber::ScrubPersons(Stored<v1::StoredScrub>& stored) {
  v1::Scrub& scrub = *stored.value.mutable_scrub();
  std::optional<Id128> from = Id128();
  if (!stored.value.next().empty()) {
    CO_ASSIGN_OR_RETURN(from, IdOf(stored.value.next()));
  }
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const VaultStore::ReadablePersons found,
                        vault_.store.PersonsThatRead(*from, kPersonsAtOnce));
    PassedOver(found.gaps.size(), scrub);
    for (const Id128& person : found.persons) {
      if (background_.stopping()) {
        co_return Stopping();
      }
      const absl::Status scrubbed = co_await ScrubPerson(person, scrub);
      CO_RETURN_IF_ERROR(scrubbed);
    }
    from = found.next;
    std::string next = from.has_value() ? from->ToBytes() : From(kContents, Id128());
    const absl::Status saved = co_await Save(stored, std::move(next));
    CO_RETURN_IF_ERROR(saved);
    co_await ResumeOn(vault_.context.executor);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Scrubber::ScrubPerson(Id128 person, v1::Scrub& scrub) {
  if (vault_.context.log.keys().Frozen(VaultStore::SubjectOf(person))) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const uint64_t rows, vault_.store.UnreadableRows(person));
  CO_ASSIGN_OR_RETURN(const uint64_t keys, UnreadableKeys(vault_, person));
  Unreadable(rows + keys, scrub);
  if (rows != 0) {  // the sums' may be one of them
    const absl::Status mended = co_await MendSums(vault_, person);
    if (!audit::DoesNotRead(mended)) {
      CO_RETURN_IF_ERROR(mended);
    }
  }
  const absl::Status read = co_await ScrubPapers(person, scrub);
  if (audit::DoesNotRead(read)) {
    PassedOver(1, scrub);
    co_return absl::OkStatus();
  }
  co_return read;
}

// All of them, also when one could not be judged.
Task<absl::Status> Scrubber::ScrubPapers(Id128 person, v1::Scrub& scrub) {
  CO_ASSIGN_OR_RETURN(const LoggedPapers logged, LoggedOf(vault_.context, person, std::nullopt));
  CO_ASSIGN_OR_RETURN(const uint64_t put_back, co_await EndRightsPutBack(vault_, person, logged));
  scrub.set_rights_put_back(scrub.rights_put_back() + put_back);
  CO_ASSIGN_OR_RETURN(const std::set<Id128> papers, PapersOf(vault_, person, logged));
  absl::Status unjudged =
      logged.all_read ? absl::OkStatus() : absl::DataLossError("a leaf about her does not read");
  for (const Id128& paper : papers) {
    if (background_.stopping()) {
      co_return Stopping();
    }
    const absl::Status scrubbed = co_await ScrubPaper(person, paper, logged, scrub);
    if (audit::DoesNotRead(scrubbed)) {
      unjudged.Update(scrubbed);
      continue;
    }
    CO_RETURN_IF_ERROR(scrubbed);
  }
  co_return unjudged;
}

Task<absl::Status> Scrubber::ScrubPaper(Id128 person, Id128 document, const LoggedPapers& logged,
                                        v1::Scrub& scrub) {
  CheckOptions options;
  options.logged = &logged;
  options.bytes_per_second = vault_.settings.scrub_bytes_per_second;
  options.worker = &background_;
  const auto checked = co_await CheckPaper(vault_, person, document, options);
  CO_RETURN_IF_ERROR(checked.status());
  if (!checked->has_value()) {
    co_return absl::OkStatus();
  }
  const PaperCheck& check = **checked;
  if (check.checks.empty()) {
    Unreadable(check.document.version == 0 ? 1 : 0, scrub);  // a record that the log knows nothing of
    co_return absl::OkStatus();
  }
  v1::StoredDocument as_found = check.document.value;
  if (check.intact() && !ApplyChecks(check.checks, as_found)) {
    Count(check, scrub);
    co_return absl::OkStatus();
  }
  const rpc::Call own = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", person};
  const std::optional<HostGuard> no_host;
  const absl::StatusOr<storage::CommitResult> written =
      co_await WriteChecks(vault_, acting, document, check, scrub.scrub_id(), no_host);
  if (absl::IsNotFound(written.status()) || audit::IsErased(written.status())) {
    co_return absl::OkStatus();  // destroyed, or she is erased, meanwhile
  }
  if (!written.ok() && !audit::DoesNotRead(written.status())) {
    co_return written.status();
  }
  Count(check, scrub);
  co_return written.ok() ? absl::OkStatus() : written.status();
}

// ---- what belongs to nobody

// An upload becomes a paper in one commit: whoever looks for the upload first misses neither. A row that is
// there and does not open keeps the bytes.
absl::StatusOr<bool> Scrubber::IsOrphan(const Id128& content, const ContentHead& head) const {
  const storage::Partition person = VaultStore::PersonPartition(head.name.person);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> upload,
                   vault_.context.store.Get(person, "v/up/" + content.ToBytes()));
  if (upload.has_value()) {
    return false;
  }
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> row,
                   vault_.context.store.Get(person, "v/doc/" + head.name.document.ToBytes()));
  if (!row.has_value()) {
    return IsUnknown(vault_.context, head.name, nullptr);
  }
  const auto document = vault_.store.Document(head.name.person, head.name.document, View::kFrozen);
  if (absl::IsDataLoss(document.status())) {
    return false;
  }
  RETURN_IF_ERROR(document.status());
  if (!document->has_value()) {
    return false;
  }
  const auto& versions = (*document)->value.versions();
  const bool named = (*document)->value.state() != v1::Document::STATE_DESTROYED &&
                     std::any_of(versions.begin(), versions.end(), [&](const v1::StoredVersion& version) {
                       return version.content() == content.bytes();
                     });
  if (named) {
    return false;
  }
  return IsUnknown(vault_.context, head.name, &(*document)->value);
}

Task<absl::Status> Scrubber::RemoveOrphans(Stored<v1::StoredScrub>& stored) {
  CO_ASSIGN_OR_RETURN(const Id128 first, PlaceIn(stored.value.next()));
  v1::Scrub& scrub = *stored.value.mutable_scrub();
  std::optional<Id128> from = first;
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const storage::SalvagedPartitions found,
                        storage::SalvagePartitions(vault_.context.store, kContents, *from, kContentsAtOnce));
    Unreadable(found.gaps.size(), scrub);
    for (const storage::Partition& content : found.partitions) {
      if (background_.stopping()) {
        co_return Stopping();
      }
      const absl::Status removed = co_await RemoveIfOrphan(content.id, scrub);
      CO_RETURN_IF_ERROR(removed);
    }
    from = found.next;
    std::string next = from.has_value() ? From(kContents, *from) : From(kOthers.front(), Id128());
    const absl::Status saved = co_await Save(stored, std::move(next));
    CO_RETURN_IF_ERROR(saved);
    co_await ResumeOn(vault_.context.executor);
  }
  co_return absl::OkStatus();
}

// What cannot be told from damage stays.
Task<absl::Status> Scrubber::RemoveIfOrphan(Id128 content, v1::Scrub& scrub) {
  const auto head = vault_.papers.Head(content);
  if (audit::DoesNotRead(head.status()) || (head.ok() && !head->has_value())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(head.status());
  const absl::StatusOr<bool> orphan = IsOrphan(content, (*head)->value);
  if (audit::DoesNotRead(orphan.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(orphan.status());
  if (!*orphan) {
    co_return absl::OkStatus();
  }
  const bool closed = co_await vault_.writers.Close(content, kWriterEnds);
  if (!closed) {
    co_return absl::OkStatus();
  }
  const uint64_t committed = (*head)->value.committed;
  const absl::Status emptied = co_await vault_.papers.Empty(content);
  if (audit::DoesNotRead(emptied)) {
    Unreadable(1, scrub);
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(emptied);
  scrub.set_orphans_removed(scrub.orphans_removed() + 1 + PieceCount(committed));
  co_return absl::OkStatus();
}

// ---- all else in the store

Task<absl::Status> Scrubber::ReadOthers(Stored<v1::StoredScrub>& stored) {
  v1::Scrub& scrub = *stored.value.mutable_scrub();
  for (size_t kind = 0; kind < kOthers.size(); ++kind) {
    if (!IsAt(stored.value.next(), kOthers.at(kind))) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(const Id128 first, PlaceIn(stored.value.next()));
    std::optional<Id128> from = first;
    while (from.has_value()) {
      CO_ASSIGN_OR_RETURN(
          const storage::SalvagedPartitions found,
          storage::SalvagePartitions(vault_.context.store, kOthers.at(kind), *from, kPartitionsAtOnce));
      Unreadable(found.gaps.size(), scrub);
      for (const storage::Partition& partition : found.partitions) {
        const absl::Status read = co_await ReadPartition(partition, scrub);
        CO_RETURN_IF_ERROR(read);
      }
      from = found.next;
      const bool last = kind + 1 == kOthers.size();
      if (from.has_value() || !last) {
        std::string next =
            from.has_value() ? From(kOthers.at(kind), *from) : From(kOthers.at(kind + 1), Id128());
        const absl::Status saved = co_await Save(stored, std::move(next));
        CO_RETURN_IF_ERROR(saved);
      }
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Scrubber::ReadPartition(storage::Partition partition, v1::Scrub& scrub) {
  std::string from;
  do {
    if (background_.stopping()) {
      co_return Stopping();
    }
    CO_ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                        storage::Salvage(vault_.context.store, partition, "", from, kRowsAtOnce));
    Unreadable(page.gaps.size(), scrub);
    uint64_t bytes = 0;
    for (const storage::KeyedEntry& row : page.entries) {
      bytes += row.entry.value.size();
    }
    from = page.next;
    if (vault_.settings.scrub_bytes_per_second != 0) {
      const double seconds =
          static_cast<double>(bytes) / static_cast<double>(vault_.settings.scrub_bytes_per_second);
      co_await Sleep(vault_.context.executor, absl::Seconds(seconds));
    } else {
      co_await ResumeOn(vault_.context.executor);
    }
  } while (!from.empty());
  co_return absl::OkStatus();
}

}  // namespace relais::vault
