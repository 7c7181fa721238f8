#include "services/vault/rotation.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "services/vault/acts_of_nobody.h"
#include "services/vault/events.h"

namespace relais::vault {
namespace {

constexpr std::string_view kEpochRow = "epoch";
constexpr size_t kPersonsAtOnce = 50;
constexpr size_t kPersonsPerScan = 500;
constexpr int kMostPasses = 5;
constexpr absl::Duration kPoll = absl::Milliseconds(5);
constexpr absl::Duration kIdle = absl::Hours(1);
constexpr int kComeBacks = 5;  // to vaults that keep changing
constexpr absl::Duration kComeBackAfter = absl::Seconds(1);

bool UnderWay(const v1::StoredRotation& stored) {
  return !stored.rotation().rotation_id().empty() && !stored.rotation().has_ended();
}

// `next` of an epoch's rotation whose first pass has ended: the last id there can be.
Id128 AllCounted() { return Id128::FromBytes(std::string(Id128::kSize, '\xff')).value(); }

absl::Status Stopping() { return absl::UnavailableError("the service is stopping"); }

// Since when the epoch is in use: a row of its own, because the last rotation may have been of another level.
struct EpochRow {
  absl::Time since = absl::InfinitePast();
  uint32_t epoch = 0;
  std::optional<uint64_t> version;
};

absl::StatusOr<EpochRow> ReadEpochRow(const rpc::ServiceContext& context) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context.store.Get(Rotation::Bucket(context), kEpochRow));
  EpochRow row;
  if (!entry.has_value()) {
    return row;
  }
  v1::StoredRotation stored;
  if (!stored.ParseFromString(entry->value)) {
    return absl::DataLossError("a row of the vault's rotations cannot be read");
  }
  row.since = FromProto(stored.rotation().begun());
  row.epoch = stored.old();
  row.version = entry->version;
  return row;
}

void PutEpochRow(const EpochRow& row, storage::CommitRequest& commit) {
  v1::StoredRotation stored;
  *stored.mutable_rotation()->mutable_begun() = ToProto(row.since);
  stored.set_old(row.epoch);
  commit.preconditions.push_back({std::string(kEpochRow), row.version});
  commit.batch.push_back({std::string(kEpochRow), stored.SerializeAsString()});
}

// Whether anybody's papers have a key here.
absl::StatusOr<bool> AnyPersonKey(const VaultStore& store) {
  Id128 from;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<Id128> persons, store.Persons(from, kPersonsPerScan));
    for (const Id128& person : persons) {
      ASSIGN_OR_RETURN(const std::vector<WrappedPersonKey> keys, store.PersonKeys(person));
      if (!keys.empty()) {
        return true;
      }
      from = storage::NextId(person);
    }
    if (persons.size() < kPersonsPerScan || from.IsZero()) {
      return false;
    }
  }
}

absl::Status RingIsNotTheirs() {
  return absl::FailedPreconditionError(
      "the key ring is not the one of this store's papers: put back the ring, or its copy; a new one would "
      "lose every paper");
}

}  // namespace

// What is under way, as last saved.
struct Rotation::Progress {
  Stored<v1::StoredRotation> stored;
};

storage::Partition Rotation::Bucket(const rpc::ServiceContext& context) {
  return context.idempotency.Bucket("vault-rotation", "", "");
}

Rotation::Rotation(const Vault& vault)
    : vault_(vault), background_(vault.context.executor, [this] { return Turn(); }) {}

absl::Status Rotation::Prepare() {
  EpochKeys& epochs = vault_.keys.epochs();
  ASSIGN_OR_RETURN(const EpochRow row, ReadEpochRow(vault_.context));
  const absl::StatusOr<uint32_t> current = epochs.Current();
  if (current.ok()) {
    return *current < row.epoch ? RingIsNotTheirs() : absl::OkStatus();
  }
  if (!absl::IsNotFound(current.status())) {
    return current.status();
  }
  ASSIGN_OR_RETURN(const bool papers, AnyPersonKey(vault_.store));
  if (papers || row.epoch != 0) {
    return RingIsNotTheirs();
  }
  return epochs.Begin().status();
}

Task<bool> Rotation::Stop() {
  const bool stopped = co_await background_.Stop();
  co_return stopped;
}

absl::StatusOr<absl::Time> Rotation::EpochSince() const {
  ASSIGN_OR_RETURN(const EpochRow row, ReadEpochRow(vault_.context));
  ASSIGN_OR_RETURN(const Stored<v1::StoredRotation> stored, vault_.store.Rotation());
  ASSIGN_OR_RETURN(const uint32_t current, vault_.keys.epochs().Current());
  const bool new_one = UnderWay(stored.value) && stored.value.rotation().level() == v1::KEY_LEVEL_EPOCH &&
                       current > stored.value.old();
  return new_one ? FromProto(stored.value.rotation().begun()) : row.since;
}

// ---- beginning

Task<absl::StatusOr<Rotation::Begun>> Rotation::Begin(rpc::Call call, rpc::Actor actor,
                                                      std::string request_id, v1::KeyLevel level,
                                                      std::optional<rpc::Idempotency::Seen> seen) {
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredRotation> stored, vault_.store.Rotation());
  Begun begun;
  if (UnderWay(stored.value)) {
    begun.rotation = stored.value.rotation();
    co_return begun;
  }
  CO_ASSIGN_OR_RETURN(const uint32_t current, vault_.keys.epochs().Current());
  const absl::Time now = vault_.context.log.Now();
  stored.value.Clear();
  stored.value.set_old(level == v1::KEY_LEVEL_EPOCH ? current : 0);
  v1::Rotation& rotation = *stored.value.mutable_rotation();
  rotation.set_rotation_id(vault_.context.random.Id().ToHex());
  rotation.set_level(level);
  *rotation.mutable_begun() = ToProto(now);
  CO_ASSIGN_OR_RETURN(const uint64_t persons, CountPersons());
  rotation.set_persons(persons);
  v1::PaperKeysRotated said;
  said.set_rotation_id(rotation.rotation_id());
  said.set_level(level);
  said.set_current(stored.value.old());
  const ActOfNobody act = ActOfNobody::Fresh(vault_.context);
  storage::CommitRequest commit;
  vault_.store.PutRotation(stored, commit);
  if (seen.has_value()) {
    RememberActOfNobody(*seen, act, rotation, commit);
  }
  const Acting acting{call, actor, request_id, Id128()};
  audit::Event event = RotatedEvent(acting, std::nullopt, said);
  event.event_id = act.event_id;
  CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf, vault_.context.log.Draft(event));
  commit.leaves.push_back(std::move(leaf));
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  begun.rotation = rotation;
  begun.leaves = done->leaves;
  background_.Wake();
  co_return begun;
}

absl::StatusOr<uint64_t> Rotation::CountPersons() const {
  uint64_t count = 0;
  Id128 from;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<Id128> persons, vault_.store.Persons(from, kPersonsPerScan));
    count += persons.size();
    if (persons.size() < kPersonsPerScan) {
      return count;
    }
    from = storage::NextId(persons.back());
    if (from.IsZero()) {
      return count;
    }
  }
}

// ---- the worker

Task<absl::Duration> Rotation::Turn() {
  const absl::Status done = co_await RunOnce();
  co_return background_.PauseAfter(done, kIdle, "the keys of papers cannot be rotated now");
}

Task<absl::Status> Rotation::RunOnce() {
  co_await ResumeOn(vault_.context.executor);
  const absl::Status noted = co_await NoteFirstEpoch();
  CO_RETURN_IF_ERROR(noted);
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredRotation> stored, vault_.store.Rotation());
  if (!UnderWay(stored.value)) {
    CO_ASSIGN_OR_RETURN(const absl::Time since, EpochSince());
    const absl::Duration length = vault_.settings.epoch_length;
    if (length <= absl::ZeroDuration() || vault_.context.log.Now() - since < length) {
      co_return absl::OkStatus();
    }
    rpc::Call own = OwnCall(vault_.context);
    rpc::Actor actor = ActorOfOwn(own);
    const std::optional<rpc::Idempotency::Seen> nobody;
    const absl::StatusOr<Begun> begun =
        co_await Begin(std::move(own), std::move(actor), std::string(), v1::KEY_LEVEL_EPOCH, nobody);
    CO_RETURN_IF_ERROR(begun.status());
    CO_ASSIGN_OR_RETURN(stored, vault_.store.Rotation());
  }
  const absl::Status gone = co_await Go(std::move(stored));
  co_return gone;
}

// The first epoch is counted from here.
Task<absl::Status> Rotation::NoteFirstEpoch() {
  CO_ASSIGN_OR_RETURN(EpochRow row, ReadEpochRow(vault_.context));
  if (row.version.has_value()) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(row.epoch, vault_.keys.epochs().Current());
  row.since = vault_.context.log.Now();
  storage::CommitRequest commit;
  commit.partition = Bucket(vault_.context);
  PutEpochRow(row, commit);
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  co_return done.status();
}

Task<absl::Status> Rotation::Go(Stored<v1::StoredRotation> stored) {
  absl::Status done;
  if (stored.value.rotation().level() == v1::KEY_LEVEL_EPOCH) {
    done = co_await RotateEpoch(std::move(stored));
  } else {
    done = co_await RotatePersons(std::move(stored));
  }
  co_return done;
}

// ---- an epoch

Task<absl::Status> Rotation::RotateEpoch(Stored<v1::StoredRotation> stored) {
  EpochKeys& epochs = vault_.keys.epochs();
  Progress progress{std::move(stored)};
  const uint32_t old = progress.stored.value.old();
  CO_ASSIGN_OR_RETURN(uint32_t current, epochs.Current());
  if (current < old) {
    co_return RingIsNotTheirs();
  }
  if (current == old) {
    CO_ASSIGN_OR_RETURN(current, epochs.Begin());
  }
  // An earlier process's commits have ended with it; of this one's all that began before here are waited for.
  const absl::Status waited = co_await WaitForCommits();
  CO_RETURN_IF_ERROR(waited);
  const absl::Status wrapped = co_await WrapAll(current, progress);
  CO_RETURN_IF_ERROR(wrapped);
  CO_RETURN_IF_ERROR(vault_.context.store.Compact());
  // Once more, right before the key goes: nothing can have come, and that is what is to be known.
  CO_ASSIGN_OR_RETURN(const bool none, NoneIsOld(current));
  CO_ASSIGN_OR_RETURN(const uint32_t still, epochs.Current());
  if (!none || still != current) {
    co_return absl::InternalError("a key of papers is wrapped by an epoch that is going out");
  }
  // The old one even when it is not held: it may be gone from the ring and not yet from its copy.
  std::vector<uint32_t> going = epochs.Held();
  going.push_back(old);
  for (const uint32_t epoch : going) {
    if (epoch < current) {
      if (const absl::Status destroyed = epochs.Destroy(epoch); !absl::IsNotFound(destroyed)) {
        CO_RETURN_IF_ERROR(destroyed);
      }
    }
  }
  const absl::Status finished = co_await Finish(progress, current, old);
  co_return finished;
}

Task<absl::Status> Rotation::WaitForCommits() {
  KeyCommits& commits = vault_.keys.commits();
  const uint64_t mark = commits.Mark();
  while (!commits.AllEnded(mark)) {
    if (background_.stopping()) {
      co_return Stopping();
    }
    co_await Sleep(vault_.context.executor, kPoll);
  }
  co_return absl::OkStatus();
}

// The first pass goes on where an earlier process was, and counts persons; what proves that none is left
// begins at the first person.
Task<absl::Status> Rotation::WrapAll(uint32_t epoch, Progress& progress) {
  Id128 from;
  if (!progress.stored.value.next().empty()) {
    CO_ASSIGN_OR_RETURN(from, IdOf(progress.stored.value.next()));
  }
  bool counting = from != AllCounted();
  if (!counting) {
    from = Id128();
  }
  for (int pass = 0; pass < kMostPasses; ++pass) {
    for (;;) {
      CO_ASSIGN_OR_RETURN(const std::vector<Id128> persons, vault_.store.Persons(from, kPersonsPerScan));
      uint64_t wrapped_here = 0;
      for (const Id128& person : persons) {
        const absl::StatusOr<uint64_t> wrapped = co_await WrapPerson(person, epoch);
        CO_RETURN_IF_ERROR(wrapped.status());
        wrapped_here += *wrapped;
        from = storage::NextId(person);
      }
      v1::Rotation& rotation = *progress.stored.value.mutable_rotation();
      rotation.set_keys(rotation.keys() + wrapped_here);
      if (counting) {
        rotation.set_persons_done(rotation.persons_done() + persons.size());
      }
      const bool last = persons.size() < kPersonsPerScan || from.IsZero();
      if (!persons.empty() && !last) {
        const Id128 next = counting ? from : AllCounted();
        const absl::Status saved = co_await Save(progress, next);
        CO_RETURN_IF_ERROR(saved);
      }
      if (background_.stopping()) {
        co_return Stopping();
      }
      if (last) {
        break;
      }
      co_await ResumeOn(vault_.context.executor);
    }
    CO_ASSIGN_OR_RETURN(const bool none, NoneIsOld(epoch));
    if (none) {
      co_return absl::OkStatus();
    }
    counting = false;
    const absl::Status saved = co_await Save(progress, AllCounted());
    CO_RETURN_IF_ERROR(saved);
    from = Id128();
  }
  co_return absl::InternalError("keys under the old epoch keep coming");
}

// Guarded by each row: a row that its owner's erasure removed meanwhile does not come back.
Task<absl::StatusOr<uint64_t>> Rotation::WrapPerson(Id128 person, uint32_t epoch) {
  EpochKeys& epochs = vault_.keys.epochs();
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const std::vector<WrappedPersonKey> keys, vault_.store.PersonKeys(person));
    const KeyCommits::Ticket ticket = vault_.keys.commits().Enter();
    storage::CommitRequest commit;
    uint64_t count = 0;
    for (const WrappedPersonKey& key : keys) {
      CO_ASSIGN_OR_RETURN(const uint32_t by, EpochOf(key.wrapped.value));
      if (by == epoch) {
        continue;
      }
      CO_ASSIGN_OR_RETURN(const Secret secret,
                          UnwrapPersonKey(epochs, person, key.generation, key.wrapped.value));
      WrappedPersonKey anew = key;
      CO_ASSIGN_OR_RETURN(anew.wrapped.value, WrapPersonKey(epochs, person, key.generation, secret));
      VaultStore::PutPersonKey(person, anew, commit);
      ++count;
    }
    if (count == 0) {
      co_return count;
    }
    const absl::StatusOr<storage::CommitResult> done =
        co_await vault_.context.store.Commit(std::move(commit));
    if (done.ok()) {
      co_return count;
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the keys of a person change too often");
}

absl::StatusOr<bool> Rotation::NoneIsOld(uint32_t epoch) const {
  Id128 from;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<Id128> persons, vault_.store.Persons(from, kPersonsPerScan));
    for (const Id128& person : persons) {
      ASSIGN_OR_RETURN(const std::vector<WrappedPersonKey> keys, vault_.store.PersonKeys(person));
      for (const WrappedPersonKey& key : keys) {
        ASSIGN_OR_RETURN(const uint32_t by, EpochOf(key.wrapped.value));
        if (by != epoch) {
          return false;
        }
      }
      from = storage::NextId(person);
    }
    if (persons.size() < kPersonsPerScan || from.IsZero()) {
      return true;
    }
  }
}

// ---- persons' keys

namespace {

// One whose keys are renewed, and how many were already: a vault may be come back to.
struct Renewing {
  Id128 person;
  uint64_t keys = 0;
};
struct Renewed {
  uint64_t keys = 0;           // wrapped anew by this look
  std::vector<Renewing> busy;  // vaults that keep changing: to be come back to
};

// Whose rows are damaged keeps every generation: the scrub says what is damaged.
Task<absl::StatusOr<Renewed>> RenewAll(const Vault& vault, std::vector<Renewing> persons,
                                       std::string rotation_id) {
  Renewed out;
  std::vector<Renewing> renewed;
  for (Renewing& one : persons) {
    const uint64_t before = one.keys;
    const absl::Status done = co_await RenewPersonKey(vault, one.person, rotation_id, one.keys);
    out.keys += one.keys - before;
    if (absl::IsAborted(done)) {
      out.busy.push_back(one);
    } else if (absl::IsDataLoss(done)) {
      log::Warn("a person's keys of papers are not renewed: a row is damaged", {log::Field::Code(done)});
    } else {
      CO_RETURN_IF_ERROR(done);
      renewed.push_back(one);
    }
  }
  // Some time later than the new rows: who has just read an old one still finds its key.
  for (const Renewing& one : renewed) {
    const absl::Status dropped = co_await DropOldPersonKeys(vault, one.person, rotation_id, one.keys);
    if (absl::IsAborted(dropped)) {
      out.busy.push_back(one);
    } else if (!absl::IsDataLoss(dropped)) {
      CO_RETURN_IF_ERROR(dropped);
    }
  }
  co_return out;
}

}  // namespace

Task<absl::StatusOr<uint64_t>> Rotation::RotateSome(std::vector<Id128> persons, std::string rotation_id) {
  std::vector<Renewing> all;
  all.reserve(persons.size());
  for (const Id128& person : persons) {
    all.push_back({person});
  }
  CO_ASSIGN_OR_RETURN(Renewed renewed, co_await RenewAll(vault_, std::move(all), rotation_id));
  uint64_t keys = renewed.keys;
  for (int i = 0; i < kComeBacks && !renewed.busy.empty(); ++i) {
    if (background_.stopping()) {
      co_return Stopping();
    }
    co_await Sleep(vault_.context.executor, kComeBackAfter);
    std::vector<Renewing> busy = std::move(renewed.busy);
    CO_ASSIGN_OR_RETURN(renewed, co_await RenewAll(vault_, std::move(busy), rotation_id));
    keys += renewed.keys;
  }
  if (!renewed.busy.empty()) {
    log::Warn("vaults change too often for their keys to be renewed: they are, by the next rotation",
              {log::Field::Count("vaults", static_cast<int64_t>(renewed.busy.size()))});
  }
  co_return keys;
}

Task<absl::Status> Rotation::RotatePersons(Stored<v1::StoredRotation> stored) {
  Progress progress{std::move(stored)};
  const std::string id = progress.stored.value.rotation().rotation_id();
  Id128 from;
  if (!progress.stored.value.next().empty()) {
    CO_ASSIGN_OR_RETURN(from, IdOf(progress.stored.value.next()));
  }
  for (bool last = false; !last;) {
    if (background_.stopping()) {
      co_return Stopping();
    }
    CO_ASSIGN_OR_RETURN(const std::vector<Id128> persons, vault_.store.Persons(from, kPersonsAtOnce));
    CO_ASSIGN_OR_RETURN(const uint64_t keys, co_await RotateSome(persons, id));
    if (!persons.empty()) {
      from = storage::NextId(persons.back());
    }
    v1::Rotation& rotation = *progress.stored.value.mutable_rotation();
    rotation.set_keys(rotation.keys() + keys);
    rotation.set_persons_done(rotation.persons_done() + persons.size());
    last = persons.size() < kPersonsAtOnce || from.IsZero();
    if (!last) {
      const absl::Status saved = co_await Save(progress, from);
      CO_RETURN_IF_ERROR(saved);
    }
  }
  const absl::Status finished = co_await Finish(progress, 0, 0);
  co_return finished;
}

// ---- the row

Task<absl::Status> Rotation::Save(Progress& progress, Id128 next) {
  progress.stored.value.set_next(next.ToBytes());
  storage::CommitRequest commit;
  vault_.store.PutRotation(progress.stored, commit);
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  progress.stored.version = done->version;
  co_return absl::OkStatus();
}

Task<absl::Status> Rotation::Finish(Progress& progress, uint32_t current, uint32_t destroyed) {
  v1::Rotation& rotation = *progress.stored.value.mutable_rotation();
  *rotation.mutable_ended() = ToProto(vault_.context.log.Now());
  progress.stored.value.clear_next();
  storage::CommitRequest commit;
  vault_.store.PutRotation(progress.stored, commit);
  if (current != 0) {
    CO_ASSIGN_OR_RETURN(EpochRow row, ReadEpochRow(vault_.context));
    row.since = FromProto(rotation.begun());
    row.epoch = current;
    PutEpochRow(row, commit);
  }
  v1::PaperKeysRotated said;
  said.set_rotation_id(rotation.rotation_id());
  said.set_level(rotation.level());
  said.set_current(current);
  said.set_destroyed(destroyed);
  said.set_keys(rotation.keys());
  said.set_ended(true);
  const rpc::Call own = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", Id128()};
  CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf,
                      vault_.context.log.Draft(RotatedEvent(acting, std::nullopt, said)));
  commit.leaves.push_back(std::move(leaf));
  const absl::StatusOr<storage::CommitResult> done = co_await vault_.context.store.Commit(std::move(commit));
  co_return done.status();
}

}  // namespace relais::vault
