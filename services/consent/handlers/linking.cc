#include "services/consent/handlers/linking.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/consent/convert.h"
#include "services/consent/domain/links.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kLinkKey[] = "link";
constexpr char kSplitPrefix[] = "split/";
constexpr size_t kPage = 500;

storage::Partition LinkBucket(const Files& files, const Id128& link) {
  return files.context.idempotency.Bucket("link", "", link.ToBytes());
}

std::string SplitKey(const Id128& link) { return kSplitPrefix + link.ToHex(); }

absl::Status WrongState(std::string_view why) {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, why);
}

// The registry's own act.
audit::Event OwnEvent(const Files& files, const Id128& event_id) {
  audit::Event event;
  event.institution = "service/consent";
  event.directory_version = files.context.directory()->version();
  event.event_id = event_id;
  return event;
}

storage::CommitRequest EntryCommit(const Files& files, const Id128& link, const v1::LinkEntry& entry) {
  storage::CommitRequest commit;
  commit.partition = LinkBucket(files, link);
  commit.batch.push_back({kLinkKey, entry.SerializeAsString()});
  return commit;
}

// A change of one person's own stored history, guarded by its version.
absl::StatusOr<storage::CommitRequest> ChangeOf(const Files& files, const Id128& person,
                                                const VersionedState& now, const PersonState& next) {
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  commit.preconditions.push_back({std::string(kStateKey), now.version});
  ASSIGN_OR_RETURN(storage::Mutation state, files.store.WriteState(person, next));
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

v1::PersonsLinked LinkedPayload(const Id128& link, const Id128& canonical, const Id128& linked,
                                v1::LinkCause cause) {
  v1::PersonsLinked payload;
  payload.set_link_id(link.ToHex());
  payload.set_canonical_id(canonical.ToBytes());
  payload.set_linked_id(linked.ToBytes());
  payload.set_cause(cause);
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

// True: committed; false: something came between.
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

// ---- commit 1 of a link

absl::StatusOr<storage::CommitRequest> FreezeCommit(const Files& files, const LinkWish& wish,
                                                    const Id128& canonical, const Id128& linked,
                                                    const VersionedState& now) {
  PersonState next = *now.state;
  next.LinkTo({wish.link, canonical, next.InstantOfNext(files.context.log.Now()), wish.cause});
  ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, linked, now, next));
  audit::Event event = wish.event;
  event.event_id = wish.link;
  v1::PersonsLinked payload = LinkedPayload(wish.link, canonical, linked, wish.cause);
  payload.clear_canonical_id();  // an institution's act: its DPO reads this leaf
  payload.clear_linked_id();
  RETURN_IF_ERROR(
      AddLeaf(files, std::move(event), audit::v1::EVENT_CLASS_PERSONS_LINKED, linked, payload, commit));
  return commit;
}

// The link between two that are one already: that of either, which every other one of the group has too.
Id128 LinkOf(const PersonState& united, const LinkWish& wish) {
  if (const Link* wished = united.FindLink(wish.link); wished != nullptr && !wished->until) {
    return wish.link;
  }
  for (const Link& link : united.links()) {
    if (!link.until && (link.person == wish.one || link.person == wish.other)) {
      return link.id;
    }
  }
  return {};
}

// ---- commit 2 of a link

// A lists B, and whom B listed before she was frozen.
absl::StatusOr<storage::CommitRequest> ListCommit(const Files& files, const Id128& person,
                                                  const PersonState& own, const VersionedState& canonical) {
  const LinkedTo& to = *own.linked_to();
  PersonState next = *canonical.state;
  next.Add(Link{to.link, person, to.since, to.cause, std::nullopt});
  for (const Link& more : own.links()) {
    if (!more.until && next.FindLink(more.id) == nullptr) {
      next.Add(more);
    }
  }
  ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, to.canonical, canonical, next));
  RETURN_IF_ERROR(AddLeaf(files, OwnEvent(files, to.link), audit::v1::EVENT_CLASS_PERSONS_LINKED,
                          to.canonical, LinkedPayload(to.link, to.canonical, person, to.cause), commit));
  return commit;
}

// She points to somebody else from here on: never chained.
absl::StatusOr<storage::CommitRequest> PointCommit(const Files& files, const Id128& person,
                                                   const VersionedState& own, const Id128& canonical) {
  PersonState next = *own.state;
  LinkedTo to = *next.linked_to();
  to.canonical = canonical;
  next.LinkTo(to);
  return ChangeOf(files, person, own, next);
}

Task<absl::Status> PointAll(Files files, PersonState own, Id128 canonical) {
  for (const Link& link : own.links()) {
    if (link.until) {
      continue;
    }
    for (int attempt = 0; attempt < kMostTries; ++attempt) {
      const absl::StatusOr<VersionedState> one = files.store.LoadOwn(link.person);
      if (absl::IsNotFound(one.status())) {
        break;
      }
      CO_RETURN_IF_ERROR(one.status());
      const std::optional<LinkedTo>& to = one->state->linked_to();
      if (!to || to->link != link.id || to->canonical == canonical) {
        break;
      }
      CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, PointCommit(files, link.person, *one, canonical));
      const absl::StatusOr<bool> done = co_await CommitFor(files, link.person, std::move(commit));
      CO_RETURN_IF_ERROR(done.status());
      if (*done) {
        break;
      }
    }
  }
  co_return absl::OkStatus();
}

// ---- commit 2 of a split

// What was written under her name in the other's partition moves: the same sealed bytes.
absl::StatusOr<std::vector<storage::KeyedEntry>> RowsUnderName(const Files& files, const Id128& at,
                                                               const Id128& name) {
  std::vector<storage::KeyedEntry> rows;
  std::string from;
  do {
    ASSIGN_OR_RETURN(storage::Page page,
                     files.context.store.Scan(PersonPartition(at), NamePrefix(name), from, kPage));
    for (storage::KeyedEntry& row : page.entries) {
      rows.push_back(std::move(row));
    }
    from = page.next;
  } while (!from.empty());
  return rows;
}

struct Leaving {
  storage::CommitRequest commit;  // in her partition
  storage::CommitRequest tidy;    // in the other's
};

absl::StatusOr<Leaving> LeaveCommit(const Files& files, const Id128& person, const VersionedState& own,
                                    const VersionedState& canonical, const Link& link) {
  const Id128 other = own.state->linked_to()->canonical;
  const std::string row = SplitKey(link.id);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   files.context.store.Get(PersonPartition(other), row));
  v1::StoredPerson stored;
  if (!entry) {
    return absl::DataLossError("a link ended without what leaves by it");
  }
  RETURN_IF_ERROR(files.store.Open(other, row, entry->value, stored));
  ASSIGN_OR_RETURN(const PersonState leaves, StateFrom(stored));
  Link ended = link;
  ended.person = other;
  Leaving leaving;
  ASSIGN_OR_RETURN(leaving.commit, ChangeOf(files, person, own, Rejoin(*own.state, leaves, ended)));
  leaving.tidy.partition = PersonPartition(other);
  leaving.tidy.batch.push_back({row, std::nullopt});
  std::vector<Id128> holders = {other};
  for (const Link& each : canonical.state->links()) {
    if (each.person != person) {
      holders.push_back(each.person);
    }
  }
  std::vector<std::string> moved;
  // The text of her agreements, also where it was last written under another name.
  for (const Agreement& agreement : leaves.agreements()) {
    std::string key = ConsentKey(agreement.id);
    v1::Consent consent;
    ASSIGN_OR_RETURN(const bool found, files.store.OpenRow(person, key, consent));
    if (found) {
      ASSIGN_OR_RETURN(storage::Mutation text, files.store.WriteSealed(person, key, consent));
      leaving.commit.batch.push_back(std::move(text));
      leaving.tidy.batch.push_back({key, std::nullopt});
      moved.push_back(std::move(key));
    }
  }
  for (const Id128& holder : holders) {
    ASSIGN_OR_RETURN(const std::vector<storage::KeyedEntry> rows, RowsUnderName(files, holder, person));
    for (const storage::KeyedEntry& each : rows) {
      std::string key = each.key.substr(NamePrefix(person).size());
      if (std::find(moved.begin(), moved.end(), key) == moved.end()) {  // the other's own is the newest
        moved.push_back(key);
        leaving.commit.batch.push_back({std::move(key), each.entry.value});
      }
      if (holder == other) {
        leaving.tidy.batch.push_back({each.key, std::nullopt});
      }
    }
  }
  ASSIGN_OR_RETURN(const std::optional<v1::LinkEntry> said, ReadLinkEntry(files, link.id));
  const absl::StatusOr<Id128> by = Id128::FromBytes(said ? said->split_by() : "");
  RETURN_IF_ERROR(AddLeaf(files, OwnEvent(files, by.ok() ? *by : link.id),
                          audit::v1::EVENT_CLASS_PERSONS_SPLIT, person, SplitPayload(link, other),
                          leaving.commit));
  return leaving;
}

// The one she pointed to is erased, and did not know of her: she is on her own again.
absl::StatusOr<storage::CommitRequest> ReleaseCommit(const Files& files, const Id128& person,
                                                     const VersionedState& own) {
  PersonState next = *own.state;
  next.Unlink();
  return ChangeOf(files, person, own, next);
}

enum class Step { kDone, kAgain };

// One step towards a complete link or split. Nothing to do: kDone.
Task<absl::StatusOr<Step>> CompleteOnce(Files files, Id128 person) {
  const absl::StatusOr<VersionedState> own = files.store.LoadOwn(person);
  if (absl::IsNotFound(own.status())) {
    co_return Step::kDone;
  }
  CO_RETURN_IF_ERROR(own.status());
  if (!own->state->linked_to()) {
    co_return Step::kDone;
  }
  const LinkedTo to = *own->state->linked_to();
  const absl::StatusOr<VersionedState> canonical = files.store.LoadOwn(to.canonical);
  if (absl::IsNotFound(canonical.status())) {
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, ReleaseCommit(files, person, *own));
    const absl::StatusOr<bool> done = co_await CommitFor(files, person, std::move(commit));
    CO_RETURN_IF_ERROR(done.status());
    co_return Step::kAgain;
  }
  CO_RETURN_IF_ERROR(canonical.status());
  const Link* link = canonical->state->FindLink(to.link);
  if (link != nullptr && link->until) {  // also where the other was linked to somebody else since
    CO_ASSIGN_OR_RETURN(Leaving leaving, LeaveCommit(files, person, *own, *canonical, *link));
    const absl::StatusOr<bool> left = co_await CommitFor(files, person, std::move(leaving.commit));
    CO_RETURN_IF_ERROR(left.status());
    if (*left) {
      const absl::StatusOr<storage::CommitResult> tidied =
          co_await files.context.store.Commit(std::move(leaving.tidy));
      CO_RETURN_IF_ERROR(tidied.status());
    }
    co_return Step::kAgain;
  }
  if (canonical->state->linked_to()) {
    // Frozen herself meanwhile: first she, then past her.
    const absl::Status first = co_await CompleteLink(files, to.canonical);
    CO_RETURN_IF_ERROR(first);
    const absl::StatusOr<VersionedState> now = files.store.LoadOwn(to.canonical);
    if (!now.ok() || !now->state->linked_to()) {
      co_return Step::kAgain;
    }
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit,
                        PointCommit(files, person, *own, now->state->linked_to()->canonical));
    const absl::StatusOr<bool> done = co_await CommitFor(files, person, std::move(commit));
    CO_RETURN_IF_ERROR(done.status());
    co_return Step::kAgain;
  }
  if (link == nullptr) {
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, ListCommit(files, person, *own->state, *canonical));
    const absl::StatusOr<bool> done = co_await CommitFor(files, to.canonical, std::move(commit));
    CO_RETURN_IF_ERROR(done.status());
    co_return Step::kAgain;
  }
  const absl::Status pointed = co_await PointAll(files, *own->state, to.canonical);
  CO_RETURN_IF_ERROR(pointed);
  co_return Step::kDone;
}

// ---- commit 1 of a split

absl::StatusOr<storage::CommitRequest> PartCommit(const Files& files, const Id128& canonical,
                                                  const VersionedState& united, const Id128& link,
                                                  const audit::Event& event) {
  const absl::Time instant = united.state->InstantOfNext(files.context.log.Now());
  const Parted parted = Part(*united.state, link, instant);
  ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, canonical, united, parted.stays));
  ASSIGN_OR_RETURN(storage::Mutation row,
                   files.store.WriteSealed(canonical, SplitKey(link), StoredFrom(parted.leaves)));
  commit.batch.push_back(std::move(row));
  v1::PersonsSplit payload = SplitPayload(*parted.stays.FindLink(link), canonical);
  payload.clear_canonical_id();  // an institution's act: its DPO reads this leaf
  payload.clear_linked_id();
  RETURN_IF_ERROR(AddLeaf(files, event, audit::v1::EVENT_CLASS_PERSONS_SPLIT, canonical, payload, commit));
  return commit;
}

bool Ended(const PersonState& state, const Id128& link) {
  const Link* found = state.FindLink(link);
  return found != nullptr && found->until.has_value();
}

}  // namespace

absl::StatusOr<std::optional<v1::LinkEntry>> ReadLinkEntry(const Files& files, const Id128& link) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   files.context.store.Get(LinkBucket(files, link), kLinkKey));
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

Task<absl::StatusOr<Id128>> LinkPersons(Files files, LinkWish wish) {
  CO_ASSIGN_OR_RETURN(const std::optional<v1::LinkEntry> before, ReadLinkEntry(files, wish.link));
  if (before) {
    CO_ASSIGN_OR_RETURN(const Id128 linked, Id128::FromBytes(before->linked_id()));
    CO_ASSIGN_OR_RETURN(const VersionedState own, files.store.LoadOwn(linked));
    if (Ended(*own.state, wish.link)) {
      co_return wish.link;  // it was made, and undone since
    }
  }
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    const absl::Status one_complete = co_await CompleteLink(files, wish.one);
    CO_RETURN_IF_ERROR(one_complete);
    const absl::Status other_complete = co_await CompleteLink(files, wish.other);
    CO_RETURN_IF_ERROR(other_complete);
    CO_ASSIGN_OR_RETURN(const VersionedState one, files.store.LoadFresh(wish.one));
    CO_ASSIGN_OR_RETURN(const VersionedState other, files.store.LoadFresh(wish.other));
    const Id128 first = one.RootFor(wish.one);
    const Id128 second = other.RootFor(wish.other);
    if (first == second) {
      co_return LinkOf(*one.state, wish);
    }
    const Id128 canonical = std::min(first, second);
    const Id128 linked = std::max(first, second);
    CO_ASSIGN_OR_RETURN(const VersionedState own, files.store.LoadOwn(linked));
    if (own.state->linked_to()) {
      continue;
    }
    v1::LinkEntry entry;
    entry.set_canonical_id(canonical.ToBytes());
    entry.set_linked_id(linked.ToBytes());
    storage::CommitRequest said = EntryCommit(files, wish.link, entry);
    const absl::StatusOr<storage::CommitResult> listed = co_await files.context.store.Commit(std::move(said));
    CO_RETURN_IF_ERROR(listed.status());
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, FreezeCommit(files, wish, canonical, linked, own));
    const absl::StatusOr<bool> frozen = co_await CommitFor(files, linked, std::move(commit));
    CO_RETURN_IF_ERROR(frozen.status());
  }
  co_return TooContended();
}

Task<absl::StatusOr<Id128>> SplitPersons(Files files, Id128 link, audit::Event event) {
  const std::string by = event.event_id.ToBytes();
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(std::optional<v1::LinkEntry> entry, ReadLinkEntry(files, link));
    if (!entry) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_ASSIGN_OR_RETURN(const Id128 linked, Id128::FromBytes(entry->linked_id()));
    const absl::Status completed = co_await CompleteLink(files, linked);
    CO_RETURN_IF_ERROR(completed);
    CO_ASSIGN_OR_RETURN(const VersionedState own, files.store.LoadOwn(linked));
    if (!own.state->linked_to() || own.state->linked_to()->link != link) {
      if (!Ended(*own.state, link)) {
        co_return rpc::NoSuchOrNotYours();
      }
      if (entry->split_by() != by) {
        co_return WrongState("this link is undone already");
      }
      co_return linked;
    }
    if (entry->split_by() != by) {  // before the first commit: whoever wrote it last names both leaves
      entry->set_split_by(by);
      storage::CommitRequest said = EntryCommit(files, link, *entry);
      const absl::StatusOr<storage::CommitResult> listed =
          co_await files.context.store.Commit(std::move(said));
      CO_RETURN_IF_ERROR(listed.status());
    }
    const Id128 canonical = own.state->linked_to()->canonical;
    CO_ASSIGN_OR_RETURN(const VersionedState united, files.store.LoadFresh(canonical));
    const Link* there = united.state->FindLink(link);
    if (united.RootFor(canonical) != canonical || there == nullptr || there->until) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, PartCommit(files, canonical, united, link, event));
    const absl::StatusOr<bool> parted = co_await CommitFor(files, canonical, std::move(commit));
    CO_RETURN_IF_ERROR(parted.status());
  }
  co_return TooContended();
}

}  // namespace relais::consent
