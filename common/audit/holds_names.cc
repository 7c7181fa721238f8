// Whom a legal hold covers besides the person it was placed on: the part of Holds that knows, tells and is
// told (ADR 41).
#include <algorithm>
#include <optional>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/hold_rows.h"
#include "common/audit/holds.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"

namespace relais::audit {
namespace {

using internal::HeldNameKey;
using internal::HoldContext;
using internal::HoldPartition;
using internal::kHeldNamePrefix;
using internal::kHoldRow;

constexpr size_t kPageSize = 200;
// Before the time that the leaf will have, also where the clock goes back meanwhile (2 s at most).
constexpr absl::Duration kSurelyPassed = absl::Seconds(10);

bool IsAmong(const std::vector<Subject>& persons, const Subject& person) {
  return std::find(persons.begin(), persons.end(), person) != persons.end();
}

}  // namespace

// ---- who they are

absl::Status Holds::LoadNames(Hold& hold) const {
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     store_.Scan(HoldPartition(hold.info.id), kHeldNamePrefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      ASSIGN_OR_RETURN(const std::string plain,
                       crypto::OpenRandom(hold.key, HoldContext(hold.info.id, row.key), row.entry.value));
      audit::v1::StoredHoldName name;
      if (!name.ParseFromString(plain)) {
        return absl::DataLossError("a name of a legal hold does not parse");
      }
      ASSIGN_OR_RETURN(const Subject person, Subject::Decode(name.subject()));
      hold.names[person] = name.until() == 0;
    }
    from = page.next;
  } while (!from.empty());
  return absl::OkStatus();
}

// The subject of the leaf that placed it is covered until another says otherwise.
bool Holds::IsTold(const Hold& hold, const Subject& person) {
  const auto name = hold.names.find(person);
  return name == hold.names.end() ? person == hold.subject : name->second;
}

// What does not open says nothing of who they are: then those count whom leaves have told of.
absl::StatusOr<std::optional<std::vector<Subject>>> Holds::KnownNames(const Hold& hold) const {
  if (states_ == nullptr) {
    return std::optional<std::vector<Subject>>();
  }
  absl::StatusOr<std::optional<std::vector<Subject>>> known = states_->NamesOf(hold.subject);
  if (DoesNotRead(known.status())) {
    log::Error("a legal hold cannot tell who is one with whom it is about",
               {log::Field::Code(known.status())});
    return std::optional<std::vector<Subject>>();
  }
  return known;
}

absl::StatusOr<std::vector<Subject>> Holds::PersonsOf(const Hold& hold) const {
  ASSIGN_OR_RETURN(const std::optional<std::vector<Subject>> known, KnownNames(hold));
  std::vector<Subject> persons;
  if (known.has_value() || IsTold(hold, hold.subject)) {
    persons.push_back(hold.subject);
  }
  if (known.has_value()) {
    persons.insert(persons.end(), known->begin(), known->end());
  }
  for (const auto& [person, covered] : hold.names) {
    // Where it is known, of those that are told of, who is being erased: her history, which says with whom
    // she is one, may be gone, and a leaf of hers still to be copied.
    const bool counts = covered && (!known.has_value() || log_.keys().Frozen(person));
    if (counts && !IsAmong(persons, person)) {
      persons.push_back(person);
    }
  }
  return persons;
}

// ---- what leaves and rows say

absl::StatusOr<storage::LeafDraft> Holds::PlacedLeaf(const Hold& hold, const Subject& person,
                                                     absl::Time until, Event event) const {
  event.event_class = audit::v1::EVENT_CLASS_HOLD_PLACED;
  event.event_id = hold.info.id;
  event.subject = person;
  audit::v1::HoldPlaced payload;
  payload.set_hold_id(hold.info.id.ToHex());
  payload.set_order_reference(hold.order_reference);
  *payload.mutable_until() = ToProto(until);
  event.details.mutable_payload()->PackFrom(payload);
  return log_.Draft(std::move(event));
}

absl::StatusOr<storage::Mutation> Holds::NameRow(const Hold& hold, const Subject& person,
                                                 bool covered) const {
  const int64_t now = absl::ToUnixMicros(log_.Now());
  audit::v1::StoredHoldName name;
  name.set_subject(person.Encode());
  name.set_since(now);
  name.set_until(covered ? 0 : now);
  std::string key = HeldNameKey(hold.key, person);
  ASSIGN_OR_RETURN(std::string sealed, crypto::SealRandom(random_, hold.key, HoldContext(hold.info.id, key),
                                                          name.SerializeAsString()));
  return storage::Mutation{std::move(key), std::move(sealed)};
}

// Who places it need not know the others: the leaves about them are this service's own.
absl::Status Holds::AddOtherNames(const Event& event, Hold& hold, storage::CommitRequest& commit) const {
  ASSIGN_OR_RETURN(const std::vector<Subject> persons, PersonsOf(hold));
  for (const Subject& person : persons) {
    if (person == hold.subject) {
      continue;
    }
    Event about = event;
    about.institution = own_event_(audit::v1::EVENT_CLASS_HOLD_PLACED).institution;
    absl::StatusOr<storage::LeafDraft> draft = PlacedLeaf(hold, person, hold.info.until, std::move(about));
    if (IsErased(draft.status())) {
      continue;
    }
    RETURN_IF_ERROR(draft.status());
    ASSIGN_OR_RETURN(storage::Mutation row, NameRow(hold, person, true));
    commit.leaves.push_back(*std::move(draft));
    commit.batch.push_back(std::move(row));
    hold.names[person] = true;
  }
  return absl::OkStatus();
}

void Holds::NoteName(const Id128& hold, const Subject& person, bool covered) {
  std::lock_guard lock(mu_);
  const auto current = holds_.find(hold);
  if (current == holds_.end() || current->second->info.ended.has_value()) {
    return;
  }
  auto next = std::make_shared<Hold>(*current->second);
  next->names[person] = covered;
  current->second = std::move(next);
}

// ABORTED: it ended meanwhile. IsErased: she is erased, or about to be.
Task<absl::Status> Holds::SetName(HoldPtr hold, Subject person, bool covered, Event event) {
  const absl::Time until = covered ? hold->info.until : log_.Now() - kSurelyPassed;
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, PlacedLeaf(*hold, person, until, std::move(event)));
  CO_ASSIGN_OR_RETURN(storage::Mutation row, NameRow(*hold, person, covered));
  storage::CommitRequest commit;
  commit.partition = HoldPartition(hold->info.id);
  commit.preconditions.push_back({std::string(kHoldRow), hold->version});
  commit.batch.push_back(std::move(row));
  commit.leaves.push_back(std::move(draft));
  const absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  NoteName(hold->info.id, person, covered);
  co_return absl::OkStatus();
}

// ---- being told

Task<absl::Status> Holds::TakeIn(HoldPtr hold, Subject person, Event event) {
  if (IsTold(*hold, person)) {
    co_return absl::OkStatus();
  }
  const absl::Status set = co_await SetName(hold, person, true, std::move(event));
  CO_RETURN_IF_ERROR(set);
  const absl::StatusOr<bool> copied = co_await CopyCovered(std::move(hold));
  if (!copied.ok()) {
    CopyAgain();
  }
  co_return copied.status();
}

Task<absl::Status> Holds::NoLongerCovers(Id128 id, Subject person, Event event) {
  const absl::StatusOr<HoldPtr> hold = InForce(id);
  if (!hold.ok() || !IsTold(**hold, person)) {
    co_return absl::OkStatus();
  }
  const absl::Status set = co_await SetName(*hold, person, false, std::move(event));
  co_return set;
}

// ---- telling

Task<absl::StatusOr<bool>> Holds::Tell(Id128 id) {
  const absl::StatusOr<HoldPtr> now = InForce(id);  // with what was told a moment ago
  if (!now.ok()) {
    co_return false;
  }
  const HoldPtr& hold = *now;
  CO_ASSIGN_OR_RETURN(const std::optional<std::vector<Subject>> known, KnownNames(*hold));
  if (!known.has_value()) {
    co_return false;
  }
  std::vector<std::pair<Subject, bool>> changes;
  for (const Subject& person : *known) {
    if (!IsTold(*hold, person)) {
      changes.emplace_back(person, true);
    }
  }
  for (const auto& [person, covered] : hold->names) {
    // Of who is being erased her history may be gone: that says nothing.
    if (covered && !IsAmong(*known, person) && !log_.keys().Frozen(person)) {
      changes.emplace_back(person, false);
    }
  }
  bool came_in = false;
  for (const auto& [person, covered] : changes) {
    Event event = own_event_(audit::v1::EVENT_CLASS_HOLD_PLACED);
    const absl::Status set = co_await SetName(hold, person, covered, std::move(event));
    if (absl::IsAborted(set)) {
      co_return false;
    }
    if (IsErased(set)) {
      if (!covered) {
        NoteName(id, person, false);  // nobody is left to be told of
      }
      continue;
    }
    CO_RETURN_IF_ERROR(set);
    came_in = came_in || covered;
  }
  co_return came_in;
}

// Who came in is copied at once: the next sweep may be a day away, and those who follow have copied her.
Task<absl::Status> Holds::TellAll() {
  absl::Status first;
  const std::vector<HoldPtr> in_force = AllInForce();
  for (const HoldPtr& hold : in_force) {
    const absl::StatusOr<bool> came_in = co_await Tell(hold->info.id);
    first.Update(came_in.status());
    if (came_in.ok() && *came_in) {
      const absl::StatusOr<bool> copied = co_await CopyCovered(hold);
      if (!copied.ok()) {
        CopyAgain();
      }
      first.Update(copied.status());
    }
  }
  co_return first;
}

}  // namespace relais::audit
