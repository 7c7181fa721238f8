// The end of a link (linking.h).
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/consent/convert.h"
#include "services/consent/domain/links.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/link_steps.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr size_t kPage = 500;

absl::Status WrongState(std::string_view why) {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, why);
}

// ---- commit 1

absl::StatusOr<storage::CommitRequest> PartCommit(const Files& files, const Id128& canonical,
                                                  const VersionedState& united, const Id128& link,
                                                  audit::Event event) {
  const absl::Time now = WholeMicros(files.context.log.Now());
  const Parted parted = Part(*united.state, link, now, event.event_id);
  ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, canonical, united, parted.stays));
  ASSIGN_OR_RETURN(storage::Mutation row,
                   files.store.WriteSealed(canonical, SplitKey(link), StoredFrom(parted.leaves)));
  commit.batch.push_back(std::move(row));
  v1::PersonsSplit payload = SplitPayload(*parted.stays.FindLink(link), canonical);
  payload.clear_canonical_id();  // an institution's act: its DPO reads this leaf
  payload.clear_linked_id();
  event.event_class = audit::v1::EVENT_CLASS_PERSONS_SPLIT;
  event.details.mutable_payload()->PackFrom(payload);
  ASSIGN_OR_RETURN(const std::vector<audit::Event> events, AboutEach(files, event, {canonical}));
  for (const audit::Event& each : events) {
    ASSIGN_OR_RETURN(storage::LeafDraft leaf, files.context.log.Draft(each));
    commit.leaves.push_back(std::move(leaf));
  }
  return commit;
}

// ---- commit 2

// What leaves by a link, and the version of its row; nullopt: it was taken and tidied away.
struct LeavingRow {
  PersonState leaves;
  uint64_t version = 0;
};

absl::StatusOr<std::optional<LeavingRow>> ReadLeavingRow(const Files& files, const Id128& other,
                                                         const Id128& link) {
  const std::string key = SplitKey(link);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   files.context.store.Get(PersonPartition(other), key));
  if (!entry) {
    return std::optional<LeavingRow>();
  }
  v1::StoredPerson stored;
  RETURN_IF_ERROR(files.store.Open(other, key, entry->value, stored));
  ASSIGN_OR_RETURN(PersonState leaves, StateFrom(stored));
  return std::optional(LeavingRow{std::move(leaves), entry->version});
}

// Whom it is about first, then who goes along.
std::vector<Id128> NamesLeaving(const Id128& person, const PersonState& leaves) {
  std::vector<Id128> names = {person};
  for (const Link& link : leaves.links()) {
    names.push_back(link.person);
  }
  return names;
}

// Some of what was written under these names in a partition that is another's; empty: there is nothing.
absl::StatusOr<std::vector<storage::KeyedEntry>> SomeRows(const Files& files, const Id128& at,
                                                          const std::vector<Id128>& names) {
  for (const Id128& name : names) {
    ASSIGN_OR_RETURN(storage::Page page,
                     files.context.store.Scan(PersonPartition(at), NamePrefix(name), "", kPage));
    if (!page.entries.empty()) {
      return std::move(page.entries);
    }
  }
  return std::vector<storage::KeyedEntry>();
}

// What was written under the names of those who leave, in the partition of who stays, goes with them: the
// same sealed bytes. Page by page, for a commit has bounds: nothing is written under these names while the
// split is between its commits, and she is on her own, and may write, only after the last page. False:
// somebody else did that meanwhile.
Task<absl::StatusOr<bool>> TakeRows(Files files, Id128 person, uint64_t version, Id128 other,
                                    std::vector<Id128> names) {
  for (const Id128& name : names) {
    std::string from;
    do {
      CO_ASSIGN_OR_RETURN(storage::Page page,
                          files.context.store.Scan(PersonPartition(other), NamePrefix(name), from, kPage));
      storage::CommitRequest take;
      take.partition = PersonPartition(person);
      take.preconditions.push_back({std::string(kStateKey), version});
      for (storage::KeyedEntry& each : page.entries) {
        const std::string key = each.key.substr(NamePrefix(name).size());
        take.batch.push_back({RowKey(person, name, key), std::move(each.entry.value)});
      }
      from = page.next;
      if (take.batch.empty()) {
        continue;
      }
      const absl::StatusOr<bool> taken = co_await CommitFor(files, person, std::move(take));
      CO_RETURN_IF_ERROR(taken.status());
      if (!*taken) {
        co_return false;
      }
    } while (!from.empty());
  }
  co_return true;
}

// She is on her own again, with those who went along: from here on they are linked to her.
absl::Status AddLeaves(const Files& files, const Id128& person, const Id128& other, const Link& ended,
                       const PersonState& leaves, storage::CommitRequest& commit) {
  const audit::Event event = OwnEvent(files.context, audit::v1::EVENT_CLASS_PERSONS_SPLIT, ended.ended_by);
  Link own = ended;
  own.person = person;
  RETURN_IF_ERROR(
      AddLeaf(files, event, audit::v1::EVENT_CLASS_PERSONS_SPLIT, person, SplitPayload(own, other), commit));
  for (const Link& link : leaves.links()) {
    RETURN_IF_ERROR(AddLeaf(files, event, audit::v1::EVENT_CLASS_PERSONS_SPLIT, link.person,
                            SplitPayload(link, other), commit));
    RETURN_IF_ERROR(AddLeaf(files, event, audit::v1::EVENT_CLASS_PERSONS_LINKED, person,
                            LinkedPayload(link, person), commit));
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::CommitRequest> LeaveCommit(const Files& files, const Id128& person,
                                                   const VersionedState& own, const Link& ended,
                                                   const PersonState& leaves) {
  const Id128 other = own.state->linked_to()->canonical;
  ASSIGN_OR_RETURN(storage::CommitRequest commit,
                   ChangeOf(files, person, own, Rejoin(*own.state, leaves, ended, other)));
  RETURN_IF_ERROR(AddLeaves(files, person, other, ended, leaves, commit));
  return commit;
}

// ---- commit 3

// What she took goes from the other's partition, page by page, the row that says so last. Guarded by that
// row: once only, for later there may be new rows under her name, by another link.
Task<absl::Status> TidyOnce(Files files, Id128 person, Id128 other, Id128 link, LeavingRow row) {
  const std::vector<Id128> names = NamesLeaving(person, row.leaves);
  for (bool more = true; more;) {
    CO_ASSIGN_OR_RETURN(const std::vector<storage::KeyedEntry> rows, SomeRows(files, other, names));
    storage::CommitRequest tidy;
    tidy.partition = PersonPartition(other);
    tidy.preconditions.push_back({SplitKey(link), row.version});
    for (const storage::KeyedEntry& each : rows) {
      tidy.batch.push_back({each.key, std::nullopt});
    }
    more = !rows.empty();
    if (!more) {
      tidy.batch.push_back({SplitKey(link), std::nullopt});
    }
    const absl::StatusOr<storage::CommitResult> tidied = co_await files.context.store.Commit(std::move(tidy));
    if (absl::IsAborted(tidied.status())) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(tidied.status());
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<bool>> PointOnce(Files files, Id128 person, VersionedState own, Id128 canonical) {
  PersonState next = *own.state;
  next.PointTo(canonical);
  CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, ChangeOf(files, person, own, next));
  const absl::StatusOr<bool> done = co_await CommitFor(files, person, std::move(commit));
  co_return done;
}

// She went along with one who left: first that one, then she points to her.
Task<absl::StatusOr<Step>> FollowOnce(Files files, Id128 person, VersionedState own, Id128 with) {
  const absl::Status first = co_await CompleteLink(files, with);
  CO_RETURN_IF_ERROR(first);
  const absl::StatusOr<VersionedState> leaver = files.store.LoadOwn(with);
  if (absl::IsNotFound(leaver.status())) {
    co_return Step::kAgain;  // then this one is erased too
  }
  CO_RETURN_IF_ERROR(leaver.status());
  const bool listed = leaver->state->FindLink(own.state->linked_to()->link) != nullptr;
  if (!listed || leaver->state->linked_to()) {
    co_return Step::kAgain;
  }
  const absl::StatusOr<bool> pointed = co_await PointOnce(files, person, std::move(own), with);
  CO_RETURN_IF_ERROR(pointed.status());
  co_return Step::kAgain;
}

}  // namespace

absl::StatusOr<std::optional<Between>> FindLinkBetween(const Files& files, const Id128& link) {
  ASSIGN_OR_RETURN(const std::optional<v1::LinkEntry> entry, ReadLinkEntry(files, link));
  if (!entry) {
    return std::optional<Between>();
  }
  ASSIGN_OR_RETURN(Id128 person, Id128::FromBytes(entry->linked_id()));
  for (int step = 0; step < 2; ++step) {
    const absl::StatusOr<VersionedState> own = files.store.LoadOwn(person);
    if (absl::IsNotFound(own.status())) {
      return std::optional<Between>();
    }
    RETURN_IF_ERROR(own.status());
    if (const std::optional<LinkedTo>& to = own->state->linked_to(); to && to->link == link) {
      Between between{to->canonical, person, {link, person, to->since, to->cause, std::nullopt, to->via}};
      const absl::StatusOr<VersionedState> canonical = files.store.LoadOwn(to->canonical);
      if (canonical.ok()) {
        const Link* listed = canonical->state->FindLink(link);
        between.link.since = listed == nullptr ? to->since : listed->since;
      } else if (!absl::IsNotFound(canonical.status())) {
        return canonical.status();
      }
      return std::optional(between);
    }
    const Link* found = own->state->FindLink(link);
    if (found == nullptr) {
      return std::optional<Between>();
    }
    if (found->left) {
      return std::optional(Between{found->person, person, *found});
    }
    person = found->person;  // the entry is of an attempt that was void: she lists the other
  }
  return std::optional<Between>();
}

Task<absl::StatusOr<Step>> LeaveOnce(Files files, Id128 person, VersionedState own,
                                     VersionedState canonical) {
  const Link ended = *canonical.state->FindLink(own.state->linked_to()->link);
  if (!ended.went_with.IsZero()) {
    const Link* taken = canonical.state->FindLink(ended.went_with);
    if (taken == nullptr) {
      co_return absl::DataLossError("a link ended with one that is not there");
    }
    absl::StatusOr<Step> followed = co_await FollowOnce(files, person, std::move(own), taken->person);
    co_return followed;
  }
  const Id128 other = own.state->linked_to()->canonical;
  CO_ASSIGN_OR_RETURN(const std::optional<LeavingRow> row, ReadLeavingRow(files, other, ended.id));
  if (!row) {
    co_return Step::kAgain;  // another took it meanwhile
  }
  const std::vector<Id128> names = NamesLeaving(person, row->leaves);
  const absl::StatusOr<bool> taken = co_await TakeRows(files, person, own.version, other, names);
  CO_RETURN_IF_ERROR(taken.status());
  if (*taken) {
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, LeaveCommit(files, person, own, ended, row->leaves));
    const absl::StatusOr<bool> left = co_await CommitFor(files, person, std::move(commit));
    CO_RETURN_IF_ERROR(left.status());
  }
  co_return Step::kAgain;  // on her own, she tidies up
}

Task<absl::Status> TidyAfter(Files files, Id128 person, std::vector<Link> links) {
  for (const Link& link : links) {
    if (!link.left) {
      continue;
    }
    const absl::StatusOr<std::optional<LeavingRow>> row = ReadLeavingRow(files, link.person, link.id);
    if (absl::IsNotFound(row.status())) {
      continue;  // the other is erased, with what was there
    }
    CO_RETURN_IF_ERROR(row.status());
    if (!row->has_value()) {
      continue;
    }
    const absl::Status tidied = co_await TidyOnce(files, person, link.person, link.id, **row);
    CO_RETURN_IF_ERROR(tidied);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> PointAll(Files files, Id128 person, std::vector<Link> links) {
  for (const Link& link : links) {
    for (int attempt = 0; attempt < kMostTries && !link.until; ++attempt) {
      const absl::StatusOr<VersionedState> one = files.store.LoadOwn(link.person);
      if (absl::IsNotFound(one.status())) {
        break;
      }
      CO_RETURN_IF_ERROR(one.status());
      const std::optional<LinkedTo>& to = one->state->linked_to();
      if (!to || to->link != link.id || to->canonical == person) {
        break;
      }
      const absl::StatusOr<bool> pointed = co_await PointOnce(files, link.person, *one, person);
      CO_RETURN_IF_ERROR(pointed.status());
      if (*pointed) {
        break;
      }
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SettleLinks(Files files, Id128 person) {
  const absl::StatusOr<VersionedState> united = files.store.LoadFresh(person);
  if (absl::IsNotFound(united.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(united.status());
  std::vector<Id128> all = {united->RootFor(person), person};
  for (const Link& link : united->state->links()) {
    all.push_back(link.person);  // also who left: what is hers may still be here
  }
  for (const Id128& each : all) {
    const absl::Status settled = co_await CompleteLink(files, each);
    CO_RETURN_IF_ERROR(settled);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<Id128>> SplitPersons(Files files, Id128 link, audit::Event event) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const std::optional<Between> found, FindLinkBetween(files, link));
    if (!found) {
      co_return rpc::NoSuchOrNotYours();
    }
    const absl::Status completed = co_await CompleteLink(files, found->linked);
    CO_RETURN_IF_ERROR(completed);
    CO_ASSIGN_OR_RETURN(const std::optional<Between> between, FindLinkBetween(files, link));
    if (!between) {
      co_return rpc::NoSuchOrNotYours();
    }
    if (between->link.until) {
      if (between->link.ended_by != event.event_id) {
        co_return WrongState("this link is undone already");
      }
      co_return between->linked;
    }
    CO_ASSIGN_OR_RETURN(const VersionedState united, files.store.LoadFresh(between->canonical));
    const Link* there = united.state->FindLink(link);
    if (!united.root.IsZero() || united.unfinished || there == nullptr || there->until) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit,
                        PartCommit(files, between->canonical, united, link, event));
    const absl::StatusOr<bool> parted = co_await CommitFor(files, between->canonical, std::move(commit));
    CO_RETURN_IF_ERROR(parted.status());
  }
  co_return TooContended();
}

}  // namespace relais::consent
