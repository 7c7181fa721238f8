#include "services/consent/store.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/consent/convert.h"

namespace relais::consent {
namespace {

// A value may have 1 MiB (storage contract); the seal and what else is committed with it need some.
constexpr size_t kMostStateBytes = size_t{900} << 10;
// What each room ends at (store.h): of one history, or of all that are read together.
constexpr size_t kMostWholeNoesBytes = size_t{860} << 10;
// Of histories that are to be read together: more than acts fill of one, which can be linked then, and less
// than whole noes fill.
constexpr size_t kMostLinkedBytes = size_t{840} << 10;
constexpr size_t kMostActsBytes = size_t{830} << 10;
constexpr size_t kMostEmergenciesBytes = size_t{740} << 10;
constexpr size_t kMostNoesBytes = size_t{700} << 10;
constexpr size_t kMostLettingBytes = size_t{600} << 10;
constexpr size_t kMostLongNoesBytes = size_t{400} << 10;
constexpr size_t kMostShortNoBytes = 1024;
// One institution's, of what lets something be shared.
constexpr size_t kMostShareBytes = size_t{200} << 10;
// Of a withdrawal beside the lines and references that it keeps, and of one of those lines.
constexpr size_t kRowBytes = 128;
constexpr size_t kLineBytes = 4;
constexpr size_t kShortLineBytes = 2;  // of one that is short
constexpr int kMostReads = 20;

size_t MostFor(Store::Room room) {
  switch (room) {
    case Store::Room::kLongNoes:
      return kMostLongNoesBytes;
    case Store::Room::kLets:
      return kMostLettingBytes;
    case Store::Room::kNoes:
      return kMostNoesBytes;
    case Store::Room::kEmergencies:
      return kMostEmergenciesBytes;
    case Store::Room::kActs:
      return kMostActsBytes;
    case Store::Room::kWholeNoes:
      return kMostWholeNoesBytes;
    case Store::Room::kLinks:
      break;
  }
  return kMostStateBytes;
}

bool Lets(Store::Room room) { return room == Store::Room::kLets || room == Store::Room::kEmergencies; }

absl::Status TooMuch(std::string_view what) {
  return rpc::Refusal(
      absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_QUOTA_EXCEEDED,
      absl::StrCat("too much is recorded about this person: ", std::string(what), "; tell the operators"));
}

absl::Status Full(Store::Room room) {
  switch (room) {
    case Store::Room::kLongNoes:
      return TooMuch(
          "no room for `lines` of a no of more than 1 KiB, with what it keeps of an agreement; a shorter "
          "one, "
          "the withdrawal of a whole agreement and of everything have room");
    case Store::Room::kLets:
      return TooMuch("no room for agreements, renewals and information");
    case Store::Room::kNoes:
      return TooMuch(
          "no room for `lines` of a no; the withdrawal of a whole agreement and of everything, an objection "
          "and a restriction have room");
    case Store::Room::kEmergencies:
      return TooMuch("no room for emergencies, and for the end of an objection or a restriction");
    default:
      return TooMuch("no room is left");
  }
}

// One line without lists, which covers everything, and no others, which would add to it.
bool IsWhole(const ProtoLines& lines) { return lines.size() == 1 && lines[0].ByteSizeLong() == 0; }

bool IsWhole(const Denial& denial) {
  ProtoLines lines;
  LinesTo(denial.lines, lines);
  return IsWhole(lines);
}

size_t BytesOf(const ProtoLines& lines) {
  size_t bytes = 0;
  for (const v1::ConsentLine& line : lines) {
    bytes += line.ByteSizeLong();
  }
  return bytes;
}

// With what the withdrawal of each agreement that none has taken back whole yet will add.
size_t WithWithdrawals(const v1::StoredPerson& stored) {
  std::unordered_set<std::string> taken;
  for (const v1::StoredDenial& denial : stored.denials()) {
    if (IsWhole(denial.lines())) {
      taken.insert(denial.agreement());
    }
  }
  size_t bytes = stored.ByteSizeLong();
  for (const v1::StoredAgreement& agreement : stored.agreements()) {
    if (taken.count(agreement.id()) == 0) {
      bytes += kRowBytes + agreement.source_reference().size() + agreement.reference_of().size() +
               BytesOf(agreement.lines()) + kLineBytes * static_cast<size_t>(agreement.lines_size());
    }
  }
  return bytes;
}

// Beyond its room: what takes no more than was kept for it, and a no to a file that an earlier build filled,
// which kept nothing for withdrawals.
bool FitsAllTheSame(Store::Room room, const v1::StoredPerson& stored, size_t bytes, size_t before) {
  const size_t alone = stored.ByteSizeLong();
  const bool no = room == Store::Room::kNoes || room == Store::Room::kActs || room == Store::Room::kWholeNoes;
  return alone <= kMostWholeNoesBytes &&
         (bytes <= before || (no && before > kMostWholeNoesBytes && alone <= MostFor(room)));
}

// After each of these a no to everything says something new.
bool LetSince(const PersonState& state, absl::Time at) {
  const auto agreed = [&](const Agreement& agreement) {
    return agreement.recorded > at || (!agreement.renewals.empty() && agreement.renewals.back().at > at);
  };
  return std::any_of(state.agreements().begin(), state.agreements().end(), agreed) ||
         std::any_of(state.information().begin(), state.information().end(),
                     [&](const Information& told) { return told.at > at; }) ||
         std::any_of(state.emergencies().begin(), state.emergencies().end(),
                     [&](const Emergency& emergency) { return emergency.from > at; });
}

bool SameWholeNo(const Denial& one, const Denial& other) {
  return one.kind == other.kind && one.agreement == other.agreement && one.represented == other.represented &&
         one.origin.of == other.origin.of && IsWhole(one);
}

// What that institution agreed to with her, told her and declared; renewals apart.
size_t ShareOf(const v1::StoredPerson& stored, std::string_view institution) {
  size_t bytes = 0;
  for (const v1::StoredAgreement& agreement : stored.agreements()) {
    if (agreement.collector() == institution) {
      v1::StoredAgreement first = agreement;
      first.clear_renewals();
      bytes += first.ByteSizeLong();
    }
  }
  for (const v1::StoredInformation& information : stored.information()) {
    bytes += information.by().institution() == institution ? information.ByteSizeLong() : 0;
  }
  for (const v1::StoredEmergency& emergency : stored.emergencies()) {
    bytes += emergency.declared_by() == institution ? emergency.ByteSizeLong() : 0;
  }
  return bytes;
}

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
  const v1::StoredPerson one = StoredFrom(united, true);
  const v1::StoredPerson two = StoredFrom(other, true);
  return MayJoin(united, other) && (WithWithdrawals(one) + WithWithdrawals(two) <= kMostLinkedBytes ||
                                    one.ByteSizeLong() + two.ByteSizeLong() <= kMostNoesBytes);
}

Store::Room Store::RoomOf(const PersonState& before, const Denial& denial) {
  if (IsWhole(denial)) {
    const bool stands =
        std::any_of(before.denials().begin(), before.denials().end(), [&](const Denial& each) {
          return denial.agreement ? each.agreement == denial.agreement && IsWhole(each)
                                  : SameWholeNo(each, denial) && !LetSince(before, each.at);
        });
    if (!stands) {
      return Room::kWholeNoes;
    }
  }
  ProtoLines lines;
  LinesTo(denial.lines, lines);
  if (denial.taken_back) {
    LinesTo(denial.taken_back->lines.all(), lines);
  }
  const size_t bytes = BytesOf(lines) + kShortLineBytes * static_cast<size_t>(lines.size());
  return bytes <= kMostShortNoBytes ? Room::kNoes : Room::kLongNoes;
}

absl::StatusOr<storage::Mutation> Store::WriteState(const Id128& person, const PersonState& state, Room room,
                                                    std::string_view institution, const PersonState* before) {
  const bool together = room != Room::kLinks && state.HasLinked();
  const v1::StoredPerson whole = StoredFrom(state, together);
  const auto was = [&] { return before == nullptr ? v1::StoredPerson() : StoredFrom(*before, together); };
  const size_t bytes = room == Room::kLinks ? whole.ByteSizeLong() : WithWithdrawals(whole);
  if (bytes > MostFor(room) && !FitsAllTheSame(room, whole, bytes, WithWithdrawals(was()))) {
    return Full(room);
  }
  if (Lets(room) && bytes > kMostShareBytes) {
    const size_t share = ShareOf(whole, institution);
    if (share > kMostShareBytes && share > ShareOf(was(), institution)) {
      return TooMuch("your institution has its share of agreements, information and emergencies");
    }
  }
  return WriteSealed(person, std::string(kStateKey), together ? StoredFrom(state) : whole);
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
