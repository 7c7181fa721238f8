#include "services/routing/inbox.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"

namespace relais::routing {
namespace {

constexpr size_t kSegmentRows = 50000;
constexpr std::string_view kSegmentsKey = "segments";

std::string KeyOf(const v1::InboxPointer& pointer) {
  const int64_t micros = absl::ToUnixMicros(FromProto(pointer.submitted()));
  std::string key(8, '\0');
  for (int i = 0; i < 8; ++i) {
    key[i] = static_cast<char>(static_cast<uint64_t>(micros) >> (8 * (7 - i)));
  }
  return key + pointer.message();
}

bool Waits(const v1::InboxPointer& pointer) {
  return pointer.delivery() == v1::MessageState::DELIVERY_QUEUED ||
         pointer.delivery() == v1::MessageState::DELIVERY_OFFERED;
}

}  // namespace

storage::Partition Inbox::ListPartition(std::string_view desk) const {
  return {storage::PartitionKind::kInboxSegment, context_.idempotency.Bucket("inbox", "", desk).id};
}

storage::Partition Inbox::SegmentPartition(std::string_view desk, uint64_t segment) const {
  return {storage::PartitionKind::kInboxSegment,
          context_.idempotency.Bucket("inbox", absl::StrCat(segment), desk).id};
}

absl::Status Inbox::Load() {
  for (const directory::Desk& desk : context_.directory()->content().desks) {
    RETURN_IF_ERROR(LoadDesk(desk.id));
  }
  return absl::OkStatus();
}

absl::Status Inbox::LoadDesk(const std::string& desk) {
  ASSIGN_OR_RETURN(auto entry, context_.store.Get(ListPartition(desk), kSegmentsKey));
  v1::InboxSegments segments;
  if (entry.has_value() && !segments.ParseFromString(entry->value)) {
    return absl::DataLossError("an inbox's list of segments cannot be read");
  }
  DeskInbox loaded;
  for (const uint64_t segment : segments.segments()) {
    loaded.segments[segment] = 0;
    std::string from;
    do {
      ASSIGN_OR_RETURN(const storage::Page page,
                       context_.store.Scan(SegmentPartition(desk, segment), "", from, 1000));
      for (const storage::KeyedEntry& row : page.entries) {
        Slot slot{segment, {}};
        if (!slot.pointer.ParseFromString(row.entry.value)) {
          return absl::DataLossError("an inbox pointer cannot be read");
        }
        ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(slot.pointer.message()));
        loaded.keys[id] = row.key;
        loaded.slots[row.key] = std::move(slot);
        ++loaded.segments[segment];
      }
      from = page.next;
    } while (!from.empty());
  }
  std::lock_guard lock(mu_);
  desks_[desk] = std::move(loaded);
  return absl::OkStatus();
}

Task<absl::Status> Inbox::OpenSegment(std::string desk, uint64_t segment) {
  v1::InboxSegments list;
  {
    std::lock_guard lock(mu_);
    for (const auto& [number, rows] : desks_[desk].segments) {
      if (number != segment) {
        list.add_segments(number);
      }
    }
    list.add_segments(segment);
  }
  storage::CommitRequest commit;
  commit.partition = ListPartition(desk);
  commit.batch.push_back({std::string(kSegmentsKey), list.SerializeAsString()});
  const auto done = co_await context_.store.Commit(std::move(commit));
  if (done.ok()) {
    std::lock_guard lock(mu_);
    desks_[desk].segments.try_emplace(segment, 0);
  }
  co_return done.status();
}

Task<absl::Status> Inbox::Put(std::string desk, v1::InboxPointer pointer) {
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(pointer.message()));
  const std::string key = KeyOf(pointer);
  uint64_t segment = 0;
  bool fresh = false;
  {
    std::lock_guard lock(mu_);
    DeskInbox& inbox = desks_[desk];
    if (const auto it = inbox.slots.find(key); it != inbox.slots.end()) {
      segment = it->second.segment;
    } else if (!inbox.segments.empty() && inbox.segments.rbegin()->second < kSegmentRows) {
      segment = inbox.segments.rbegin()->first;
    } else {
      segment = inbox.segments.empty() ? 0 : inbox.segments.rbegin()->first + 1;
      fresh = true;
    }
  }
  if (fresh) {
    absl::Status opened = co_await OpenSegment(desk, segment);
    CO_RETURN_IF_ERROR(opened);
  }
  storage::CommitRequest commit;
  commit.partition = SegmentPartition(desk, segment);
  commit.batch.push_back({key, pointer.SerializeAsString()});
  const auto done = co_await context_.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  std::lock_guard lock(mu_);
  DeskInbox& inbox = desks_[desk];
  inbox.keys[id] = key;
  if (inbox.slots.insert_or_assign(key, Slot{segment, std::move(pointer)}).second) {
    ++inbox.segments[segment];
  }
  Changed(inbox);
  co_return absl::OkStatus();
}

Task<absl::Status> Inbox::Remove(std::string desk, Id128 message) {
  storage::CommitRequest commit;
  std::string key;
  {
    std::lock_guard lock(mu_);
    DeskInbox& inbox = desks_[desk];
    const auto it = inbox.keys.find(message);
    if (it == inbox.keys.end()) {
      co_return absl::OkStatus();
    }
    key = it->second;
    commit.partition = SegmentPartition(desk, inbox.slots[key].segment);
    commit.batch.push_back({key, std::nullopt});
  }
  const auto done = co_await context_.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  std::lock_guard lock(mu_);
  DeskInbox& inbox = desks_[desk];
  inbox.slots.erase(key);
  inbox.keys.erase(message);
  Changed(inbox);
  co_return absl::OkStatus();
}

std::vector<Id128> Inbox::Due(std::string_view desk, absl::Time now, size_t limit) const {
  std::vector<Id128> out;
  std::lock_guard lock(mu_);
  const auto inbox = desks_.find(desk);
  if (inbox == desks_.end()) {
    return out;
  }
  std::set<std::string_view> persons;  // who has an earlier message that is not delivered
  for (const auto& [key, slot] : inbox->second.slots) {
    if (out.size() >= limit) {
      break;
    }
    if (!Waits(slot.pointer) || !persons.insert(slot.pointer.order()).second) {
      continue;
    }
    if (FromProto(slot.pointer.next_attempt()) <= now) {
      out.push_back(*Id128::FromBytes(slot.pointer.message()));
    }
  }
  return out;
}

std::vector<Inbox::Listed> Inbox::List(std::string_view desk, std::string_view after, size_t limit) const {
  std::vector<Listed> out;
  std::lock_guard lock(mu_);
  const auto inbox = desks_.find(desk);
  if (inbox == desks_.end()) {
    return out;
  }
  const auto& slots = inbox->second.slots;
  for (auto it = slots.upper_bound(std::string(after)); it != slots.end() && out.size() < limit; ++it) {
    if (!it->second.pointer.taken()) {
      out.push_back({it->first, it->second.pointer});
    }
  }
  return out;
}

std::vector<Id128> Inbox::Overdue(absl::Time now, size_t limit, const std::set<Id128>& passed) const {
  std::vector<Id128> out;
  std::lock_guard lock(mu_);
  for (const auto& [desk, inbox] : desks_) {
    for (const auto& [key, slot] : inbox.slots) {
      if (out.size() >= limit) {
        return out;
      }
      const bool late = !slot.pointer.taken() && FromProto(slot.pointer.deadline()) <= now;
      const Id128 id = *Id128::FromBytes(slot.pointer.message());
      if (late && !passed.contains(id)) {
        out.push_back(id);
      }
    }
  }
  return out;
}

uint64_t Inbox::Changes(std::string_view desk) const {
  std::lock_guard lock(mu_);
  const auto inbox = desks_.find(desk);
  return inbox == desks_.end() ? 0 : inbox->second.changes;
}

Task<bool> Inbox::WaitForChange(std::string desk, uint64_t seen, absl::Duration wait) {
  OneShot<bool> changed(context_.executor);
  {
    std::lock_guard lock(mu_);
    DeskInbox& inbox = desks_[desk];
    if (inbox.changes != seen) {
      co_return true;
    }
    // Those that waited long enough: a desk where nothing changes must not gather them.
    std::erase_if(inbox.waiters, [](const OneShot<bool>& waiter) { return waiter.IsSet(); });
    inbox.waiters.push_back(changed);
  }
  context_.executor.PostAfter(wait, [changed] { changed.Set(false); });
  const bool result = co_await changed;
  co_return result;
}

void Inbox::Changed(DeskInbox& inbox) {
  ++inbox.changes;
  for (const OneShot<bool>& waiter : std::exchange(inbox.waiters, {})) {
    waiter.Set(true);
  }
}

}  // namespace relais::routing
