#include "common/audit/erasures.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/audit/cursor.h"
#include "common/audit/erasure_rows.h"
#include "common/audit/leaf_search.h"
#include "common/audit/meta_rows.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {

using storage::LogTable;

constexpr size_t kScan = 500;
constexpr std::string_view kAckPrefix = "ack/";
constexpr int64_t kMicros = 1'000'000;

std::string AckKey(const Id128& erasure, std::string_view service) {
  return std::string(kAckPrefix) + erasure.ToBytes() + "/" + std::string(service);
}

absl::StatusOr<std::vector<Subject>> SubjectsOf(const audit::v1::StoredErasure& stored) {
  std::vector<Subject> subjects;
  for (const std::string& bytes : stored.subjects()) {
    ASSIGN_OR_RETURN(const Subject subject, Subject::Decode(bytes));
    subjects.push_back(subject);
  }
  return subjects;
}

// The ids under which its leaves asked, its own first.
std::vector<Id128> AskedIds(const audit::v1::StoredErasure& stored) {
  std::vector<Id128> ids;
  const auto add = [&ids](const std::string& bytes) {
    if (const absl::StatusOr<Id128> id = Id128::FromBytes(bytes); id.ok()) {
      ids.push_back(*id);
    }
  };
  add(stored.erasure_id());
  for (const std::string& bytes : stored.asked_as()) {
    add(bytes);
  }
  return ids;
}

void SetInstant(int64_t micros, google::protobuf::Timestamp& out) {
  out.set_seconds(micros / kMicros);
  out.set_nanos(static_cast<int32_t>(micros % kMicros * 1000));
}

}  // namespace

storage::Partition MaintenancePartition() { return CursorPartition("maintenance"); }

Task<absl::StatusOr<storage::CommitResult>> CommitThere(storage::Store& store,
                                                        std::vector<storage::LeafDraft> drafts,
                                                        std::vector<storage::Mutation> batch) {
  storage::CommitRequest commit;
  commit.partition = MaintenancePartition();
  commit.leaves = std::move(drafts);
  commit.batch = std::move(batch);
  absl::StatusOr<storage::CommitResult> done = co_await store.Commit(std::move(commit));
  co_return done;
}

absl::Status Erasures::Load() {
  RETURN_IF_ERROR(LoadPending());
  RETURN_IF_ERROR(LoadAcknowledgements());
  ASSIGN_OR_RETURN(const auto applied, ReadMeta<audit::v1::StoredJournal>(store_, kJournalKey));
  if (journal_->kept() && applied.entries() > journal_->entries().size()) {
    return absl::FailedPreconditionError(
        "the erasure journal holds fewer erasures than this store knows of: put the whole file back");
  }
  for (const auto& [id, pending] : pending_) {
    if (journal_->Contains(id)) {
      journalled_.insert(id);
    }
  }
  return absl::OkStatus();
}

absl::Status Erasures::LoadPending() {
  std::string from;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                     store_.LogScan(LogTable::kMeta, kErasingPrefix, from, kScan));
    if (rows.empty()) {
      return absl::OkStatus();
    }
    for (const storage::Store::LogEntry& row : rows) {
      from = row.key + '\0';
      Pending pending;
      if (!pending.stored.ParseFromString(row.value)) {
        return absl::DataLossError("log: a meta row does not parse");
      }
      ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(pending.stored.erasure_id()));
      ASSIGN_OR_RETURN(const std::vector<Subject> subjects, SubjectsOf(pending.stored));
      if (AskedIds(pending.stored).size() != 1 + static_cast<size_t>(pending.stored.asked_as_size())) {
        return absl::DataLossError("log: an erasure has an id that is none");
      }
      for (const Subject& subject : subjects) {
        log_.keys().Freeze(subject);
      }
      NoteAsked(id, pending.stored);
      pending_.emplace(id, std::move(pending));
    }
  }
}

absl::Status Erasures::LoadAcknowledgements() {
  std::string next;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, store_.Scan(MaintenancePartition(), kAckPrefix, next, kScan));
    for (const storage::KeyedEntry& row : page.entries) {
      const std::string_view rest = std::string_view(row.key).substr(kAckPrefix.size());
      ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(rest.substr(0, Id128::kSize)));
      if (Pending* const pending = FindAsked(id); pending != nullptr) {
        pending->acknowledged[id].insert(std::string(rest.substr(Id128::kSize + 1)));
      }
    }
    next = page.next;
  } while (!next.empty());
  return absl::OkStatus();
}

Task<absl::StatusOr<storage::CommitResult>> Erasures::Request(ErasureRequest request, Event event,
                                                              storage::CommitRequest commit) {
  if (request.subjects.empty()) {
    co_return absl::InvalidArgumentError("an erasure has a subject");
  }
  Pending pending;
  pending.stored.set_erasure_id(request.id.ToBytes());
  pending.stored.set_cause(request.cause);
  pending.stored.set_requested(absl::ToUnixMicros(log_.Now()));
  CO_RETURN_IF_ERROR(AddLeaves(request, std::move(event), pending.stored, commit));
  commit.leaves.back().rows.push_back(MetaRow(ErasingKey(request.id), pending.stored));
  // Before the commit: once it is durable nothing more is written about them, and whoever follows this log
  // may acknowledge.
  pending.committed = false;
  if (!Enter(request.id, std::move(pending))) {
    co_return absl::AbortedError("this erasure is being asked for at the same time");
  }
  absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  if (!done.ok()) {
    Withdraw(request.id);
    co_return done;
  }
  std::lock_guard lock(mu_);
  pending_[request.id].committed = true;
  co_return done;
}

// One leaf about each subject, and who they are. Of several persons whoever follows this log has to erase
// every one: with one id for all it would take the second leaf for a repetition of the first. The event id is
// the erasure's in all: they are one act.
absl::Status Erasures::AddLeaves(const ErasureRequest& request, Event event, audit::v1::StoredErasure& stored,
                                 storage::CommitRequest& commit) {
  event.event_class = audit::v1::EVENT_CLASS_ERASE_REQUESTED;
  event.event_id = request.id;
  audit::v1::EraseRequested payload;
  payload.set_cause(request.cause);
  const std::string author = event.institution;
  bool another = false;
  for (const Subject& subject : request.subjects) {
    stored.add_subjects(subject.Encode());
    Id128 asked = request.id;
    if (subject.kind == Subject::Kind::kPerson && std::exchange(another, true)) {
      asked = random_.Id();
      stored.add_asked_as(asked.ToBytes());
    }
    payload.set_erasure_id(asked.ToHex());
    event.details.mutable_payload()->PackFrom(payload);
    const bool unknown =
        std::find(request.unknown.begin(), request.unknown.end(), subject) != request.unknown.end();
    event.institution = unknown ? own_event_(event.event_class).institution : author;
    event.subject = subject;
    ASSIGN_OR_RETURN(storage::LeafDraft draft, log_.Draft(event));
    commit.leaves.push_back(std::move(draft));
  }
  return absl::OkStatus();
}

// Freezes nobody where it is under way already: whose erasure that is, is frozen by it.
bool Erasures::Enter(const Id128& id, Pending pending) {
  std::lock_guard lock(mu_);
  const auto [entered, fresh] = pending_.emplace(id, std::move(pending));
  if (!fresh) {
    return false;
  }
  for (const std::string& subject : entered->second.stored.subjects()) {
    log_.keys().Freeze(*Subject::Decode(subject));
  }
  NoteAsked(id, entered->second.stored);
  return true;
}

// The caller of these three holds the lock, or is Load.
void Erasures::NoteAsked(const Id128& id, const audit::v1::StoredErasure& stored) {
  for (const Id128& asked : AskedIds(stored)) {
    if (asked != id) {
      asked_as_[asked] = id;
    }
  }
}

void Erasures::ForgetAsked(const audit::v1::StoredErasure& stored) {
  for (const Id128& asked : AskedIds(stored)) {
    asked_as_.erase(asked);
  }
}

Erasures::Pending* Erasures::FindAsked(const Id128& asked) {
  const auto other = asked_as_.find(asked);
  const auto it = pending_.find(other == asked_as_.end() ? asked : other->second);
  return it == pending_.end() ? nullptr : &it->second;
}

// Its subjects may be those of another erasure that is under way.
void Erasures::Withdraw(const Id128& id) {
  std::lock_guard lock(mu_);
  const Pending withdrawn = std::move(pending_[id]);
  pending_.erase(id);
  ForgetAsked(withdrawn.stored);
  std::set<std::string> frozen;
  for (const auto& [other, pending] : pending_) {
    frozen.insert(pending.stored.subjects().begin(), pending.stored.subjects().end());
  }
  for (const std::string& subject : withdrawn.stored.subjects()) {
    if (!frozen.contains(subject)) {
      log_.keys().Unfreeze(*Subject::Decode(subject));
    }
  }
}

Task<absl::Status> Erasures::AcknowledgedBy(Id128 asked, std::string service) {
  {
    std::lock_guard lock(mu_);
    Pending* const pending = FindAsked(asked);
    if (pending == nullptr || pending->acknowledged[asked].contains(service)) {
      co_return absl::OkStatus();
    }
  }
  std::vector<storage::Mutation> batch;
  batch.push_back({AckKey(asked, service), std::string()});
  std::vector<storage::LeafDraft> none;
  const absl::StatusOr<storage::CommitResult> noted =
      co_await CommitThere(store_, std::move(none), std::move(batch));
  CO_RETURN_IF_ERROR(noted.status());
  std::lock_guard lock(mu_);
  if (Pending* const pending = FindAsked(asked); pending != nullptr) {
    pending->acknowledged[asked].insert(std::move(service));
  }
  co_return absl::OkStatus();
}

absl::StatusOr<bool> Erasures::Knows(const Id128& erasure) const {
  {
    std::lock_guard lock(mu_);
    if (const auto it = pending_.find(erasure); it != pending_.end()) {
      return it->second.committed;
    }
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store_.LogGet(LogTable::kMeta, ErasedKey(erasure)));
  return row.has_value();
}

absl::StatusOr<Maintenance::Certificate> Erasures::Find(const Id128& erasure) const {
  Maintenance::Certificate certificate;
  {
    std::lock_guard lock(mu_);
    if (const auto it = pending_.find(erasure); it != pending_.end() && it->second.committed) {
      certificate.stored = it->second.stored;
      certificate.stored.clear_subjects();
      certificate.waiting_for = WaitingFor(it->second);
      return certificate;
    }
  }
  ASSIGN_OR_RETURN(certificate.stored, ReadMeta<audit::v1::StoredErasure>(store_, ErasedKey(erasure)));
  if (certificate.stored.erasure_id().empty()) {
    return absl::NotFoundError("no such erasure");
  }
  return certificate;
}

std::vector<MaintenanceStatus::Pending> Erasures::pending() const {
  std::vector<MaintenanceStatus::Pending> list;
  {
    std::lock_guard lock(mu_);
    for (const auto& [id, pending] : pending_) {
      if (!pending.committed) {
        continue;
      }
      list.push_back({id, absl::FromUnixMicros(pending.stored.requested()), WaitingFor(pending)});
    }
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.requested < b.requested; });
  return list;
}

// The caller holds the lock.
std::vector<std::string> Erasures::WaitingFor(const Pending& pending) const {
  if (pending.stored.destroyed() != 0 || pending.stored.cause() == kRestored) {
    return {};
  }
  std::set<std::string> waiting;
  for (const Id128& asked : AskedIds(pending.stored)) {
    const auto said = pending.acknowledged.find(asked);
    for (const std::string& service : options_.wait_for) {
      if (said == pending.acknowledged.end() || !said->second.contains(service)) {
        waiting.insert(service);
      }
    }
  }
  return {waiting.begin(), waiting.end()};
}

audit::v1::StoredErasure Erasures::StoredOf(const Id128& id) const {
  std::lock_guard lock(mu_);
  const auto it = pending_.find(id);
  return it == pending_.end() ? audit::v1::StoredErasure() : it->second.stored;
}

Task<absl::Status> Erasures::RunReady() {
  std::vector<std::pair<int64_t, Id128>> ready;
  {
    std::lock_guard lock(mu_);
    for (const auto& [id, pending] : pending_) {
      if (pending.committed && (journalled_.contains(id) || WaitingFor(pending).empty())) {
        ready.emplace_back(pending.stored.requested(), id);
      }
    }
  }
  std::sort(ready.begin(), ready.end());
  absl::Status first;
  for (const auto& [requested, id] : ready) {
    const absl::Status status = co_await EraseOne(id);
    first.Update(status);
  }
  co_return first;
}

Task<absl::Status> Erasures::EraseOne(Id128 id) {
  const audit::v1::StoredErasure stored = StoredOf(id);
  CO_ASSIGN_OR_RETURN(const std::vector<Subject> subjects, SubjectsOf(stored));
  if (stored.destroyed() == 0) {
    const absl::Status kept = co_await KeepHeld(id, subjects);
    CO_RETURN_IF_ERROR(kept);
    const absl::Status emptied = co_await EraseStates(subjects);
    CO_RETURN_IF_ERROR(emptied);
    // A leaf that was under way when the subjects were frozen.
    const absl::Status kept_since = co_await KeepHeld(id, subjects);
    CO_RETURN_IF_ERROR(kept_since);
    CO_RETURN_IF_ERROR(journal_->Append(id, subjects));
    const absl::Status destroyed = co_await DestroyKeys(id, subjects);
    CO_RETURN_IF_ERROR(destroyed);
  }
  const absl::Status swept = co_await Sweep(subjects);
  CO_RETURN_IF_ERROR(swept);
  if (keeper_ != nullptr && stored.cause() != kRestored) {
    const absl::Status told = co_await keeper_->Acknowledge(id);
    CO_RETURN_IF_ERROR(told);
  }
  const absl::Status forgotten = co_await Forget(id);
  co_return forgotten;
}

// What a legal hold covers is copied under its own key before anything of theirs goes (D-2.10).
Task<absl::Status> Erasures::KeepHeld(Id128 id, std::vector<Subject> subjects) {
  const absl::StatusOr<std::vector<Id128>> holds = co_await holds_.CopyOf(std::move(subjects));
  CO_RETURN_IF_ERROR(holds.status());
  std::lock_guard lock(mu_);
  auto& kept = *pending_[id].stored.mutable_holds();
  for (const Id128& hold : *holds) {
    if (std::find(kept.begin(), kept.end(), hold.ToBytes()) == kept.end()) {
      *kept.Add() = hold.ToBytes();
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Erasures::EraseStates(std::vector<Subject> subjects) {
  if (keeper_ == nullptr) {
    co_return absl::OkStatus();
  }
  for (const Subject& subject : subjects) {
    const absl::Status emptied = co_await keeper_->EraseState(subject);
    CO_RETURN_IF_ERROR(emptied);
  }
  co_return absl::OkStatus();
}

// The instant at which nobody can open their leaves in this store any more.
Task<absl::Status> Erasures::DestroyKeys(Id128 id, std::vector<Subject> subjects) {
  audit::v1::StoredErasure stored = StoredOf(id);
  stored.set_destroyed(absl::ToUnixMicros(log_.Now()));
  stored.set_log_size(log_.state().size);
  stored.set_epoch(log_.keys().epoch());
  audit::v1::Erased payload;
  payload.set_erasure_id(id.ToHex());
  if (stored.requested() != 0) {
    SetInstant(stored.requested(), *payload.mutable_requested());
  }
  SetInstant(stored.destroyed(), *payload.mutable_destroyed());
  for (const std::string& hold : stored.holds()) {
    CO_ASSIGN_OR_RETURN(const Id128 hold_id, Id128::FromBytes(hold));
    payload.add_hold_ids(hold_id.ToHex());
  }
  Event event = own_event_(audit::v1::EVENT_CLASS_ERASED);
  event.event_id = id;
  event.details.mutable_payload()->PackFrom(payload);
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, log_.Draft(event));
  for (const Subject& subject : subjects) {
    draft.rows.push_back(SubjectKeys::TombstoneRow(subject));
  }
  draft.rows.push_back(MetaRow(ErasingKey(id), stored));
  CO_ASSIGN_OR_RETURN(auto applied, ReadMeta<audit::v1::StoredJournal>(store_, kJournalKey));
  // In a restored store entries before this one may still have to be made: Reapply counts those.
  if (journal_->kept() && applied.entries() + subjects.size() == journal_->entries().size()) {
    applied.set_entries(journal_->entries().size());
    draft.rows.push_back(MetaRow(std::string(kJournalKey), applied));
  }
  std::vector<storage::LeafDraft> drafts;
  drafts.push_back(std::move(draft));
  const absl::StatusOr<storage::CommitResult> done = co_await CommitThere(store_, std::move(drafts));
  CO_RETURN_IF_ERROR(done.status());
  ++destroyed_;
  stored.set_erased_leaf(done->leaves.first + 1);
  std::lock_guard lock(mu_);
  pending_[id].stored = std::move(stored);
  co_return absl::OkStatus();
}

Task<absl::Status> Erasures::Sweep(std::vector<Subject> subjects) {
  for (const Subject& subject : subjects) {
    for (;;) {
      CO_ASSIGN_OR_RETURN(std::vector<storage::LogRow> rows, log_.keys().EraseRows(subject));
      if (rows.empty()) {
        break;
      }
      std::vector<storage::LeafDraft> drafts = Rows(std::move(rows));
      const absl::StatusOr<storage::CommitResult> done = co_await CommitThere(store_, std::move(drafts));
      CO_RETURN_IF_ERROR(done.status());
    }
  }
  // What was under way when the subjects were frozen.
  const absl::Status emptied = co_await EraseStates(std::move(subjects));
  co_return emptied;
}

Task<absl::Status> Erasures::Forget(Id128 id) {
  audit::v1::StoredErasure stored = StoredOf(id);
  if (stored.erased_leaf() == 0) {
    CO_ASSIGN_OR_RETURN(const uint64_t index,
                        FindLeaf(log_, stored.log_size(), audit::v1::EVENT_CLASS_ERASED, id));
    stored.set_erased_leaf(index + 1);
  }
  std::vector<storage::Mutation> batch;
  for (const Id128& asked : AskedIds(stored)) {
    for (const std::string& service : options_.wait_for) {
      batch.push_back({AckKey(asked, service), std::nullopt});
    }
  }
  const audit::v1::StoredErasure asked = stored;
  stored.clear_subjects();
  stored.clear_asked_as();  // how many they were is nobody's to know
  std::vector<storage::LogRow> rows;
  rows.push_back(MetaRow(ErasingKey(id), std::nullopt));
  rows.push_back(MetaRow(ErasedKey(id), stored));
  std::vector<storage::LeafDraft> drafts = Rows(std::move(rows));
  const absl::StatusOr<storage::CommitResult> done =
      co_await CommitThere(store_, std::move(drafts), std::move(batch));
  CO_RETURN_IF_ERROR(done.status());
  std::lock_guard lock(mu_);
  pending_.erase(id);
  ForgetAsked(asked);
  journalled_.erase(id);
  co_return absl::OkStatus();
}

}  // namespace relais::audit::internal
