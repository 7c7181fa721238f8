#include "common/audit/holds.h"

#include <algorithm>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/hold_rows.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/crypto/destroyed_key.h"
#include "common/storage/partitions.h"

namespace relais::audit {
namespace {

using internal::HoldContext;
using internal::HoldPartition;
using internal::kHoldRow;

constexpr std::string_view kEndRow = "end";
constexpr size_t kHoldsAtOnce = 500;
constexpr size_t kPageBytes = size_t{800} << 10;  // an answer has at most 1 MiB, unless one item has more
constexpr size_t kKeySize = 32;
constexpr uint32_t kOnlyVersion = 1;

std::string RingName(const Id128& id) { return "legal-hold/" + id.ToHex(); }

}  // namespace

// ---- which there are

absl::Status Holds::Load() {
  Id128 from;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<storage::Partition> partitions,
                     store_.ListPartitions(storage::PartitionKind::kHold, from, kHoldsAtOnce));
    for (const storage::Partition& partition : partitions) {
      RETURN_IF_ERROR(LoadOne(partition));
      from = storage::NextId(partition.id);
    }
    if (partitions.size() < kHoldsAtOnce || from.IsZero()) {
      return absl::OkStatus();
    }
  }
}

absl::Status Holds::LoadOne(const storage::Partition& partition) {
  auto hold = std::make_shared<Hold>();
  hold->info.id = partition.id;
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> end, store_.Get(partition, kEndRow));
  if (end.has_value()) {
    audit::v1::StoredHoldEnd stored;
    if (!stored.ParseFromString(end->value)) {
      return absl::DataLossError("what is left of a legal hold does not parse");
    }
    hold->info.placed = absl::FromUnixMicros(stored.placed());
    hold->info.until = absl::FromUnixMicros(stored.until());
    hold->info.ended = absl::FromUnixMicros(stored.ended());
    hold->info.expired = stored.expired();
    half_ended_.insert(partition.id);
    holds_[partition.id] = std::move(hold);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> row, store_.Get(partition, kHoldRow));
  if (!row.has_value()) {
    return absl::DataLossError("a legal hold has copies and nothing that says whose");
  }
  hold->version = row->version;
  const absl::StatusOr<Secret> key = ring_.Get(RingName(partition.id), kOnlyVersion);
  if (absl::IsNotFound(key.status()) && !crypto::IsDestroyed(key.status())) {
    return absl::FailedPreconditionError(
        "the key ring is older than a legal hold of this store: put the ring back that has its key");
  }
  if (absl::IsNotFound(key.status())) {  // this store is older than the hold's end
    log::Warn("a legal hold of this store has lost its key: it has ended");
    hold->info.ended = log_.Now();
    without_key_.insert(partition.id);
    holds_[partition.id] = std::move(hold);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(key.status());
  ASSIGN_OR_RETURN(const std::string plain,
                   crypto::OpenRandom(*key, HoldContext(partition.id, kHoldRow), row->value));
  audit::v1::StoredHold stored;
  if (!stored.ParseFromString(plain)) {
    return absl::DataLossError("a legal hold does not parse");
  }
  ASSIGN_OR_RETURN(hold->subject, Subject::Decode(stored.subject()));
  hold->order_reference = stored.order_reference();
  hold->info.placed = absl::FromUnixMicros(stored.placed());
  hold->info.until = absl::FromUnixMicros(stored.until());
  hold->key = *key;
  RETURN_IF_ERROR(LoadNames(*hold));
  holds_[partition.id] = std::move(hold);
  return absl::OkStatus();
}

absl::StatusOr<Holds::HoldPtr> Holds::InForce(const Id128& id) const {
  std::lock_guard lock(mu_);
  const auto it = holds_.find(id);
  if (it == holds_.end()) {
    return absl::NotFoundError("no such legal hold");
  }
  if (it->second->info.ended.has_value()) {
    return absl::FailedPreconditionError("that legal hold has ended");
  }
  return it->second;
}

std::vector<Holds::HoldPtr> Holds::AllInForce() const {
  std::vector<HoldPtr> list;
  std::lock_guard lock(mu_);
  for (const auto& [id, hold] : holds_) {
    if (!hold->info.ended.has_value()) {
      list.push_back(hold);
    }
  }
  return list;
}

std::vector<HoldInfo> Holds::List() const {
  std::vector<HoldInfo> list;
  {
    std::lock_guard lock(mu_);
    for (const auto& [id, hold] : holds_) {
      list.push_back(hold->info);
    }
  }
  std::sort(list.begin(), list.end(),
            [](const HoldInfo& a, const HoldInfo& b) { return a.placed < b.placed; });
  return list;
}

// ---- placing

// A key that a crash left without its hold is taken by the next try. NOT_FOUND: it was destroyed.
// UNAVAILABLE: the ring does not read; it is put right, or was being replaced, and what waits for it is tried
// again.
absl::StatusOr<Secret> Holds::KeyOf(const Id128& id) {
  const std::string name = RingName(id);
  absl::StatusOr<Secret> there = ring_.Get(name, kOnlyVersion);
  if (DoesNotRead(there.status())) {
    return absl::UnavailableError("the key ring does not read");
  }
  if (!absl::IsNotFound(there.status())) {
    return there;
  }
  const Secret fresh(random_.Bytes(kKeySize));
  const absl::Status put = ring_.Put(name, kOnlyVersion, fresh);
  if (absl::IsAlreadyExists(put)) {
    return ring_.Get(name, kOnlyVersion);
  }
  // A ring looks keys up in memory and reads its file to change it: what fails here is the file.
  if (!put.ok() && !crypto::IsDestroyed(put)) {
    return absl::UnavailableError("the key ring does not take a key");
  }
  RETURN_IF_ERROR(put);
  return fresh;
}

Task<absl::StatusOr<std::optional<storage::LeafRange>>> Holds::Place(HoldRequest request, Event event) {
  const absl::StatusOr<HoldPtr> known = InForce(request.id);
  if (!absl::IsNotFound(known.status())) {
    if (known.ok()) {
      const absl::Status taken = co_await TakeIn(*known, request.subject, std::move(event));
      CO_RETURN_IF_ERROR(taken);
    }
    co_return std::optional<storage::LeafRange>();
  }
  auto hold = std::make_shared<Hold>();
  hold->info.id = request.id;
  hold->info.placed = log_.Now();
  hold->info.until = request.until;
  hold->subject = request.subject;
  hold->order_reference = request.order_reference;
  // Before the key: of whom it is refused no key is left.
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, PlacedLeaf(*hold, request.subject, request.until, event));
  absl::StatusOr<Secret> key = KeyOf(request.id);
  if (absl::IsNotFound(key.status())) {  // it ended, and this store is older than that
    event.event_id = random_.Id();
    const absl::Status ended = co_await EndedElsewhere(request.id, std::move(event));
    CO_RETURN_IF_ERROR(ended);
    co_return std::optional<storage::LeafRange>();
  }
  CO_RETURN_IF_ERROR(key.status());
  hold->key = *std::move(key);
  audit::v1::StoredHold stored;
  stored.set_subject(request.subject.Encode());
  stored.set_order_reference(request.order_reference);
  stored.set_placed(absl::ToUnixMicros(hold->info.placed));
  stored.set_until(absl::ToUnixMicros(request.until));
  CO_ASSIGN_OR_RETURN(
      std::string sealed,
      crypto::SealRandom(random_, hold->key, HoldContext(request.id, kHoldRow), stored.SerializeAsString()));
  storage::CommitRequest commit;
  commit.partition = HoldPartition(request.id);
  commit.preconditions.push_back({std::string(kHoldRow), std::nullopt});
  commit.preconditions.push_back({std::string(kEndRow), std::nullopt});
  commit.batch.push_back({std::string(kHoldRow), std::move(sealed)});
  commit.leaves.push_back(std::move(draft));
  CO_RETURN_IF_ERROR(AddOtherNames(event, *hold, commit));
  const absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  hold->version = done->version;
  {
    std::lock_guard lock(mu_);
    holds_[request.id] = hold;
  }
  const absl::StatusOr<bool> copied = co_await CopyCovered(hold);
  if (!copied.ok()) {
    CopyAgain();
    co_return copied.status();
  }
  co_return std::optional(done->leaves);
}

// ---- ending

Task<absl::StatusOr<storage::LeafRange>> Holds::Release(Id128 id, Event event) {
  absl::StatusOr<HoldPtr> hold = InForce(id);
  if (absl::IsFailedPrecondition(hold.status())) {
    const absl::Status finished = co_await FinishEnds();  // its leaf may be there and its key too
    CO_RETURN_IF_ERROR(finished);
  }
  CO_RETURN_IF_ERROR(hold.status());
  absl::StatusOr<storage::LeafRange> ended = co_await End(*std::move(hold), std::move(event), false);
  co_return ended;
}

Task<absl::Status> Holds::EndedElsewhere(Id128 id, Event event) {
  absl::StatusOr<HoldPtr> hold = InForce(id);
  if (absl::IsFailedPrecondition(hold.status())) {
    co_return absl::OkStatus();
  }
  if (absl::IsNotFound(hold.status())) {
    auto never = std::make_shared<Hold>();
    never->info.id = id;
    never->info.placed = never->info.until = log_.Now();
    hold = HoldPtr(std::move(never));
  }
  const absl::StatusOr<storage::LeafRange> ended = co_await End(*std::move(hold), std::move(event), false);
  if (absl::IsFailedPrecondition(ended.status())) {
    // Ended meanwhile; or placed meanwhile, by a leaf that was read at the same time.
    co_return absl::IsFailedPrecondition(InForce(id).status())
        ? absl::OkStatus()
        : absl::AbortedError("a legal hold was placed while its end was written");
  }
  co_return ended.status();
}

// One that never was has version 0: its row must not be there.
Task<absl::StatusOr<storage::LeafRange>> Holds::End(HoldPtr hold, Event event, bool expired) {
  const Id128 id = hold->info.id;
  auto ended = std::make_shared<Hold>();
  ended->info = hold->info;
  ended->info.ended = log_.Now();
  ended->info.expired = expired;
  audit::v1::StoredHoldEnd stored;
  stored.set_placed(absl::ToUnixMicros(hold->info.placed));
  stored.set_until(absl::ToUnixMicros(hold->info.until));
  stored.set_ended(absl::ToUnixMicros(*ended->info.ended));
  stored.set_expired(expired);
  event.event_class = audit::v1::EVENT_CLASS_HOLD_ENDED;
  event.subject.reset();
  audit::v1::HoldEnded payload;
  payload.set_hold_id(id.ToHex());
  payload.set_expired(expired);
  event.details.mutable_payload()->PackFrom(payload);
  storage::CommitRequest commit;
  commit.partition = HoldPartition(id);
  commit.preconditions.push_back(
      {std::string(kHoldRow), hold->version == 0 ? std::nullopt : std::optional(hold->version)});
  commit.batch.push_back({std::string(kHoldRow), std::nullopt});
  commit.batch.push_back({std::string(kEndRow), stored.SerializeAsString()});
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, log_.Draft(event));
  commit.leaves.push_back(std::move(draft));
  const absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  if (absl::IsAborted(done.status())) {
    co_return absl::FailedPreconditionError("that legal hold has ended");
  }
  CO_RETURN_IF_ERROR(done.status());
  {
    std::lock_guard lock(mu_);
    holds_[id] = std::move(ended);
    half_ended_.insert(id);
  }
  const absl::Status destroyed = co_await Destroy(id);
  CO_RETURN_IF_ERROR(destroyed);
  co_return done->leaves;
}

// The key first: what a crash leaves of the rows opens for nobody.
Task<absl::Status> Holds::Destroy(Id128 id) {
  const absl::Status destroyed = ring_.Destroy(RingName(id), kOnlyVersion);
  if (!destroyed.ok() && !absl::IsNotFound(destroyed)) {
    co_return destroyed;
  }
  const absl::Status emptied =
      co_await storage::EmptyPartition(store_, HoldPartition(id), std::string(kEndRow));
  CO_RETURN_IF_ERROR(emptied);
  std::lock_guard lock(mu_);
  half_ended_.erase(id);
  co_return absl::OkStatus();
}

Task<absl::Status> Holds::EndWithoutKey() {
  std::vector<HoldPtr> holds;
  {
    std::lock_guard lock(mu_);
    for (const Id128& id : without_key_) {
      holds.push_back(holds_[id]);
    }
  }
  for (const HoldPtr& hold : holds) {
    Event event = own_event_(audit::v1::EVENT_CLASS_HOLD_ENDED);
    event.event_id = random_.Id();
    const absl::StatusOr<storage::LeafRange> ended = co_await End(hold, std::move(event), false);
    CO_RETURN_IF_ERROR(ended.status());
    std::lock_guard lock(mu_);
    without_key_.erase(hold->info.id);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Holds::FinishEnds() {
  std::set<Id128> half_ended;
  {
    std::lock_guard lock(mu_);
    half_ended = half_ended_;
  }
  absl::Status first;
  for (const Id128& id : half_ended) {
    const absl::Status destroyed = co_await Destroy(id);
    first.Update(destroyed);
  }
  co_return first;
}

Task<absl::Status> Holds::EndExpired() {
  absl::Status first;
  const std::vector<HoldPtr> in_force = AllInForce();
  for (const HoldPtr& hold : in_force) {
    if (hold->info.until > log_.Now()) {
      continue;
    }
    Event event = own_event_(audit::v1::EVENT_CLASS_HOLD_ENDED);
    event.event_id = random_.Id();
    const absl::StatusOr<storage::LeafRange> ended = co_await End(hold, std::move(event), true);
    if (!absl::IsFailedPrecondition(ended.status())) {
      first.Update(ended.status());
    }
  }
  co_return first;
}

Task<absl::Status> Holds::RunReady() {
  absl::Status first = co_await EndWithoutKey();
  const absl::Status finished = co_await FinishEnds();
  first.Update(finished);
  const absl::Status expired = co_await EndExpired();
  first.Update(expired);
  const absl::Status told = co_await TellAll();
  first.Update(told);
  bool copied = false;
  {
    std::lock_guard lock(mu_);
    copied = std::exchange(copied_, true);
  }
  if (!copied) {  // a crash, or an error, may have come between a hold and its first copy
    const absl::Status made = co_await CopyAll();
    if (!made.ok()) {
      CopyAgain();
    }
    first.Update(made);
  }
  co_return first;
}

// ---- reading

absl::StatusOr<Holds::HeldPage> Holds::Read(const Id128& id, std::string_view from, size_t limit) const {
  ASSIGN_OR_RETURN(const HoldPtr hold, InForce(id));
  HeldPage page;
  page.hold = hold->info;
  page.order_reference = hold->order_reference;
  ASSIGN_OR_RETURN(storage::Page rows,
                   store_.Scan(HoldPartition(id), internal::kHeldItemPrefix, from, limit));
  page.next = std::move(rows.next);
  size_t bytes = 0;
  for (const storage::KeyedEntry& row : rows.entries) {
    bytes += row.entry.value.size();
    if (bytes > kPageBytes && !page.items.empty()) {
      page.next = row.key;
      break;
    }
    ASSIGN_OR_RETURN(const std::string plain,
                     crypto::OpenRandom(hold->key, HoldContext(id, row.key), row.entry.value));
    audit::v1::HeldItem item;
    if (!item.ParseFromString(plain)) {
      return absl::DataLossError("an item of a legal hold does not parse");
    }
    page.items.push_back(std::move(item));
  }
  return page;
}

}  // namespace relais::audit
