#include "services/consent/keeper.h"

#include <algorithm>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/passed_over.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "services/consent/contacts.h"
#include "services/consent/convert.h"
#include "services/consent/duties.h"
#include "services/consent/expiries.h"
#include "services/consent/handlers/erasure_handlers.h"
#include "services/consent/handlers/leaving_erased.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/matches.h"
#include "services/consent/handlers/objection_records.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/rights_rows.h"

namespace relais::consent {
namespace {

constexpr size_t kPageSize = 500;
constexpr size_t kPersonsPerStep = 100;
constexpr size_t kBucketsPerStep = 500;
constexpr char kPersonRule[] = "PERSON_WITHOUT_CONTACT";
constexpr char kObjectionRule[] = "OBJECTION_DIGEST";
constexpr char kAgreementRule[] = "AGREEMENT_PROOF";

}  // namespace

// ---- erasure

Task<absl::Status> Keeper::EraseState(audit::Subject subject) {
  if (subject.kind != audit::Subject::Kind::kPerson) {
    co_return absl::OkStatus();  // nothing but leaves
  }
  co_await ResumeOn(registry_.context.executor);
  const absl::Status parted = co_await PartFromErased(registry_.files(), subject.id);
  CO_RETURN_IF_ERROR(parted);
  const storage::Partition partition = PersonPartition(subject.id);
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page,
                        registry_.context.store.Scan(partition, kRecordPrefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      v1::StoredRecord record;
      const absl::Status opened = registry_.store.OpenFrozen(subject.id, row.key, row.entry.value, record);
      if (absl::IsNotFound(opened)) {
        continue;  // her key is gone: this row came while she was being erased, and made no claim
      }
      CO_RETURN_IF_ERROR(opened);
      const std::string institution = row.key.substr(kRecordPrefix.size());
      const absl::Status unclaimed = co_await Unclaim(subject.id, institution, record);
      CO_RETURN_IF_ERROR(unclaimed);
      const absl::Status unlinked = co_await UnlinkAll(subject.id, institution, record);
      CO_RETURN_IF_ERROR(unlinked);
    }
    from = page.next;
  } while (!from.empty());
  const absl::Status unlinked = co_await UnlinkObjections(subject.id);
  CO_RETURN_IF_ERROR(unlinked);
  const absl::Status unmatched = co_await ForgetMatches(registry_, subject.id);
  CO_RETURN_IF_ERROR(unmatched);
  const absl::Status links_forgotten = co_await ForgetLinks(registry_, subject.id);
  CO_RETURN_IF_ERROR(links_forgotten);
  const absl::Status unowed = co_await ForgetDuties(registry_, subject.id);
  CO_RETURN_IF_ERROR(unowed);
  if (registry_.context.log.keys().Frozen(subject)) {  // later she has no agreement that could end
    const absl::Status forgotten = co_await ForgetEnds(registry_.context, subject.id);
    CO_RETURN_IF_ERROR(forgotten);
    const absl::Status not_due = co_await ForgetAllDue(registry_, subject.id);
    CO_RETURN_IF_ERROR(not_due);
  }
  const absl::Status emptied = co_await storage::EmptyPartition(registry_.context.store, partition, "");
  registry_.store.cache().Forget(subject.id);
  co_return emptied;
}

// Only if the name is hers: one that was registered again since is somebody new's.
Task<absl::Status> Keeper::Unclaim(Id128 person, std::string institution, v1::StoredRecord record) {
  for (const std::string& identifier : record.more_identifiers()) {
    const storage::Partition name = registry_.store.OwnIdentifierBucket(institution, identifier);
    CO_ASSIGN_OR_RETURN(std::optional<storage::CommitRequest> free, registry_.store.Unclaim(name, person));
    if (free) {
      const absl::StatusOr<storage::CommitResult> gone =
          co_await registry_.context.store.Commit(*std::move(free));
      CO_RETURN_IF_ERROR(gone.status());
    }
  }
  const bool own = !record.own_identifier().empty();
  const storage::Partition bucket =
      own ? registry_.store.OwnIdentifierBucket(institution, record.own_identifier())
          : registry_.store.SenderRecordBucket(institution, record.sender_record());
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                      registry_.context.store.Get(bucket, kClaimKey));
  v1::PersonClaim claim;
  if (!entry || !claim.ParseFromString(entry->value) || claim.person_id() != person.ToBytes()) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  commit.partition = bucket;
  commit.preconditions.push_back({std::string(kClaimKey), entry->version});
  std::optional<std::string> left;
  if (!own) {
    left = v1::PersonClaim().SerializeAsString();
  }
  commit.batch.push_back({std::string(kClaimKey), std::move(left)});
  const absl::StatusOr<storage::CommitResult> done =
      co_await registry_.context.store.Commit(std::move(commit));
  co_return done.status();
}

Task<absl::Status> Keeper::UnlinkAll(Id128 person, std::string institution, v1::StoredRecord record) {
  const std::shared_ptr<const directory::Directory> directory = registry_.context.directory();
  CO_ASSIGN_OR_RETURN(std::vector<RecordName> records,
                      RecordsOfTraits(registry_, *directory, institution, record.traits()));
  for (const v1::LinkedRecord& before : record.linked_before()) {
    records.push_back({before.supplier(), before.key_version(), before.digest()});
  }
  for (const RecordName& name : records) {
    const absl::Status unlinked = co_await UnlinkPerson(registry_, person, name);
    CO_RETURN_IF_ERROR(unlinked);
  }
  co_return absl::OkStatus();
}

// Those that were linked otherwise: a desk named her with the record, or a supplier has left the directory.
Task<absl::Status> Keeper::UnlinkObjections(Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                      registry_.context.store.Get(PersonPartition(person), kStateKey));
  v1::StoredPerson stored;
  if (!entry) {
    co_return absl::OkStatus();
  }
  const absl::Status opened = registry_.store.OpenFrozen(person, kStateKey, entry->value, stored);
  if (absl::IsNotFound(opened)) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(opened);
  for (const v1::StoredObjection& objection : stored.objections()) {
    if (objection.digest().empty()) {
      continue;
    }
    RecordName name{objection.supplier(), objection.key_version(), objection.digest()};
    if (!objection.of().empty()) {  // said under the name of somebody linked to her
      CO_ASSIGN_OR_RETURN(const Id128 of, Id128::FromBytes(objection.of()));
      const absl::Status theirs = co_await UnlinkPerson(registry_, of, name);
      CO_RETURN_IF_ERROR(theirs);
    }
    const absl::Status unlinked = co_await UnlinkPerson(registry_, person, std::move(name));
    CO_RETURN_IF_ERROR(unlinked);
  }
  co_return absl::OkStatus();
}

// ---- retention (D-2.10)

Task<absl::StatusOr<bool>> Keeper::Sweep() {
  co_await ResumeOn(registry_.context.executor);
  if (stage_ == Stage::kPersons) {
    absl::StatusOr<bool> more = co_await SweepPersons();
    co_return more;
  }
  absl::StatusOr<bool> more = co_await SweepObjections();
  co_return more;
}

// Whoever met one of those who are one human met her. What the vault's log says since counts too: while it is
// not known, nobody is due.
absl::StatusOr<bool> Keeper::IsDue(const std::vector<Id128>& group, absl::Time now) const {
  if (!vault_followed_()) {
    return false;
  }
  for (const Id128& name : group) {
    ASSIGN_OR_RETURN(const absl::Time met, LastContact(registry_, name));
    if (!PersonDue(met, now, rules_)) {
      return false;
    }
    ASSIGN_OR_RETURN(const bool helped, HasReferent(registry_, name));
    if (helped) {
      return false;
    }
  }
  return true;
}

// Between the judgement and the request she may be linked to somebody who was met: the request judges again
// whom it is about.
Task<absl::Status> Keeper::SweepPerson(Id128 person, absl::Time now) {
  if (registry_.context.log.keys().Frozen(PersonSubject(person))) {
    co_return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<Id128>> group = registry_.store.GroupOf(person);
  if (absl::IsNotFound(group.status())) {
    co_return absl::OkStatus();  // there is nobody
  }
  CO_RETURN_IF_ERROR(group.status());
  CO_ASSIGN_OR_RETURN(const bool due, IsDue(*group, now));
  if (!due) {
    const absl::Status swept = co_await SweepAgreements(person, now);
    co_return swept;
  }
  audit::Event event;
  event.institution = "service/consent";
  event.directory_version = registry_.context.directory()->version();
  const StillErase still_due = [this, now](const std::vector<Id128>& names) { return IsDue(names, now); };
  const absl::StatusOr<storage::LeafRange> begun = co_await BeginErasure(
      registry_, registry_.context.random.Id(), person, "RETENTION", std::move(event), still_due);
  if (begun.ok()) {
    ++purged_;
    co_return absl::OkStatus();
  }
  const bool none = absl::IsNotFound(begun.status()) || audit::IsErased(begun.status()) ||
                    absl::IsCancelled(begun.status());
  co_return none ? absl::OkStatus() : begun.status();
}

// Who does not read, and what begins nobody's rows for a stretch, keeps nobody else: it is not due.
Task<absl::StatusOr<bool>> Keeper::SweepPersons() {
  CO_ASSIGN_OR_RETURN(const storage::SalvagedPartitions persons,
                      storage::SalvagePartitions(registry_.context.store, storage::PartitionKind::kPerson,
                                                 from_, kPersonsPerStep));
  audit::PassedOver(persons.gaps.size());
  const absl::Time now = registry_.context.log.Now();
  for (const storage::Partition& partition : persons.partitions) {
    from_ = storage::NextId(partition.id);
    const absl::Status swept = co_await SweepPerson(partition.id, now);
    if (audit::DoesNotRead(swept)) {
      audit::PassedOver(1);
      continue;
    }
    CO_RETURN_IF_ERROR(swept);
  }
  if (persons.next.has_value()) {
    from_ = *persons.next;
    co_return true;
  }
  const absl::CivilMonth due = absl::ToCivilMonth(now, absl::UTCTimeZone()) - rules_.person_months;
  const absl::Status said = co_await registry_.context.maintenance->Purged(
      kPersonRule, absl::FromCivil(due, absl::UTCTimeZone()), std::exchange(purged_, 0));
  CO_RETURN_IF_ERROR(said);
  const absl::Status agreements_said = co_await registry_.context.maintenance->Purged(
      kAgreementRule, AgreementsDueBefore(now, rules_), std::exchange(purged_agreements_, 0));
  CO_RETURN_IF_ERROR(agreements_said);
  stage_ = Stage::kObjections;
  from_ = Id128();
  co_return true;
}

// The texts in the partitions of those whose histories are frozen, which decide on nothing: no version guards
// them, and what is due here stays due where a split puts it.
Task<absl::Status> Keeper::SweepFrozenProofs(std::vector<Proof> proofs) {
  for (const Proof& proof : proofs) {
    const storage::Partition partition = PersonPartition(proof.name);
    const std::string key = ConsentKey(proof.consent);
    CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> text,
                        registry_.context.store.Get(partition, key));
    if (!text.has_value()) {
      continue;
    }
    storage::CommitRequest commit;
    commit.partition = partition;
    commit.preconditions.push_back({key, text->version});
    commit.batch.push_back({key, std::nullopt});
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry_.context.store.Commit(std::move(commit));
    if (absl::IsAborted(done.status())) {
      continue;  // written meanwhile: the next sweep
    }
    CO_RETURN_IF_ERROR(done.status());
    ++purged_agreements_;
  }
  co_return absl::OkStatus();
}

// The whole agreement goes: who collected it, the notice, the evidence. Of what decides on her only an
// agreement that still does stays (D-2.6.2): its lines and instants.
Task<absl::Status> Keeper::SweepAgreements(Id128 person, absl::Time now) {
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(registry_.context.directory());
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    const absl::StatusOr<VersionedState> loaded = registry_.store.LoadFresh(person);
    if (absl::IsNotFound(loaded.status())) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(loaded.status());
    if (loaded->RootFor(person) != person) {
      co_return absl::OkStatus();  // frozen: with the one she is linked to
    }
    const PersonState& state = *loaded->state;
    storage::CommitRequest commit;
    uint64_t purged = 0;
    std::vector<Id128> forgotten;
    std::vector<Proof> elsewhere;
    // Of one who has others the history forgets nothing: the copy of a frozen act says what became of it.
    const bool may_forget = !state.HasLinked();
    for (const Agreement& agreement : state.agreements()) {
      if (!AgreementProofDue(EndOfAgreement(state, agreement, *rules), now, rules_)) {
        continue;
      }
      const Id128 name = agreement.origin.of.IsZero() ? person : agreement.origin.of;
      if (name != person) {
        elsewhere.push_back({name, agreement.id});
      }
      if (agreement.origin.frozen) {
        continue;  // her history stays as it is
      }
      const std::string key = RowKey(person, name, ConsentKey(agreement.id));
      CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> proof,
                          registry_.context.store.Get(PersonPartition(person), key));
      if (proof.has_value()) {
        commit.batch.push_back({key, std::nullopt});
        ++purged;
      }
      if (may_forget && !StillDecides(state, agreement, *rules)) {
        forgotten.push_back(agreement.id);
      }
    }
    const absl::Status swept = co_await SweepFrozenProofs(std::move(elsewhere));
    CO_RETURN_IF_ERROR(swept);
    if (purged == 0 && forgotten.empty()) {
      co_return absl::OkStatus();
    }
    PersonState left = state;
    left.Forget(forgotten);
    commit.partition = PersonPartition(person);
    commit.preconditions.push_back({std::string(kStateKey), loaded->version});
    CO_ASSIGN_OR_RETURN(storage::Mutation mutation,
                        registry_.store.WriteState(person, left, Store::Room::kLinks));
    commit.batch.push_back(std::move(mutation));
    PersonCache::Writing writing(registry_.store.cache(), person);
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry_.context.store.Commit(std::move(commit));
    if (done.ok()) {
      writing.Committed({std::make_shared<const PersonState>(left), done->version});
      purged_agreements_ += purged;
      co_return absl::OkStatus();
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::OkStatus();  // she is busy: the next sweep
}

// True: it was purged. What is left says nothing but how many changes there were, and only while persons are
// linked to it, whose states count on that number.
Task<absl::StatusOr<bool>> Keeper::PurgeObjection(storage::Partition bucket, absl::Time now) {
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                      registry_.context.store.Get(bucket, kStateKey));
  v1::ObjectionOnRecord objection;
  if (!entry || !objection.ParseFromString(entry->value) ||
      !ObjectionDigestDue(FromMicros(objection.kept_until()), now)) {
    co_return false;
  }
  storage::CommitRequest commit;
  commit.partition = bucket;
  commit.preconditions.push_back({std::string(kStateKey), entry->version});
  CO_ASSIGN_OR_RETURN(const storage::Page linked, registry_.context.store.Scan(bucket, kPersonPrefix, "", 1));
  std::optional<std::string> left;
  if (!linked.entries.empty()) {
    v1::ObjectionOnRecord nothing;
    nothing.set_generation(objection.generation());
    left = nothing.SerializeAsString();
  }
  commit.batch.push_back({std::string(kStateKey), std::move(left)});
  CO_ASSIGN_OR_RETURN(const storage::Page events, registry_.context.store.Scan(bucket, "e/", "", kPageSize));
  for (const storage::KeyedEntry& row : events.entries) {
    commit.batch.push_back({row.key, std::nullopt});
  }
  const absl::StatusOr<storage::CommitResult> done =
      co_await registry_.context.store.Commit(std::move(commit));
  if (absl::IsAborted(done.status())) {
    co_return false;  // renewed just now
  }
  CO_RETURN_IF_ERROR(done.status());
  co_return true;
}

Task<absl::StatusOr<bool>> Keeper::SweepObjections() {
  CO_ASSIGN_OR_RETURN(
      const storage::SalvagedPartitions buckets,
      storage::SalvagePartitions(registry_.context.store, storage::PartitionKind::kIndexBucket, from_,
                                 kBucketsPerStep));
  audit::PassedOver(buckets.gaps.size());
  const absl::Time now = registry_.context.log.Now();
  for (const storage::Partition& bucket : buckets.partitions) {
    from_ = storage::NextId(bucket.id);
    const absl::StatusOr<bool> purged = co_await PurgeObjection(bucket, now);
    if (audit::DoesNotRead(purged.status())) {
      audit::PassedOver(1);
      continue;
    }
    CO_RETURN_IF_ERROR(purged.status());
    purged_ += *purged ? 1 : 0;
  }
  if (buckets.next.has_value()) {
    from_ = *buckets.next;
    co_return true;
  }
  const absl::Status said =
      co_await registry_.context.maintenance->Purged(kObjectionRule, now, std::exchange(purged_, 0));
  CO_RETURN_IF_ERROR(said);
  stage_ = Stage::kPersons;
  from_ = Id128();
  co_return false;
}

}  // namespace relais::consent
