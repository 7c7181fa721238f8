#include "services/consent/handlers/objection_records.h"

#include <utility>

#include "common/base/status.h"
#include "common/identity/record_key.h"
#include "common/text/normalize.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

using MaybeLeaves = absl::StatusOr<std::optional<storage::LeafRange>>;

constexpr size_t kPageSize = 500;

// A record's bucket as it is: its version, and whether an act was already made there.
struct Bucket {
  v1::ObjectionOnRecord state;
  std::optional<uint64_t> version;

  [[nodiscard]] bool Binds(absl::Time now) const {
    return version && state.lifted() == 0 && now < FromMicros(state.kept_until());
  }
};

// At which suppliers an institution's own record of a person can stand.
std::vector<std::string> SuppliersFor(const directory::Directory& directory, const std::string& institution) {
  return IsSupplier(directory, institution) ? std::vector<std::string>{institution} : SuppliersOf(directory);
}

absl::StatusOr<Bucket> ReadBucket(const storage::Store& store, const storage::Partition& partition) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, store.Get(partition, kStateKey));
  Bucket bucket;
  if (!entry) {
    return bucket;
  }
  if (!bucket.state.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored objection does not parse");
  }
  bucket.version = entry->version;
  return bucket;
}

absl::StatusOr<std::optional<uint64_t>> GenerationOf(const storage::Store& store,
                                                     const storage::Partition& partition,
                                                     const Id128& event) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, store.Get(partition, EventRow(event)));
  if (!entry) {
    return std::optional<uint64_t>();
  }
  v1::EventApplied applied;
  if (!applied.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored event does not parse");
  }
  return std::optional(applied.generation());
}

absl::StatusOr<std::vector<Id128>> LinkedPersons(const storage::Store& store,
                                                 const storage::Partition& partition) {
  std::vector<Id128> persons;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, store.Scan(partition, kPersonPrefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      ASSIGN_OR_RETURN(const Id128 person,
                       Id128::FromBytes(std::string_view(row.key).substr(kPersonPrefix.size())));
      persons.push_back(person);
    }
    from = page.next;
  } while (!from.empty());
  return persons;
}

audit::Event EventFor(const RecordName& record, const ObjectionChange& change) {
  audit::Event event = change.event;
  if (change.lift) {
    v1::ObjectionLifted payload;
    payload.set_supplier(record.supplier);
    payload.set_digest(record.digest);
    payload.set_key_version(record.key_version);
    event.details.mutable_payload()->PackFrom(payload);
  } else {
    v1::ObjectionRecorded payload;
    payload.set_supplier(record.supplier);
    payload.set_digest(record.digest);
    payload.set_key_version(record.key_version);
    *payload.mutable_kept_until() = TimeTo(change.kept_until);
    payload.set_from_feed(change.from_feed);
    event.details.mutable_payload()->PackFrom(payload);
  }
  return event;
}

absl::StatusOr<storage::CommitRequest> BucketCommit(Registry& registry, const storage::Partition& partition,
                                                    const Bucket& bucket, const RecordName& record,
                                                    const ObjectionChange& change) {
  v1::ObjectionOnRecord state = bucket.state;
  const absl::Time now = registry.context.log.Now();
  state.set_generation(state.generation() + 1);
  if (change.lift) {
    state.set_lifted(Micros(now));
  } else {
    if (!bucket.Binds(now)) {
      state.set_recorded(Micros(now));
    }
    state.set_kept_until(Micros(change.kept_until));
    state.set_lifted(0);
  }
  v1::EventApplied applied;
  applied.set_generation(state.generation());
  storage::CommitRequest commit;
  commit.partition = partition;
  commit.preconditions.push_back({std::string(kStateKey), bucket.version});
  commit.batch.push_back({std::string(kStateKey), state.SerializeAsString()});
  commit.batch.push_back({EventRow(change.event.event_id), applied.SerializeAsString()});
  if (change.person) {
    commit.batch.push_back({PersonRow(*change.person), std::string()});
  }
  ASSIGN_OR_RETURN(storage::LeafDraft leaf, registry.context.log.Draft(EventFor(record, change)));
  commit.leaves.push_back(std::move(leaf));
  return commit;
}

// The generation the act made in the bucket, now or before, and its leaf if now.
struct BucketChanged {
  uint64_t generation = 0;
  std::optional<storage::LeafRange> leaves;
};

Task<absl::StatusOr<BucketChanged>> ChangeBucket(Registry& registry, storage::Partition partition,
                                                 RecordName record, ObjectionChange change) {
  const storage::Store& store = registry.context.store;
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const Bucket bucket, ReadBucket(store, partition));
    CO_ASSIGN_OR_RETURN(const std::optional<uint64_t> made,
                        GenerationOf(store, partition, change.event.event_id));
    if (made) {
      co_return BucketChanged{*made, std::nullopt};
    }
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit,
                        BucketCommit(registry, partition, bucket, record, change));
    const absl::StatusOr<storage::CommitResult> result =
        co_await registry.context.store.Commit(std::move(commit));
    if (result.ok()) {
      co_return BucketChanged{bucket.state.generation() + 1, result->leaves};
    }
    if (!absl::IsAborted(result.status())) {
      co_return result.status();
    }
  }
  co_return TooContended();
}

PlanChange PlanFor(const RecordName& record, const ObjectionChange& change, uint64_t generation) {
  return [record, lift = change.lift, event = EventFor(record, change), generation](
             const PersonState& state, absl::Time instant) -> std::optional<PlannedChange> {
    PlannedChange planned{state, event, lift ? Store::Room::kEmergencies : Store::Room::kActs};
    const bool changed = lift ? planned.state.LiftRecord(record.supplier, record.key_version, record.digest,
                                                         generation, instant)
                              : planned.state.Record({record.supplier, record.key_version, record.digest,
                                                      generation, instant, std::nullopt});
    return changed ? std::optional(std::move(planned)) : std::nullopt;
  };
}

}  // namespace

Task<MaybeLeaves> ChangeRecord(Registry& registry, RecordName record, ObjectionChange change) {
  const storage::Partition partition = registry.store.ObjectionBucket(record);
  const absl::StatusOr<BucketChanged> changed = co_await ChangeBucket(registry, partition, record, change);
  if (!changed.ok()) {
    co_return changed.status();
  }
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> persons, LinkedPersons(registry.context.store, partition));
  std::vector<Task<MaybeLeaves>> changes;
  changes.reserve(persons.size());
  for (const Id128& person : persons) {
    ObjectionChange hers = change;
    CO_ASSIGN_OR_RETURN(const bool knows, HasRecord(registry.files(), person, change.event.institution));
    if (change.person != person && !knows) {
      hers.event = AsRegistrys(std::move(hers.event));
    }
    changes.push_back(ChangeState(registry.context, registry.store, person, "",
                                  PlanFor(record, hers, changed->generation)));
  }
  const std::vector<MaybeLeaves> results = co_await WhenAll(registry.context.executor, std::move(changes));
  for (const MaybeLeaves& result : results) {
    CO_RETURN_IF_ERROR(result.status());
  }
  co_return changed->leaves;
}

Task<MaybeLeaves> ChangeOwn(Registry& registry, Id128 person, std::string supplier, ObjectionChange change) {
  const std::string once = EventRow(change.event.event_id) + "/" + supplier;
  RecordName nothing;
  nothing.supplier = supplier;
  PlanChange plan = [supplier, lift = change.lift, event = EventFor(nothing, change)](
                        const PersonState& state, absl::Time instant) -> std::optional<PlannedChange> {
    PlannedChange planned{state, event, lift ? Store::Room::kEmergencies : Store::Room::kWholeNoes};
    if (lift) {
      planned.state.LiftOwn(supplier, instant);
    } else {
      planned.state.Record({supplier, 0, "", 0, instant, std::nullopt});
    }
    return planned;  // `once` keeps it from being said twice; said it is, even if nothing was to be lifted
  };
  MaybeLeaves leaves = co_await ChangeState(registry.context, registry.store, person, once, std::move(plan));
  co_return leaves;
}

Task<absl::Status> AttachRecord(Registry& registry, Id128 person, RecordName record, audit::Event event) {
  const storage::Store& store = registry.context.store;
  const storage::Partition partition = registry.store.ObjectionBucket(record);
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const Bucket bucket, ReadBucket(store, partition));
    // Written again where it is there, so that the time of a registration does not say it
    // (person_handlers.cc).
    storage::CommitRequest commit;
    commit.partition = partition;
    commit.preconditions.push_back({std::string(kStateKey), bucket.version});
    commit.batch.push_back({PersonRow(person), std::string()});
    const absl::StatusOr<storage::CommitResult> result =
        co_await registry.context.store.Commit(std::move(commit));
    if (absl::IsAborted(result.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(result.status());
    if (!bucket.Binds(registry.context.log.Now())) {
      co_return absl::OkStatus();
    }
    ObjectionChange change;
    change.kept_until = FromMicros(bucket.state.kept_until());
    change.event = std::move(event);
    change.event.event_id = registry.context.random.Id();
    const MaybeLeaves applied = co_await ChangeState(registry.context, registry.store, person, "",
                                                     PlanFor(record, change, bucket.state.generation()));
    co_return applied.status();
  }
  co_return TooContended();
}

Task<absl::Status> UnlinkPerson(Registry& registry, Id128 person, RecordName record) {
  const storage::Partition partition = registry.store.ObjectionBucket(record);
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> linked,
                      registry.context.store.Get(partition, PersonRow(person)));
  if (!linked) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  commit.partition = partition;
  commit.batch.push_back({PersonRow(person), std::nullopt});
  const absl::StatusOr<storage::CommitResult> result =
      co_await registry.context.store.Commit(std::move(commit));
  co_return result.status();
}

absl::StatusOr<std::vector<RecordName>> RecordsAt(const Registry& registry, const std::string& supplier,
                                                  const RecordText& text) {
  std::vector<RecordName> records;
  const absl::StatusOr<std::vector<identity::SuppressionKey>> keys =
      registry.context.suppression.All(supplier);
  if (absl::IsNotFound(keys.status())) {
    return records;
  }
  RETURN_IF_ERROR(keys.status());
  const std::string nom = text::NormalizeName(text.nom);
  const std::string prenoms = text::NormalizeName(text.prenoms);
  const std::string adresse = text::NormalizeAddress(text.adresse);
  const std::string code_postal = text::NormalizeName(text.code_postal);
  for (const identity::SuppressionKey& key : *keys) {
    records.push_back({supplier, key.version,
                       identity::RecordDigest(key.key, supplier, {nom, prenoms, adresse, code_postal})});
  }
  return records;
}

absl::StatusOr<std::vector<RecordName>> RecordsOfTraits(const Registry& registry,
                                                        const directory::Directory& directory,
                                                        const std::string& institution,
                                                        const v1::Traits& traits) {
  const RecordText text{traits.surname(), traits.first_names(), traits.address(), traits.postal_code()};
  std::vector<RecordName> records;
  if (!text.complete()) {
    return records;
  }
  for (const std::string& supplier : SuppliersFor(directory, institution)) {
    ASSIGN_OR_RETURN(const std::vector<RecordName> at, RecordsAt(registry, supplier, text));
    records.insert(records.end(), at.begin(), at.end());
  }
  return records;
}

absl::StatusOr<size_t> CountRecords(const Registry& registry, const directory::Directory& directory,
                                    const std::string& institution) {
  size_t count = 0;
  for (const std::string& supplier : SuppliersFor(directory, institution)) {
    ASSIGN_OR_RETURN(const std::vector<RecordName> at, RecordsAt(registry, supplier, RecordText()));
    count += at.size();
  }
  return count;
}

bool IsSupplier(const directory::Directory& directory, std::string_view institution) {
  const directory::Institution* found = directory.FindInstitution(institution);
  return found != nullptr && (found->kind == "ENERGY_SUPPLIER" || found->kind == "WATER_SUPPLIER");
}

std::vector<std::string> SuppliersOf(const directory::Directory& directory) {
  std::vector<std::string> suppliers;
  for (const directory::Institution& institution : directory.content().institutions) {
    if (IsSupplier(directory, institution.id)) {
      suppliers.push_back(institution.id);
    }
  }
  return suppliers;
}

}  // namespace relais::consent
