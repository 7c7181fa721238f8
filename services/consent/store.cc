#include "services/consent/store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/consent/convert.h"

namespace relais::consent {
namespace {

// A value may have 1 MiB (storage contract); the seal and what else is committed with it need some.
constexpr size_t kMostStateBytes = size_t{900} << 10;
// What acts may fill, of one history or of all that are read together; and what histories may have that are
// to be read together from here on.
constexpr size_t kMostActsBytes = size_t{830} << 10;
constexpr size_t kMostLinkedBytes = size_t{700} << 10;
constexpr int kMostReads = 20;

std::string ContextOf(const Id128& person, std::string_view key) {
  return absl::StrCat("person/", person.ToHex(), "/", std::string(key));
}

}  // namespace

storage::Partition PersonPartition(const Id128& person) { return {storage::PartitionKind::kPerson, person}; }
audit::Subject PersonSubject(const Id128& person) { return {audit::Subject::Kind::kPerson, person}; }
std::string RecordKey(std::string_view institution) {
  return std::string(kRecordPrefix) + std::string(institution);
}
std::string ConsentKey(const Id128& consent) { return std::string(kConsentPrefix) + consent.ToHex(); }
std::string PersonRow(const Id128& person) { return std::string(kPersonPrefix) + person.ToBytes(); }
std::string EventRow(const Id128& event) { return "e/" + event.ToBytes(); }
std::string SplitKey(const Id128& link) { return "split/" + link.ToHex(); }
std::string NamePrefix(const Id128& person) { return std::string(kNamesPrefix) + person.ToBytes() + "/"; }
std::string RowKey(const Id128& root, const Id128& person, const std::string& key) {
  return root == person ? key : NamePrefix(person) + key;
}

Store::Store(const rpc::ServiceContext& context, size_t cached_persons, size_t packed_bytes)
    : context_(context), cache_(cached_persons, packed_bytes) {}

VersionedState Store::Cached(const Id128& person) {
  VersionedState found = cache_.Find(person);
  if (found.state != nullptr || found.root.IsZero()) {
    return found;
  }
  const Id128 root = found.root;
  found = cache_.Find(root);
  if (found.state == nullptr) {
    return {};
  }
  for (const Link& link : found.state->links()) {
    if (link.person == person && !link.until) {
      found.root = root;
      return found;
    }
  }
  return {};
}

absl::StatusOr<VersionedState> Store::Load(const Id128& person) {
  VersionedState found = Cached(person);
  if (found.state != nullptr) {
    return found;
  }
  return LoadFresh(person);
}

absl::Status Store::OpenFrozen(const Id128& person, std::string_view key, std::string_view sealed,
                               google::protobuf::MessageLite& out) {
  ASSIGN_OR_RETURN(const std::string plain, context_.log.keys().OpenFrozenState(
                                                PersonSubject(person), ContextOf(person, key), sealed));
  return out.ParseFromString(plain) ? absl::OkStatus() : absl::DataLossError("a stored value does not parse");
}

absl::StatusOr<VersionedState> Store::LoadOwn(const Id128& person) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), kStateKey));
  if (!entry) {
    return rpc::NoSuchOrNotYours();
  }
  v1::StoredPerson stored;
  RETURN_IF_ERROR(Open(person, kStateKey, entry->value, stored));
  ASSIGN_OR_RETURN(PersonState state, StateFrom(stored, [&](int agreement) {
                     return cache_.lines().Shared(stored.agreements(agreement).lines());
                   }));
  return VersionedState{std::make_shared<const PersonState>(std::move(state)), entry->version};
}

absl::Status TooContended() {
  return rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                      "too many acts about the same person at once");
}

absl::StatusOr<VersionedState> Store::LoadFresh(const Id128& person) {
  for (int attempt = 0; attempt < kMostReads; ++attempt) {
    ASSIGN_OR_RETURN(std::optional<VersionedState> read, ReadUnited(person));
    if (read) {
      return *std::move(read);
    }
  }
  return TooContended();
}

absl::StatusOr<bool> Store::ListsWhileErased(const Id128& person, const Id128& link) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), kStateKey));
  v1::StoredPerson stored;
  if (!entry) {
    return false;
  }
  const absl::Status opened = OpenFrozen(person, kStateKey, entry->value, stored);
  if (absl::IsNotFound(opened)) {
    return false;
  }
  RETURN_IF_ERROR(opened);
  return std::any_of(stored.links().begin(), stored.links().end(),
                     [&](const v1::StoredLink& each) { return each.link_id() == link.ToBytes(); });
}

namespace {

// Of one who is leaving, until she has taken what is hers: every no of both sides, and no yes of either.
PersonState NoesOf(const PersonState& state) {
  PersonStateBuilder builder;
  for (const Denial& denial : state.denials()) {
    builder.Put(denial);
  }
  for (const Objection& objection : state.objections()) {
    builder.Put(objection);
  }
  for (const Restriction& restriction : state.restrictions()) {
    builder.Put(restriction);
  }
  for (const Link& link : state.links()) {
    builder.Put(link);
  }
  builder.PutTurns(state.turns());
  return std::move(builder).Build(state.latest());
}

// The link with which she is leaving, hers or that of who takes her along; nullopt: she is not.
std::optional<Link> EndedLink(const PersonState& root, const std::optional<LinkedTo>& to) {
  const Link* link = to ? root.FindLink(to->link) : nullptr;
  if (link == nullptr || !link->until) {
    return std::nullopt;
  }
  const Link* with = link->went_with.IsZero() ? link : root.FindLink(link->went_with);
  return with == nullptr ? std::nullopt : std::optional(*with);
}

// Herself first.
std::vector<Id128> NamesOf(const VersionedState& now, const Id128& person) {
  std::vector<Id128> names = {person};
  const Id128 root = now.RootFor(person);
  if (root != person) {
    names.push_back(root);
  }
  for (const Link& link : now.state->links()) {
    if (!link.until && link.person != person) {
      names.push_back(link.person);
    }
  }
  return names;
}

bool Holds(const std::vector<FrozenHistory>& histories, const Id128& person) {
  return std::any_of(histories.begin(), histories.end(),
                     [&](const FrozenHistory& each) { return each.person == person; });
}

}  // namespace

// From who is frozen to whose history goes on. At most two steps: whoever went along with one who left is
// still to be pointed to her.
absl::StatusOr<Store::Path> Store::PathOf(const Id128& person) {
  Path path;
  path.at = person;
  path.ticket = cache_.Ticket(person);
  ASSIGN_OR_RETURN(path.root, LoadOwn(person));
  if (!path.root.state->linked_to()) {
    return path;
  }
  const LinkedTo to = *path.root.state->linked_to();
  const VersionedState own = path.root;
  path.frozen.push_back({person, *own.state});
  Id128 next = to.canonical;
  for (;;) {
    path.ticket = cache_.Ticket(next);
    absl::StatusOr<VersionedState> canonical = LoadOwn(next);
    if (absl::IsNotFound(canonical.status())) {
      // What was said while they were one stands there: nobody decides without it. Whoever listed her gives
      // her what is hers before she is gone (leaving_erased.h).
      ASSIGN_OR_RETURN(const bool listed, ListsWhileErased(next, to.link));
      if (listed) {
        return TooContended();
      }
      // Erased before she listed this one, who is on her own again.
      return Path{person, own, {}, cache_.Ticket(person), true};
    }
    RETURN_IF_ERROR(canonical.status());
    path.at = next;
    path.root = *std::move(canonical);
    const Link* link = path.root.state->FindLink(to.link);
    const bool stale = path.root.state->turns() != to.turn || path.root.state->linked_to().has_value();
    if (link == nullptr && next == to.canonical && stale) {
      // Void: she will never be listed, and what is read there is not all of whom it is of.
      return Path{person, own, {}, cache_.Ticket(person), true};
    }
    if (link == nullptr || link->went_with.IsZero()) {
      path.unfinished = path.unfinished || link == nullptr || link->until.has_value();
      return path;
    }
    path.unfinished = true;
    const Link* taken = path.root.state->FindLink(link->went_with);
    const Id128 with = taken == nullptr ? Id128() : taken->person;
    ASSIGN_OR_RETURN(const VersionedState leaver, LoadOwn(with));
    if (leaver.state->linked_to()) {  // she has not taken yet what leaves
      path.frozen.push_back({with, *leaver.state});
      return path;
    }
    next = with;
  }
}

absl::StatusOr<std::optional<PersonState>> Store::ReadWaiting(const Id128& at, const Id128& link) {
  const std::string key = SplitKey(link);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, context_.store.Get(PersonPartition(at), key));
  if (!entry) {
    return std::optional<PersonState>();
  }
  v1::StoredPerson stored;
  const absl::Status opened = Open(at, key, entry->value, stored);
  if (absl::IsNotFound(opened)) {
    return std::optional<PersonState>();  // erased since she was read
  }
  RETURN_IF_ERROR(opened);
  ASSIGN_OR_RETURN(PersonState waiting, StateFrom(stored));
  return std::optional(std::move(waiting));
}

// Nullopt: what was read is of before and after a change.
absl::StatusOr<std::optional<VersionedState>> Store::ReadUnited(const Id128& person) {
  ASSIGN_OR_RETURN(Path path, PathOf(person));
  if (path.frozen.empty() && path.root.state->links().empty()) {
    path.root.unfinished = path.unfinished;
    if (!path.unfinished) {
      cache_.Insert(person, path.root, path.ticket);
    }
    return std::optional(std::move(path.root));
  }
  std::vector<FrozenHistory> frozen = std::move(path.frozen);
  const std::optional<Link> leaving =
      frozen.empty() ? std::nullopt : EndedLink(*path.root.state, frozen.front().state.linked_to());
  for (const Link& link : path.root.state->links()) {
    if (link.until || Holds(frozen, link.person)) {
      continue;
    }
    const absl::StatusOr<VersionedState> other = LoadOwn(link.person);
    if (absl::IsNotFound(other.status())) {
      return std::optional<VersionedState>();  // being erased; then so is this one, or they are parted first
    }
    RETURN_IF_ERROR(other.status());
    const std::optional<LinkedTo>& to = other->state->linked_to();
    if (!to || to->link != link.id) {
      return std::optional<VersionedState>();
    }
    frozen.push_back({link.person, *other->state});
  }
  if (leaving) {
    // What waits for her is hers: of a no in it the other side has a copy of its own, which may be lifted
    // there.
    ASSIGN_OR_RETURN(std::optional<PersonState> waiting, ReadWaiting(path.at, leaving->id));
    if (!waiting) {
      return std::optional<VersionedState>();  // taken meanwhile
    }
    frozen.push_back({leaving->person, *std::move(waiting)});
  }
  PersonState together = Unite(*path.root.state, frozen);
  if (leaving) {
    together = NoesOf(together);
  }
  VersionedState united{std::make_shared<const PersonState>(std::move(together)), path.root.version};
  if (!path.unfinished) {
    cache_.Insert(path.at, united, path.ticket);
    if (path.at != person) {
      const uint64_t hers = cache_.Ticket(person);
      // What she points to changes only once the list there has: whoever finds this looks there.
      cache_.Insert(person, {nullptr, 0, path.at}, hers);
    }
  }
  united.root = path.at == person ? Id128() : path.at;
  united.unfinished = path.unfinished;
  return std::optional(std::move(united));
}

absl::StatusOr<std::vector<Id128>> Store::GroupOf(const Id128& person) {
  ASSIGN_OR_RETURN(const VersionedState now, Load(person));
  return NamesOf(now, person);
}

absl::Status Store::FindRow(const Id128& holder, const Id128& name, const std::string& key,
                            std::optional<Row>& newest) const {
  ASSIGN_OR_RETURN(std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(holder), RowKey(holder, name, key)));
  if (entry && (!newest || newest->entry.version < entry->version)) {
    newest = Row{name, *std::move(entry)};
  }
  return absl::OkStatus();
}

// A row of hers was written in her own partition, or, while she is linked, in that of whose history goes on.
absl::Status Store::FindRowOfName(const Id128& root, const Id128& name, const std::string& key,
                                  std::optional<Row>& newest) const {
  RETURN_IF_ERROR(FindRow(root, name, key, newest));
  return name == root ? absl::OkStatus() : FindRow(name, name, key, newest);
}

absl::StatusOr<bool> Store::OpenFound(const std::string& key, const std::optional<Row>& row,
                                      google::protobuf::MessageLite& out) {
  if (!row) {
    return false;
  }
  RETURN_IF_ERROR(Open(row->name, key, row->entry.value, out));
  return true;
}

absl::StatusOr<bool> Store::OpenRow(const Id128& person, const std::string& key,
                                    google::protobuf::MessageLite& out) {
  ASSIGN_OR_RETURN(const VersionedState now, Load(person));
  std::optional<Row> newest;
  for (const Id128& name : NamesOf(now, person)) {
    RETURN_IF_ERROR(FindRowOfName(now.RootFor(person), name, key, newest));
  }
  return OpenFound(key, newest, out);
}

absl::StatusOr<bool> Store::OpenRowOfName(const Id128& person, const std::string& key,
                                          google::protobuf::MessageLite& out) {
  ASSIGN_OR_RETURN(const VersionedState now, Load(person));
  std::optional<Row> newest;
  RETURN_IF_ERROR(FindRowOfName(now.RootFor(person), person, key, newest));
  return OpenFound(key, newest, out);
}

bool Store::MayLink(const PersonState& united, const PersonState& other) {
  return MayJoin(united, other) &&
         StoredFrom(united, true).ByteSizeLong() + StoredFrom(other, true).ByteSizeLong() <= kMostLinkedBytes;
}

absl::StatusOr<storage::Mutation> Store::WriteState(const Id128& person, const PersonState& state,
                                                    Room room) {
  const v1::StoredPerson stored = StoredFrom(state);
  const size_t whole = room == Room::kActs && state.HasLinked() ? StoredFrom(state, true).ByteSizeLong()
                                                                : stored.ByteSizeLong();
  if (whole > (room == Room::kActs ? kMostActsBytes : kMostStateBytes)) {
    return rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_WRONG_STATE,
                        "too much is recorded about this person; tell the operators");
  }
  return WriteSealed(person, std::string(kStateKey), stored);
}

absl::StatusOr<storage::Mutation> Store::WriteSealed(const Id128& person, std::string key,
                                                     const google::protobuf::MessageLite& message) {
  ASSIGN_OR_RETURN(std::string sealed, Seal(person, key, message));
  return storage::Mutation{std::move(key), std::move(sealed)};
}

absl::StatusOr<std::string> Store::Seal(const Id128& person, std::string_view key,
                                        const google::protobuf::MessageLite& message) {
  return context_.log.keys().SealState(PersonSubject(person), ContextOf(person, key),
                                       message.SerializeAsString());
}

absl::Status Store::Open(const Id128& person, std::string_view key, std::string_view sealed,
                         google::protobuf::MessageLite& out) {
  const absl::StatusOr<std::string> plain =
      context_.log.keys().OpenState(PersonSubject(person), ContextOf(person, key), sealed);
  if (absl::IsNotFound(plain.status())) {
    return rpc::NoSuchOrNotYours();  // erased
  }
  RETURN_IF_ERROR(plain.status());
  return out.ParseFromString(*plain) ? absl::OkStatus()
                                     : absl::DataLossError("a stored value does not parse");
}

absl::StatusOr<std::optional<v1::StoredRecord>> Store::ReadRecord(const Id128& person,
                                                                  std::string_view institution) {
  const std::string key = RecordKey(institution);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), key));
  if (!entry) {
    return std::optional<v1::StoredRecord>();
  }
  v1::StoredRecord record;
  RETURN_IF_ERROR(Open(person, key, entry->value, record));
  return std::optional(std::move(record));
}

storage::Partition Store::OwnIdentifierBucket(std::string_view institution, std::string_view name) const {
  return context_.idempotency.Bucket("own_identifier", institution, name);
}

storage::Partition Store::SenderRecordBucket(std::string_view institution, std::string_view record) const {
  return context_.idempotency.Bucket("sender_record", institution, record);
}

storage::Partition Store::RequestBucket(std::string_view method, std::string_view institution,
                                        std::string_view request_id) const {
  return context_.idempotency.Bucket(absl::StrCat("request/", std::string(method)), institution, request_id);
}

storage::Partition Store::ObjectionBucket(const RecordName& record) const {
  return context_.idempotency.Bucket(absl::StrCat("objection/", record.key_version), record.supplier,
                                     record.digest);
}

storage::CommitRequest Store::ClaimFor(const storage::Partition& bucket, const Id128& person) const {
  v1::PersonClaim claim;
  claim.set_person_id(person.ToBytes());
  storage::CommitRequest commit;
  commit.partition = bucket;
  commit.preconditions.push_back({std::string(kClaimKey), std::nullopt});
  commit.batch.push_back({std::string(kClaimKey), claim.SerializeAsString()});
  return commit;
}

absl::StatusOr<std::optional<storage::CommitRequest>> Store::Unclaim(const storage::Partition& bucket,
                                                                     const Id128& person) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, context_.store.Get(bucket, kClaimKey));
  v1::PersonClaim claim;
  if (!entry || !claim.ParseFromString(entry->value) || claim.person_id() != person.ToBytes()) {
    return std::optional<storage::CommitRequest>();
  }
  storage::CommitRequest commit;
  commit.partition = bucket;
  commit.preconditions.push_back({std::string(kClaimKey), entry->version});
  commit.batch.push_back({std::string(kClaimKey), std::nullopt});
  return std::optional(std::move(commit));
}

absl::StatusOr<std::optional<Id128>> Store::ReadClaim(const storage::Partition& bucket) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, context_.store.Get(bucket, kClaimKey));
  if (!entry) {
    return std::optional<Id128>();
  }
  v1::PersonClaim claim;
  if (!claim.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored claim does not parse");
  }
  if (claim.person_id().empty()) {
    return rpc::NoSuchOrNotYours();  // erased
  }
  ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(claim.person_id()));
  return std::optional(person);
}

}  // namespace relais::consent
