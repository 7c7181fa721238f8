#include "services/consent/handlers/linking.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/consent/convert.h"
#include "services/consent/domain/links.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/link_steps.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kLinkKey[] = "link";

storage::Partition LinkBucket(const Files& files, const Id128& link) {
  return files.context.idempotency.Bucket("link", "", link.ToBytes());
}

}  // namespace

// ---- what both parts use

absl::StatusOr<storage::CommitRequest> ChangeOf(const Files& files, const Id128& person,
                                                const VersionedState& now, const PersonState& next) {
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  commit.preconditions.push_back({std::string(kStateKey), now.version});
  ASSIGN_OR_RETURN(storage::Mutation state, files.store.WriteState(person, next, Store::Room::kLinks));
  commit.batch.push_back(std::move(state));
  return commit;
}

absl::Status AddLeaf(const Files& files, audit::Event event, audit::v1::EventClass event_class,
                     const Id128& person, const google::protobuf::Message& payload,
                     storage::CommitRequest& commit) {
  event.event_class = event_class;
  event.subject = PersonSubject(person);
  event.details.mutable_payload()->PackFrom(payload);
  ASSIGN_OR_RETURN(storage::LeafDraft leaf, files.context.log.Draft(event));
  commit.leaves.push_back(std::move(leaf));
  return absl::OkStatus();
}

v1::PersonsLinked LinkedPayload(const Link& link, const Id128& canonical) {
  v1::PersonsLinked payload;
  payload.set_link_id(link.id.ToHex());
  payload.set_canonical_id(canonical.ToBytes());
  payload.set_linked_id(link.person.ToBytes());
  payload.set_cause(link.cause);
  return payload;
}

v1::PersonsSplit SplitPayload(const Link& link, const Id128& canonical) {
  v1::PersonsSplit payload;
  payload.set_link_id(link.id.ToHex());
  payload.set_canonical_id(canonical.ToBytes());
  payload.set_linked_id(link.person.ToBytes());
  *payload.mutable_linked_since() = TimeTo(link.since);
  return payload;
}

Task<absl::StatusOr<bool>> CommitFor(Files files, Id128 person, storage::CommitRequest commit) {
  // Nobody decides on her from memory while it is being written, nor with what was there before.
  const PersonCache::Writing writing(files.store.cache(), person);
  const absl::StatusOr<storage::CommitResult> done = co_await files.context.store.Commit(std::move(commit));
  if (absl::IsAborted(done.status())) {
    co_return false;
  }
  CO_RETURN_IF_ERROR(done.status());
  co_return true;
}

namespace {

// ---- a link's entry

absl::StatusOr<std::optional<storage::Entry>> EntryOf(const Files& files, const Id128& link) {
  return files.context.store.Get(LinkBucket(files, link), kLinkKey);
}

storage::CommitRequest EntryCommit(const Files& files, const Id128& link, const Id128& linked) {
  v1::LinkEntry entry;
  entry.set_linked_id(linked.ToBytes());
  storage::CommitRequest commit;
  commit.partition = LinkBucket(files, link);
  commit.batch.push_back({kLinkKey, entry.SerializeAsString()});
  return commit;
}

// Unless it was written again meanwhile.
Task<absl::Status> ForgetEntry(Files files, Id128 link, uint64_t version) {
  storage::CommitRequest forget;
  forget.partition = LinkBucket(files, link);
  forget.preconditions.push_back({kLinkKey, version});
  forget.batch.push_back({kLinkKey, std::nullopt});
  const absl::StatusOr<storage::CommitResult> gone = co_await files.context.store.Commit(std::move(forget));
  co_return absl::IsAborted(gone.status()) ? absl::OkStatus() : gone.status();
}

// Written once she is frozen, so that whoever erases her finds it by her state.
Task<absl::StatusOr<Step>> WriteEntry(Files files, Id128 person, Id128 link) {
  storage::CommitRequest said = EntryCommit(files, link, person);
  const absl::StatusOr<storage::CommitResult> listed = co_await files.context.store.Commit(std::move(said));
  CO_RETURN_IF_ERROR(listed.status());
  const absl::Status there = files.store.LoadOwn(person).status();
  if (absl::IsNotFound(there)) {  // erased meanwhile
    const absl::Status forgotten = co_await ForgetEntry(files, link, listed->version);
    CO_RETURN_IF_ERROR(forgotten);
    co_return Step::kAgain;
  }
  CO_RETURN_IF_ERROR(there);
  co_return Step::kDone;
}

// ---- commit 1 of a link

absl::StatusOr<storage::CommitRequest> FreezeCommit(const Files& files, const LinkWish& wish,
                                                    const Id128& linked, const VersionedState& now,
                                                    LinkedTo to) {
  PersonState next = *now.state;
  to.since = next.InstantOfNext(files.context.log.Now());
  next.LinkTo(to);
  ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, linked, now, next));
  audit::Event event = wish.event;
  event.event_id = wish.link;
  v1::PersonsLinked payload;  // without ids: an institution's act, whose DPO reads this leaf
  payload.set_link_id(wish.link.ToHex());
  payload.set_cause(wish.cause);
  RETURN_IF_ERROR(
      AddLeaf(files, std::move(event), audit::v1::EVENT_CLASS_PERSONS_LINKED, linked, payload, commit));
  return commit;
}

// They are one already: by the wished link, or by that of either, which every other one of the group has too.
Linked AlreadyOne(const PersonState& united, const LinkWish& wish) {
  if (const Link* wished = united.FindLink(wish.link); wished != nullptr && !wished->until) {
    return {LinkResult::kLinked, wish.link};
  }
  for (const Link& link : united.links()) {
    if (!link.until && (link.person == wish.one || link.person == wish.other)) {
      return {LinkResult::kAlready, link.id};
    }
  }
  return {LinkResult::kAlready, {}};
}

std::vector<Id128> NamesIn(const VersionedState& united, const Id128& person) {
  std::vector<Id128> names = {united.RootFor(person)};
  for (const Link& link : united.state->links()) {
    if (!link.until) {
      names.push_back(link.person);
    }
  }
  return names;
}

bool AnyOf(const std::vector<Id128>& names, const Id128& person) {
  return std::find(names.begin(), names.end(), person) != names.end();
}

// What the own history of one name says: frozen names have histories of their own, with whom they left
// before.
absl::Status AddPast(const Files& files, const Id128& name, const std::vector<Id128>& others, Past& past) {
  const absl::StatusOr<VersionedState> own = files.store.LoadOwn(name);
  if (absl::IsNotFound(own.status())) {
    return absl::OkStatus();  // erased
  }
  RETURN_IF_ERROR(own.status());
  for (const Link& link : own->state->links()) {
    if (link.until) {
      past.last = std::max(past.last, *link.until);
      past.each_other =
          past.each_other || AnyOf(others, link.person) || (link.left && AnyOf(others, link.via));
    }
  }
  return absl::OkStatus();
}

// What a steward took apart is not made one again by anything that was said or seen before, by likeness
// never.
bool AreApart(const LinkWish& wish, const Past& past) {
  switch (wish.cause) {
    case v1::LINK_CAUSE_TRAITS:
      return past.any();
    case v1::LINK_CAUSE_CONFIRMED:
      return past.each_other || past.last >= wish.at;
    default:
      return past.last >= wish.at;
  }
}

// What speaks against making one of two whose histories are these; kLinked: nothing does.
absl::StatusOr<LinkResult> Judge(const Files& files, const LinkWish& wish, const VersionedState& one,
                                 const VersionedState& other) {
  ASSIGN_OR_RETURN(const Past past, PastOf(files, NamesIn(one, wish.one), NamesIn(other, wish.other)));
  if (AreApart(wish, past)) {
    return LinkResult::kTakenApart;
  }
  if (one.state->HasLinked() && other.state->HasLinked()) {
    return LinkResult::kBothHaveOthers;
  }
  return Store::MayLink(*one.state, *other.state) ? LinkResult::kLinked : LinkResult::kTooMuch;
}

// ---- commit 2 of a link

absl::StatusOr<storage::CommitRequest> ListCommit(const Files& files, const Id128& person, const LinkedTo& to,
                                                  const VersionedState& canonical) {
  PersonState next = *canonical.state;
  // Later than what either said before she lists her: only what comes after was said by both (OneSince).
  const absl::Time since = std::max(to.since, next.InstantOfNext(files.context.log.Now()));
  const Link link{to.link, person, since, to.cause, std::nullopt, to.via};
  next.Add(link);
  ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, to.canonical, canonical, next));
  const audit::Event event = OwnEvent(files.context, audit::v1::EVENT_CLASS_PERSONS_LINKED, to.link);
  RETURN_IF_ERROR(AddLeaf(files, event, audit::v1::EVENT_CLASS_PERSONS_LINKED, to.canonical,
                          LinkedPayload(link, to.canonical), commit));
  return commit;
}

// The one she pointed to is erased or was frozen, and did not list her: she is on her own again.
Task<absl::StatusOr<Step>> Release(Files files, Id128 person, VersionedState own) {
  const Id128 link = own.state->linked_to()->link;
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, EntryOf(files, link));
  PersonState next = *own.state;
  next.Unlink();
  CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, person, own, next));
  const absl::StatusOr<bool> done = co_await CommitFor(files, person, std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  if (*done && entry) {
    const absl::Status forgotten = co_await ForgetEntry(files, link, entry->version);
    CO_RETURN_IF_ERROR(forgotten);
  }
  co_return Step::kAgain;
}

// What was recorded meanwhile left no room for the second commit: the first is void.
Task<absl::StatusOr<Step>> TurnOnce(Files files, Id128 person, VersionedState own) {
  PersonState next = *own.state;
  next.Turn();
  CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, person, own, next));
  const absl::StatusOr<bool> done = co_await CommitFor(files, person, std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  co_return Step::kAgain;
}

Task<absl::StatusOr<Step>> ListOnce(Files files, Id128 person, VersionedState own, VersionedState canonical) {
  const LinkedTo to = *own.state->linked_to();
  // Who is one human with her has changed since, or she is frozen herself: she will never list it.
  if (canonical.state->turns() != to.turn || canonical.state->linked_to()) {
    absl::StatusOr<Step> released = co_await Release(files, person, std::move(own));
    co_return released;
  }
  CO_ASSIGN_OR_RETURN(const VersionedState united, files.store.LoadFresh(to.canonical));
  if (united.version != canonical.version) {
    co_return Step::kAgain;
  }
  if (!Store::MayLink(*united.state, *own.state)) {
    absl::StatusOr<Step> turned = co_await TurnOnce(files, to.canonical, std::move(canonical));
    co_return turned;
  }
  const absl::StatusOr<Step> entered = co_await WriteEntry(files, person, to.link);
  CO_RETURN_IF_ERROR(entered.status());
  if (*entered == Step::kAgain) {
    co_return Step::kAgain;
  }
  CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, ListCommit(files, person, to, canonical));
  const absl::StatusOr<bool> done = co_await CommitFor(files, to.canonical, std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  co_return Step::kAgain;
}

// One step towards a complete link or split. Nothing to do: kDone.
Task<absl::StatusOr<Step>> CompleteOnce(Files files, Id128 person) {
  const absl::StatusOr<VersionedState> own = files.store.LoadOwn(person);
  if (absl::IsNotFound(own.status())) {
    co_return Step::kDone;
  }
  CO_RETURN_IF_ERROR(own.status());
  const std::vector<Link> links = own->state->links();
  const absl::Status tidied = co_await TidyAfter(files, person, links);
  CO_RETURN_IF_ERROR(tidied);
  if (!own->state->linked_to()) {
    const absl::Status pointed = co_await PointAll(files, person, links);
    CO_RETURN_IF_ERROR(pointed);
    co_return Step::kDone;
  }
  const LinkedTo to = *own->state->linked_to();
  const absl::StatusOr<VersionedState> canonical = files.store.LoadOwn(to.canonical);
  if (absl::IsNotFound(canonical.status())) {
    CO_ASSIGN_OR_RETURN(const bool listed, files.store.ListsWhileErased(to.canonical, to.link));
    if (listed) {
      co_return TooContended();  // by a restore: she is given what is hers first (leaving_erased.h)
    }
    absl::StatusOr<Step> released = co_await Release(files, person, *own);
    co_return released;
  }
  CO_RETURN_IF_ERROR(canonical.status());
  const Link* link = canonical->state->FindLink(to.link);
  if (link == nullptr) {
    absl::StatusOr<Step> listed = co_await ListOnce(files, person, *own, *canonical);
    co_return listed;
  }
  if (link->until) {
    absl::StatusOr<Step> left = co_await LeaveOnce(files, person, *own, *canonical);
    co_return left;
  }
  co_return Step::kDone;
}

// Undone before: not made again.
absl::StatusOr<bool> WasUndone(const Files& files, const Id128& link) {
  ASSIGN_OR_RETURN(const std::optional<Between> between, FindLinkBetween(files, link));
  return between && between->link.until.has_value();
}

}  // namespace

absl::StatusOr<Past> PastOf(const Files& files, const std::vector<Id128>& ones,
                            const std::vector<Id128>& others) {
  Past past;
  for (const Id128& one : ones) {
    RETURN_IF_ERROR(AddPast(files, one, others, past));
  }
  for (const Id128& other : others) {
    RETURN_IF_ERROR(AddPast(files, other, ones, past));
  }
  return past;
}

absl::StatusOr<std::optional<v1::LinkEntry>> ReadLinkEntry(const Files& files, const Id128& link) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, EntryOf(files, link));
  if (!entry) {
    return std::optional<v1::LinkEntry>();
  }
  v1::LinkEntry out;
  if (!out.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored link does not parse");
  }
  return std::optional(std::move(out));
}

Task<absl::Status> ForgetLinks(Registry& registry, Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                      registry.context.store.Get(PersonPartition(person), kStateKey));
  v1::StoredPerson stored;
  if (!entry) {
    co_return absl::OkStatus();
  }
  const absl::Status opened = registry.store.OpenFrozen(person, kStateKey, entry->value, stored);
  if (absl::IsNotFound(opened)) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(opened);
  std::vector<std::string> links = {stored.linked_to().link_id()};
  for (const v1::StoredLink& link : stored.links()) {
    links.push_back(link.link_id());
  }
  for (const std::string& bytes : links) {
    const absl::StatusOr<Id128> link = Id128::FromBytes(bytes);
    if (!link.ok()) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(const std::optional<v1::LinkEntry> said, ReadLinkEntry(registry.files(), *link));
    if (!said || said->linked_id() != person.bytes()) {
      continue;  // it goes with whom it names
    }
    storage::CommitRequest forget;
    forget.partition = LinkBucket(registry.files(), *link);
    forget.batch.push_back({kLinkKey, std::nullopt});
    const absl::StatusOr<storage::CommitResult> gone =
        co_await registry.context.store.Commit(std::move(forget));
    CO_RETURN_IF_ERROR(gone.status());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CompleteLink(Files files, Id128 person) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    const absl::StatusOr<Step> step = co_await CompleteOnce(files, person);
    CO_RETURN_IF_ERROR(step.status());
    if (*step == Step::kDone) {
      co_return absl::OkStatus();
    }
  }
  co_return TooContended();
}

absl::Status LinkRefusal(LinkResult result) {
  const auto wrong_state = [](std::string_view why) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, why);
  };
  switch (result) {
    case LinkResult::kLinked:
      return absl::OkStatus();
    case LinkResult::kAlready:
      return wrong_state("they are linked as one already");
    case LinkResult::kBothHaveOthers:
      return wrong_state("others are linked to each of them: undo the links of one first");
    case LinkResult::kTakenApart:
      return wrong_state("somebody of them was taken apart: only a merge that is asked for anew links them");
    case LinkResult::kTooMuch:
      return wrong_state("too many names, too many links before, or too many acts for one human");
  }
  return absl::InternalError("no such result");
}

absl::StatusOr<LinkResult> WouldLink(const Files& files, const LinkWish& wish) {
  ASSIGN_OR_RETURN(const VersionedState one, files.store.LoadFresh(wish.one));
  ASSIGN_OR_RETURN(const VersionedState other, files.store.LoadFresh(wish.other));
  if (one.RootFor(wish.one) == other.RootFor(wish.other)) {
    return AlreadyOne(*one.state, wish).result;
  }
  return Judge(files, wish, one, other);
}

Task<absl::StatusOr<Linked>> LinkPersons(Files files, LinkWish wish) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    const absl::Status one_complete = co_await CompleteLink(files, wish.one);
    CO_RETURN_IF_ERROR(one_complete);
    const absl::Status other_complete = co_await CompleteLink(files, wish.other);
    CO_RETURN_IF_ERROR(other_complete);
    CO_ASSIGN_OR_RETURN(const VersionedState one, files.store.LoadFresh(wish.one));
    CO_ASSIGN_OR_RETURN(const VersionedState other, files.store.LoadFresh(wish.other));
    CO_ASSIGN_OR_RETURN(const bool undone, WasUndone(files, wish.link));
    if (undone) {
      co_return Linked{LinkResult::kLinked, wish.link};
    }
    const Id128 first = one.RootFor(wish.one);
    const Id128 second = other.RootFor(wish.other);
    if (first == second) {
      co_return AlreadyOne(*one.state, wish);
    }
    if (one.unfinished || other.unfinished) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(const LinkResult judged, Judge(files, wish, one, other));
    if (judged != LinkResult::kLinked) {
      co_return Linked{judged, {}};
    }
    const std::optional<Id128> root =
        RootOfTwo(first, one.state->HasLinked(), second, other.state->HasLinked());
    if (!root) {
      co_return Linked{LinkResult::kBothHaveOthers, {}};
    }
    const Id128 linked = *root == first ? second : first;
    const VersionedState& hers = *root == first ? other : one;       // of who is to be frozen
    const VersionedState& canonical = *root == first ? one : other;  // as it was judged
    CO_ASSIGN_OR_RETURN(const VersionedState own, files.store.LoadOwn(linked));
    if (own.version != hers.version || own.state->linked_to() || own.state->HasLinked()) {
      continue;
    }
    // Of who is frozen nothing is left to be tidied away where she is linked once more.
    const absl::Status tidied = co_await TidyAfter(files, linked, own.state->links());
    CO_RETURN_IF_ERROR(tidied);
    const LinkedTo to{
        wish.link, *root, {}, wish.cause, *root == first ? wish.one : wish.other, canonical.state->turns()};
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, FreezeCommit(files, wish, linked, own, to));
    const absl::StatusOr<bool> frozen = co_await CommitFor(files, linked, std::move(commit));
    CO_RETURN_IF_ERROR(frozen.status());
  }
  co_return TooContended();
}

}  // namespace relais::consent
