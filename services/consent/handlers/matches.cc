#include "services/consent/handlers/matches.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/identity/keyed_hash.h"
#include "common/storage/value_format.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kMatchPrefix[] = "match/";
constexpr char kRecordRow[] = "r/";
constexpr size_t kPrefixBytes = 2;
constexpr size_t kFoundBytes = 8;
// Of a key that more records have nothing is made: it tells no humans apart.
constexpr size_t kMostAlike = 50;
constexpr int kMostCandidates = 1000;

struct Record {
  Id128 person;
  std::string institution;
  friend bool operator==(const Record&, const Record&) = default;
};

std::string MatchRow(const std::string& institution) { return kMatchPrefix + institution; }
std::string RecordRow(const Record& record) {
  return absl::StrCat(kRecordRow, record.person.ToBytes(), record.institution);
}

storage::Partition KeyBucket(const Registry& registry, uint32_t version, const char* kind,
                             const std::string& key) {
  return registry.context.idempotency.Bucket(absl::StrCat("match/", kind, "/", version), "", key);
}

// Every bucket that a row names.
std::vector<storage::Partition> BucketsOf(const Registry& registry, const v1::StoredMatchKeys& keys) {
  std::vector<storage::Partition> buckets;
  for (const std::string& key : keys.link_keys()) {
    buckets.push_back(KeyBucket(registry, keys.key_version(), "link", key));
  }
  for (const std::string& key : keys.candidate_keys()) {
    buckets.push_back(KeyBucket(registry, keys.key_version(), "candidate", key));
  }
  return buckets;
}

Task<absl::Status> CommitEach(Registry& registry, std::vector<storage::CommitRequest> commits) {
  const std::vector<absl::StatusOr<storage::CommitResult>> results =
      co_await registry.context.store.CommitAll(std::move(commits));
  for (const absl::StatusOr<storage::CommitResult>& result : results) {
    CO_RETURN_IF_ERROR(result.status());
  }
  co_return absl::OkStatus();
}

// Writes or removes a record's entry in those buckets.
std::vector<storage::CommitRequest> EntriesOf(const std::vector<storage::Partition>& buckets,
                                              const Record& record, bool there) {
  std::vector<storage::CommitRequest> commits;
  for (const storage::Partition& bucket : buckets) {
    storage::CommitRequest commit;
    commit.partition = bucket;
    commit.batch.push_back(
        {RecordRow(record), there ? std::optional<std::string>(std::string()) : std::nullopt});
    commits.push_back(std::move(commit));
  }
  return commits;
}

// ---- her row

struct MatchRowOf {
  v1::StoredMatchKeys keys;
  std::optional<uint64_t> version;
};

absl::StatusOr<MatchRowOf> ReadMatchRow(Registry& registry, const Record& record) {
  const std::string key = MatchRow(record.institution);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PersonPartition(record.person), key));
  MatchRowOf row;
  if (entry) {
    RETURN_IF_ERROR(registry.store.Open(record.person, key, entry->value, row.keys));
    row.version = entry->version;
  }
  return row;
}

using ChangeKeys = std::function<bool(v1::StoredMatchKeys& keys)>;

// Changes the row, unless she is erased: NOT_FOUND. What it was before.
Task<absl::StatusOr<v1::StoredMatchKeys>> ChangeMatchRow(Registry& registry, Record record,
                                                         ChangeKeys change) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const VersionedState own, registry.store.LoadOwn(record.person));
    CO_ASSIGN_OR_RETURN(MatchRowOf row, ReadMatchRow(registry, record));
    v1::StoredMatchKeys before = row.keys;
    if (!change(row.keys)) {
      co_return before;
    }
    storage::CommitRequest commit;
    commit.partition = PersonPartition(record.person);
    const std::string key = MatchRow(record.institution);
    commit.preconditions.push_back({key, row.version});
    commit.preconditions.push_back({std::string(kStateKey), own.version});  // not once she is erased
    const absl::StatusOr<storage::Mutation> sealed = registry.store.WriteSealed(record.person, key, row.keys);
    if (audit::IsErased(sealed.status())) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_RETURN_IF_ERROR(sealed.status());
    commit.batch.push_back(*sealed);
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry.context.store.Commit(std::move(commit));
    if (done.ok()) {
      co_return before;
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return TooContended();
}

// ---- who else has her keys

struct Seen {
  Record record;
  Likeness likeness = Likeness::kNothing;
};

absl::Status Look(const Registry& registry, const std::vector<std::string>& keys, uint32_t version,
                  const char* kind, Likeness likeness, const Record& own, std::vector<Seen>& seen) {
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(
        const storage::Page page,
        registry.context.store.Scan(KeyBucket(registry, version, kind, key), kRecordRow, "", kMostAlike + 1));
    if (page.entries.size() > kMostAlike) {
      continue;
    }
    for (const storage::KeyedEntry& row : page.entries) {
      if (row.key.size() < kPrefixBytes + Id128::kSize) {
        return absl::DataLossError("an entry of a match key does not parse");
      }
      ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(row.key.substr(kPrefixBytes, Id128::kSize)));
      Record record{person, row.key.substr(kPrefixBytes + Id128::kSize)};
      if (person == own.person) {
        continue;
      }
      const auto known =
          std::find_if(seen.begin(), seen.end(), [&](const Seen& each) { return each.record == record; });
      if (known == seen.end()) {
        seen.push_back({std::move(record), likeness});
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RejectedBetween(Registry& registry, const std::vector<Id128>& ones,
                                     const std::vector<Id128>& others) {
  for (const Id128& one : ones) {
    for (const Id128& other : others) {
      ASSIGN_OR_RETURN(const std::optional<StoredPair> pair,
                       ReadPair(registry, CandidateId(registry, one, other)));
      if (pair && pair->candidate.state() == v1::CANDIDATE_STATE_REJECTED) {
        return true;
      }
    }
  }
  return false;
}

// A steward took them apart: they are two.
bool WereSplit(const PersonState& state, const std::vector<Id128>& others) {
  return std::any_of(state.links().begin(), state.links().end(), [&](const Link& link) {
    return link.until && std::find(others.begin(), others.end(), link.person) != others.end();
  });
}

// One sighting per human, and of each the record that is most like.
struct Sightings {
  std::vector<Sighting> all;
  std::map<Id128, Record> by_human;
};

absl::StatusOr<Sightings> SightingsOf(Registry& registry, const Record& own, const std::vector<Seen>& seen) {
  ASSIGN_OR_RETURN(const VersionedState mine, registry.store.LoadFresh(own.person));
  ASSIGN_OR_RETURN(const std::vector<Id128> ours, registry.store.GroupOf(own.person));
  Sightings out;
  for (const Seen& each : seen) {  // the most alike first
    const absl::StatusOr<VersionedState> other = registry.store.LoadFresh(each.record.person);
    if (absl::IsNotFound(other.status())) {
      continue;
    }
    RETURN_IF_ERROR(other.status());
    const Id128 human = other->RootFor(each.record.person);
    if (!out.by_human.emplace(human, each.record).second) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<Id128> theirs, registry.store.GroupOf(each.record.person));
    Sighting sighting;
    sighting.person = human;
    sighting.likeness = each.likeness;
    sighting.linked = human == mine.RootFor(own.person);
    ASSIGN_OR_RETURN(sighting.rejected, RejectedBetween(registry, ours, theirs));
    sighting.rejected = sighting.rejected || WereSplit(*mine.state, theirs) || WereSplit(*other->state, ours);
    out.all.push_back(sighting);
  }
  return out;
}

// ---- candidates

audit::Event OwnEvent(const Registry& registry, audit::v1::EventClass event_class) {
  audit::Event event;
  event.event_class = event_class;
  event.institution = "service/consent";
  event.directory_version = registry.context.directory()->version();
  event.event_id = registry.context.random.Id();
  return event;
}

absl::StatusOr<storage::CommitRequest> PairCommit(Registry& registry, const Id128& id, const Record& low,
                                                  const Record& high, int64_t found) {
  v1::StoredCandidate candidate;
  candidate.set_person(low.person.ToBytes());
  candidate.set_institution(low.institution);
  candidate.set_other(high.person.ToBytes());
  candidate.set_other_institution(high.institution);
  candidate.set_found(found);
  storage::CommitRequest commit;
  commit.partition = PairBucket(registry, id);
  commit.preconditions.push_back({kPairKey, std::nullopt});
  commit.batch.push_back({kPairKey, candidate.SerializeAsString()});
  v1::CandidateFound payload;
  payload.set_candidate_id(id.ToHex());
  audit::Event event = OwnEvent(registry, audit::v1::EVENT_CLASS_CANDIDATE_FOUND);
  event.details.mutable_payload()->PackFrom(payload);
  for (const Id128& person : {low.person, high.person}) {
    event.subject = PersonSubject(person);
    ASSIGN_OR_RETURN(storage::LeafDraft leaf, registry.context.log.Draft(event));
    commit.leaves.push_back(std::move(leaf));
  }
  return commit;
}

std::vector<storage::CommitRequest> ForgetPair(const Registry& registry, const Id128& id, int64_t found) {
  storage::CommitRequest pair;
  pair.partition = PairBucket(registry, id);
  pair.batch.push_back({kPairKey, std::nullopt});
  storage::CommitRequest listed;
  listed.partition = CandidateList(registry);
  listed.batch.push_back({CandidateListKey(id, found), std::nullopt});
  return {pair, listed};
}

ChangeKeys NameCandidate(const Id128& id) {
  return [bytes = id.ToBytes()](v1::StoredMatchKeys& keys) {
    const auto& known = keys.candidates();
    if (known.size() >= kMostCandidates || std::find(known.begin(), known.end(), bytes) != known.end()) {
      return false;
    }
    keys.add_candidates(bytes);
    return true;
  };
}

// Both rows name it, then the list, then it is there, with its leaves.
Task<absl::Status> MakeCandidate(Registry& registry, Record one, Record other) {
  const Record low = one.person < other.person ? one : other;
  const Record high = one.person < other.person ? other : one;
  const Id128 id = CandidateId(registry, low.person, high.person);
  CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> known, ReadPair(registry, id));
  if (known) {
    co_return absl::OkStatus();
  }
  ChangeKeys name = NameCandidate(id);
  const absl::StatusOr<v1::StoredMatchKeys> of_low = co_await ChangeMatchRow(registry, low, name);
  if (absl::IsNotFound(of_low.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(of_low.status());
  const absl::StatusOr<v1::StoredMatchKeys> of_high = co_await ChangeMatchRow(registry, high, name);
  if (absl::IsNotFound(of_high.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(of_high.status());
  const int64_t found = Micros(registry.context.log.Now());
  storage::CommitRequest listed;
  listed.partition = CandidateList(registry);
  listed.batch.push_back({CandidateListKey(id, found), std::string()});
  const absl::StatusOr<storage::CommitResult> in_list =
      co_await registry.context.store.Commit(std::move(listed));
  CO_RETURN_IF_ERROR(in_list.status());
  absl::StatusOr<storage::CommitRequest> commit = PairCommit(registry, id, low, high, found);
  if (audit::IsErased(commit.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(commit.status());
  const absl::StatusOr<storage::CommitResult> made =
      co_await registry.context.store.Commit(*std::move(commit));
  if (absl::IsAborted(made.status()) || audit::IsErased(made.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(made.status());
  if (absl::IsNotFound(registry.store.LoadOwn(low.person).status()) ||
      absl::IsNotFound(registry.store.LoadOwn(high.person).status())) {
    std::vector<storage::CommitRequest> gone = ForgetPair(registry, id, found);  // erased meanwhile
    const absl::Status forgotten = co_await CommitEach(registry, std::move(gone));
    co_return forgotten;
  }
  co_return absl::OkStatus();
}

// ---- one record

absl::StatusOr<std::optional<MatchKeys>> KeysOfRecord(Registry& registry, const MatchKey& key,
                                                      const Record& record) {
  const absl::StatusOr<std::optional<v1::StoredRecord>> stored =
      registry.store.ReadRecord(record.person, record.institution);
  if (absl::IsNotFound(stored.status()) || (stored.ok() && !stored->has_value())) {
    return std::optional<MatchKeys>();  // erased
  }
  RETURN_IF_ERROR(stored.status());
  return std::optional(MatchKeysOf(key.secret, TraitsFrom((*stored)->traits())));
}

std::vector<std::string> BytesOf(const std::vector<Id128>& ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (const Id128& id : ids) {
    out.push_back(id.ToBytes());
  }
  return out;
}

// Her entries are those of `keys` and no others.
Task<absl::Status> PutEntries(Registry& registry, uint32_t version, Record record, MatchKeys keys) {
  const std::vector<std::string> link = BytesOf(keys.link);
  const std::vector<std::string> candidate = BytesOf(keys.candidate);
  v1::StoredMatchKeys next;
  ChangeKeys change = [&next, version, link, candidate](v1::StoredMatchKeys& row) {
    row.set_key_version(version);
    row.mutable_link_keys()->Assign(link.begin(), link.end());
    row.mutable_candidate_keys()->Assign(candidate.begin(), candidate.end());
    next = row;
    return true;
  };
  const absl::StatusOr<v1::StoredMatchKeys> before = co_await ChangeMatchRow(registry, record, change);
  CO_RETURN_IF_ERROR(before.status());
  const std::vector<storage::Partition> wanted = BucketsOf(registry, next);
  std::vector<storage::Partition> old = BucketsOf(registry, *before);
  std::erase_if(old, [&](const storage::Partition& bucket) {
    return std::find(wanted.begin(), wanted.end(), bucket) != wanted.end();
  });
  std::vector<storage::CommitRequest> commits = EntriesOf(old, record, false);
  for (storage::CommitRequest& commit : EntriesOf(wanted, record, true)) {
    commits.push_back(std::move(commit));
  }
  const absl::Status put = co_await CommitEach(registry, std::move(commits));
  CO_RETURN_IF_ERROR(put);
  const absl::Status there = registry.store.LoadOwn(record.person).status();
  if (absl::IsNotFound(there)) {  // erased meanwhile: what was just put may have come after
    std::vector<storage::CommitRequest> gone = EntriesOf(wanted, record, false);
    const absl::Status removed = co_await CommitEach(registry, std::move(gone));
    CO_RETURN_IF_ERROR(removed);
  }
  co_return there;
}

Task<absl::Status> MatchRecord(Registry& registry, const MatchKey& key, Record record) {
  CO_ASSIGN_OR_RETURN(const std::optional<MatchKeys> keys, KeysOfRecord(registry, key, record));
  if (!keys) {
    co_return absl::OkStatus();
  }
  // Durable before others are looked for: of two at once at least one sees the other.
  const absl::Status put = co_await PutEntries(registry, key.version, record, *keys);
  if (absl::IsNotFound(put)) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(put);
  std::vector<Seen> seen;
  CO_RETURN_IF_ERROR(Look(registry, BytesOf(keys->link), key.version, "link", Likeness::kSame, record, seen));
  CO_RETURN_IF_ERROR(
      Look(registry, BytesOf(keys->candidate), key.version, "candidate", Likeness::kCandidate, record, seen));
  if (seen.empty()) {
    co_return absl::OkStatus();
  }
  const absl::StatusOr<Sightings> sightings = SightingsOf(registry, record, seen);
  if (absl::IsNotFound(sightings.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(sightings.status());
  const MatchOutcome outcome = JudgeSightings(sightings->all);
  if (outcome.link) {
    LinkWish wish;
    wish.one = record.person;
    wish.other = *outcome.link;
    wish.link = registry.context.random.Id();
    wish.cause = v1::LINK_CAUSE_TRAITS;
    wish.event = OwnEvent(registry, audit::v1::EVENT_CLASS_PERSONS_LINKED);
    const absl::StatusOr<Id128> linked = co_await LinkPersons(registry.files(), std::move(wish));
    if (!linked.ok() && !absl::IsNotFound(linked.status()) && !audit::IsErased(linked.status())) {
      co_return linked.status();
    }
  }
  for (const Id128& human : outcome.candidates) {
    Record other = sightings->by_human.at(human);
    const absl::Status made = co_await MakeCandidate(registry, record, std::move(other));
    CO_RETURN_IF_ERROR(made);
  }
  co_return absl::OkStatus();
}

// A confirmation whose call did not get as far as the link.
Task<absl::Status> FinishConfirmation(Registry& registry, std::string candidate_id) {
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(candidate_id));
  CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> pair, ReadPair(registry, id));
  if (!pair || pair->candidate.state() != v1::CANDIDATE_STATE_CONFIRMED) {
    co_return absl::OkStatus();
  }
  LinkWish wish;
  CO_ASSIGN_OR_RETURN(wish.one, Id128::FromBytes(pair->candidate.person()));
  CO_ASSIGN_OR_RETURN(wish.other, Id128::FromBytes(pair->candidate.other()));
  CO_ASSIGN_OR_RETURN(wish.link, Id128::FromBytes(pair->candidate.decided_by()));
  wish.cause = v1::LINK_CAUSE_CONFIRMED;
  wish.event = OwnEvent(registry, audit::v1::EVENT_CLASS_PERSONS_LINKED);
  const absl::StatusOr<Id128> linked = co_await LinkPersons(registry.files(), std::move(wish));
  const bool over = linked.ok() || absl::IsNotFound(linked.status()) || audit::IsErased(linked.status());
  co_return over ? absl::OkStatus() : linked.status();
}

// Whom a link freezes; nullopt: it is forgotten, with somebody who was erased.
absl::StatusOr<std::optional<Id128>> LinkedBy(const Registry& registry, const std::string& link_id) {
  ASSIGN_OR_RETURN(const Id128 link, Id128::FromHex(link_id));
  ASSIGN_OR_RETURN(const std::optional<v1::LinkEntry> entry, ReadLinkEntry(registry.files(), link));
  if (!entry) {
    return std::optional<Id128>();
  }
  ASSIGN_OR_RETURN(const Id128 linked, Id128::FromBytes(entry->linked_id()));
  return std::optional(linked);
}

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

}  // namespace

// ---- candidates by name

storage::Partition PairBucket(const Registry& registry, const Id128& candidate) {
  return registry.context.idempotency.Bucket("candidate", "", candidate.ToBytes());
}

storage::Partition CandidateList(const Registry& registry) {
  return registry.context.idempotency.Bucket("candidates", "", "");
}

std::string CandidateListKey(const Id128& candidate, int64_t found) {
  return storage::EncodeBigEndian64(static_cast<uint64_t>(found)) + candidate.ToBytes();
}

absl::StatusOr<Id128> CandidateInListKey(const std::string& key) {
  return key.size() == kFoundBytes + Id128::kSize ? Id128::FromBytes(key.substr(kFoundBytes))
                                                  : absl::StatusOr<Id128>(absl::DataLossError(
                                                        "an entry of the list of candidates does not parse"));
}

Id128 CandidateId(const Registry& registry, const Id128& one, const Id128& other) {
  const Secret key = registry.context.log.DeriveKey("relais candidate v1");
  return identity::KeyedId(key, "relais candidate v1",
                           {std::min(one, other).bytes(), std::max(one, other).bytes()});
}

absl::StatusOr<std::optional<StoredPair>> ReadPair(const Registry& registry, const Id128& candidate) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PairBucket(registry, candidate), kPairKey));
  if (!entry) {
    return std::optional<StoredPair>();
  }
  StoredPair pair{candidate, {}, entry->version};
  if (!pair.candidate.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored candidate does not parse");
  }
  return std::optional(std::move(pair));
}

Task<absl::Status> ForgetMatches(Registry& registry, Id128 person) {
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page,
                        registry.context.store.Scan(PersonPartition(person), kMatchPrefix, from, kMostAlike));
    for (const storage::KeyedEntry& row : page.entries) {
      v1::StoredMatchKeys keys;
      const absl::Status opened = registry.store.OpenFrozen(person, row.key, row.entry.value, keys);
      if (absl::IsNotFound(opened)) {
        continue;
      }
      CO_RETURN_IF_ERROR(opened);
      const Record record{person, row.key.substr(std::string_view(kMatchPrefix).size())};
      std::vector<storage::CommitRequest> gone = EntriesOf(BucketsOf(registry, keys), record, false);
      for (const std::string& bytes : keys.candidates()) {
        CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(bytes));
        CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> pair, ReadPair(registry, id));
        if (pair) {
          for (storage::CommitRequest& each : ForgetPair(registry, id, pair->candidate.found())) {
            gone.push_back(std::move(each));
          }
        }
      }
      const absl::Status done = co_await CommitEach(registry, std::move(gone));
      CO_RETURN_IF_ERROR(done);
    }
    from = page.next;
  } while (!from.empty());
  co_return absl::OkStatus();
}

// ---- the follower

bool OwnLeaves::Wants(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_PERSON_REGISTERED ||
         event_class == audit::v1::EVENT_CLASS_RECORD_RECTIFIED ||
         event_class == audit::v1::EVENT_CLASS_CANDIDATE_DECIDED ||
         event_class == audit::v1::EVENT_CLASS_PERSONS_LINKED ||
         event_class == audit::v1::EVENT_CLASS_PERSONS_SPLIT;
}

std::string OwnLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const std::optional<Id128> person = PersonOf(leaf);
  return person ? person->ToBytes() : "";
}

bool OwnLeaves::Concerns(const audit::FollowedLeaf& leaf) const { return Wants(leaf.header.event_class()); }

Task<absl::Status> OwnLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  const std::optional<Id128> person = PersonOf(leaf);
  if (!person) {
    co_return absl::OkStatus();  // a registration's leaf about the sender record: hers comes too
  }
  co_await ResumeOn(registry_.context.executor);
  v1::PersonRegistered registered;
  v1::RecordRectified rectified;
  v1::CandidateDecided decided;
  v1::PersonsLinked linked;
  v1::PersonsSplit split;
  Record record{*person, ""};
  std::optional<Id128> complete;
  if (leaf.details.payload().UnpackTo(&registered)) {
    record.institution = registered.institution();
  } else if (leaf.details.payload().UnpackTo(&rectified)) {
    record.institution = rectified.institution();
  } else if (leaf.details.payload().UnpackTo(&linked)) {
    CO_ASSIGN_OR_RETURN(complete, LinkedBy(registry_, linked.link_id()));
  } else if (leaf.details.payload().UnpackTo(&split)) {
    CO_ASSIGN_OR_RETURN(complete, LinkedBy(registry_, split.link_id()));
  } else if (leaf.details.payload().UnpackTo(&decided) && decided.confirmed()) {
    absl::Status finished = co_await FinishConfirmation(registry_, decided.candidate_id());
    co_return finished;
  }
  if (complete.has_value()) {
    absl::Status completed = co_await CompleteLink(registry_.files(), *complete);
    co_return completed;
  }
  if (record.institution.empty()) {
    co_return absl::OkStatus();
  }
  absl::Status matched = co_await MatchRecord(registry_, key_, std::move(record));
  co_return matched;
}

}  // namespace relais::consent
