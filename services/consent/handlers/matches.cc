#include "services/consent/handlers/matches.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/candidates.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/match_rows.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

// ---- who else has her keys

struct Seen {
  Record record;
  Likeness likeness = Likeness::kNothing;
};

// Whether some of the keys tell no humans apart: so many records have them.
absl::StatusOr<bool> Look(const Registry& registry, const std::vector<std::string>& keys, uint32_t version,
                          const char* kind, Likeness likeness, const Record& own, std::vector<Seen>& seen) {
  bool too_many = false;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(Alike alike, RecordsWith(registry, version, kind, key, own.person));
    too_many = too_many || alike.too_many;
    for (Record& record : alike.records) {
      const auto known =
          std::find_if(seen.begin(), seen.end(), [&](const Seen& each) { return each.record == record; });
      if (known == seen.end()) {
        seen.push_back({std::move(record), likeness});
      }
    }
  }
  return too_many;
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
    ASSIGN_OR_RETURN(const Past past, PastOf(registry.files(), ours, theirs));
    sighting.rejected = sighting.rejected || past.each_other;
    out.all.push_back(sighting);
  }
  return out;
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

// Undoes a link that likeness made; OK when it is undone already, or forgotten with somebody who was erased.
Task<absl::Status> UndoLikeness(Registry& registry, Id128 link) {
  audit::Event event =
      OwnEvent(registry.context, audit::v1::EVENT_CLASS_PERSONS_SPLIT, registry.context.random.Id());
  const absl::StatusOr<Id128> undone = co_await SplitPersons(registry.files(), link, std::move(event));
  const common::v1::ErrorReason reason = rpc::ReasonOf(undone.status());
  const bool over = reason == common::v1::ERROR_REASON_WRONG_STATE ||
                    reason == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS ||
                    audit::IsErased(undone.status());
  co_return over ? absl::OkStatus() : undone.status();
}

// Nobody was linked where others are linked to each of them, or any of them was ever taken apart from
// anybody: then a steward is asked. What a steward rejects meanwhile is undone: either this sees the
// decision, or who follows the decision sees the link (FinishRejection).
Task<absl::StatusOr<bool>> LinkAtOnce(Registry& registry, Record record, Record other) {
  const absl::StatusOr<std::vector<Id128>> ours = registry.store.GroupOf(record.person);
  const absl::StatusOr<std::vector<Id128>> theirs = registry.store.GroupOf(other.person);
  if (absl::IsNotFound(ours.status()) || absl::IsNotFound(theirs.status())) {
    co_return true;
  }
  CO_RETURN_IF_ERROR(ours.status());
  CO_RETURN_IF_ERROR(theirs.status());
  LinkWish wish;
  wish.one = record.person;
  wish.other = other.person;
  wish.link = registry.context.random.Id();
  wish.cause = v1::LINK_CAUSE_TRAITS;
  wish.at = absl::InfinitePast();
  wish.event = OwnEvent(registry.context, audit::v1::EVENT_CLASS_PERSONS_LINKED, wish.link);
  const absl::StatusOr<Linked> linked = co_await LinkPersons(registry.files(), std::move(wish));
  if (absl::IsNotFound(linked.status()) || audit::IsErased(linked.status())) {
    co_return true;
  }
  CO_RETURN_IF_ERROR(linked.status());
  if (linked->result == LinkResult::kLinked) {
    CO_ASSIGN_OR_RETURN(const bool rejected, RejectedBetween(registry, *ours, *theirs));
    if (rejected) {
      const absl::Status undone = co_await UndoLikeness(registry, linked->link);
      CO_RETURN_IF_ERROR(undone);
    }
  }
  co_return linked->result == LinkResult::kLinked || linked->result == LinkResult::kAlready;
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
  CO_ASSIGN_OR_RETURN(const bool more_are_same, Look(registry, BytesOf(keys->link), key.version, "link",
                                                     Likeness::kSame, record, seen));
  CO_RETURN_IF_ERROR(
      Look(registry, BytesOf(keys->candidate), key.version, "candidate", Likeness::kCandidate, record, seen)
          .status());
  if (seen.empty()) {
    co_return absl::OkStatus();
  }
  const absl::StatusOr<Sightings> sightings = SightingsOf(registry, record, seen);
  if (absl::IsNotFound(sightings.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(sightings.status());
  const MatchOutcome outcome = JudgeSightings(sightings->all, more_are_same);
  std::vector<Id128> candidates = outcome.candidates;
  if (outcome.link) {
    // With the record that is alike, not with whoever it is one human with: it leaves with that one.
    Record other = sightings->by_human.at(*outcome.link);
    const absl::StatusOr<bool> linked = co_await LinkAtOnce(registry, record, std::move(other));
    CO_RETURN_IF_ERROR(linked.status());
    if (!*linked) {
      candidates.push_back(*outcome.link);
    }
  }
  for (const Id128& human : candidates) {
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
  if (!pair || pair->candidate.state() != v1::CANDIDATE_STATE_CONFIRMED ||
      !pair->candidate.link_id().empty()) {
    co_return absl::OkStatus();
  }
  LinkWish wish;
  CO_ASSIGN_OR_RETURN(wish.one, Id128::FromBytes(pair->candidate.person()));
  CO_ASSIGN_OR_RETURN(wish.other, Id128::FromBytes(pair->candidate.other()));
  CO_ASSIGN_OR_RETURN(wish.link, Id128::FromBytes(pair->candidate.decided_by()));
  wish.cause = v1::LINK_CAUSE_CONFIRMED;
  wish.at = FromMicros(pair->candidate.decided());  // what was undone since stays undone
  const Id128 link = wish.link;
  wish.event = OwnEvent(registry.context, audit::v1::EVENT_CLASS_PERSONS_LINKED, link);
  const absl::StatusOr<Linked> linked = co_await LinkPersons(registry.files(), std::move(wish));
  if (absl::IsNotFound(linked.status()) || audit::IsErased(linked.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(linked.status());
  absl::Status settled = co_await SettleCandidate(registry, id, link, *linked);
  co_return settled;
}

// The open link of likeness, made since, that makes these two one; nullopt: there is none.
std::optional<Id128> LikenessBetween(const PersonState& united, const Id128& one, const Id128& other,
                                     absl::Time since) {
  for (const Link& link : united.links()) {
    if (link.until || link.left || link.cause != v1::LINK_CAUSE_TRAITS || link.since < since) {
      continue;
    }
    const std::vector<Id128> leaving = LeavingWith(united.links(), link.id);
    const auto leaves = [&](const Id128& person) {
      return std::find(leaving.begin(), leaving.end(), person) != leaving.end();
    };
    if (leaves(one) != leaves(other)) {
      return link.id;
    }
  }
  return std::nullopt;
}

// A steward said that they are two, while likeness made them one.
Task<absl::Status> FinishRejection(Registry& registry, std::string candidate_id) {
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(candidate_id));
  CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> pair, ReadPair(registry, id));
  if (!pair || pair->candidate.state() != v1::CANDIDATE_STATE_REJECTED) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 one, Id128::FromBytes(pair->candidate.person()));
  CO_ASSIGN_OR_RETURN(const Id128 other, Id128::FromBytes(pair->candidate.other()));
  const std::vector<Id128> both = {one, other};
  for (const Id128& each : both) {
    const absl::Status completed = co_await CompleteLink(registry.files(), each);
    CO_RETURN_IF_ERROR(completed);
  }
  const absl::StatusOr<VersionedState> first = registry.store.LoadFresh(one);
  const absl::StatusOr<VersionedState> second = registry.store.LoadFresh(other);
  if (absl::IsNotFound(first.status()) || absl::IsNotFound(second.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(first.status());
  CO_RETURN_IF_ERROR(second.status());
  const std::optional<Id128> link =
      first->RootFor(one) != second->RootFor(other)
          ? std::nullopt
          : LikenessBetween(*first->state, one, other, FromMicros(pair->candidate.decided()));
  if (!link) {
    co_return absl::OkStatus();
  }
  absl::Status undone = co_await UndoLikeness(registry, *link);
  co_return undone;
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

// What was decided on a candidate and whose call did not get to the end of it, or met a link.
Task<absl::Status> FinishDecision(Registry& registry, v1::CandidateDecided decided) {
  if (decided.confirmed()) {
    absl::Status finished = co_await FinishConfirmation(registry, decided.candidate_id());
    co_return finished;
  }
  absl::Status finished = co_await FinishRejection(registry, decided.candidate_id());
  co_return finished;
}

// Until `after` its instant; never longer than that, whatever the clock does. Nothing, of an old leaf.
absl::Duration Until(const Registry& registry, absl::Time instant, absl::Duration after) {
  return std::clamp(instant + after - registry.context.log.Now(), absl::ZeroDuration(), after);
}

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

}  // namespace

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
    const absl::Duration wait = Until(registry_, leaf.time, after_);
    if (wait > absl::ZeroDuration()) {
      co_await Sleep(registry_.context.executor, wait);
    }
  } else if (leaf.details.payload().UnpackTo(&rectified)) {
    record.institution = rectified.institution();
  } else if (leaf.details.payload().UnpackTo(&linked)) {
    CO_ASSIGN_OR_RETURN(complete, LinkedBy(registry_, linked.link_id()));
  } else if (leaf.details.payload().UnpackTo(&split)) {
    CO_ASSIGN_OR_RETURN(complete, LinkedBy(registry_, split.link_id()));
  } else if (leaf.details.payload().UnpackTo(&decided)) {
    absl::Status finished = co_await FinishDecision(registry_, decided);
    co_return finished;
  }
  if (complete.has_value()) {
    const absl::Status completed = co_await CompleteLink(registry_.files(), *complete);
    CO_RETURN_IF_ERROR(completed);
  }
  if (leaf.details.payload().Is<v1::PersonsLinked>() || leaf.details.payload().Is<v1::PersonsSplit>()) {
    absl::Status completed =
        co_await CompleteLink(registry_.files(), *person);  // whom the entry may not name yet
    co_return completed;
  }
  if (record.institution.empty()) {
    co_return absl::OkStatus();
  }
  absl::Status matched = co_await MatchRecord(registry_, key_, std::move(record));
  co_return matched;
}

}  // namespace relais::consent
