#include "services/consent/handlers/rights_rows.h"

#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "common/storage/salvage.h"
#include "common/storage/value_format.h"
#include "services/consent/convert.h"

namespace relais::consent {
namespace {

constexpr size_t kPage = 500;
constexpr size_t kDueBytes = 8;

storage::Partition DueBucket(const Registry& registry, std::string_view institution) {
  return registry.context.idempotency.Bucket("rights_due", institution, "");
}

absl::StatusOr<DueRow> DueFrom(const storage::KeyedEntry& row) {
  DueRow due;
  due.key = row.key;
  ASSIGN_OR_RETURN(const uint64_t micros, storage::DecodeBigEndian64(row.key.substr(0, kDueBytes)));
  due.due = FromMicros(static_cast<int64_t>(micros));
  ASSIGN_OR_RETURN(due.id, Id128::FromBytes(row.key.substr(kDueBytes)));
  v1::RightsDue stored;
  if (!stored.ParseFromString(row.entry.value)) {
    return absl::DataLossError("a deadline does not parse");
  }
  ASSIGN_OR_RETURN(due.person, Id128::FromBytes(stored.person_id()));
  return due;
}

}  // namespace

std::string RightsKey(const Id128& id) { return std::string(kRightsPrefix) + id.ToHex(); }

common::v1::Date DateTo(absl::CivilDay day) {
  common::v1::Date date;
  date.set_year(static_cast<int32_t>(day.year()));
  date.set_month(day.month());
  date.set_day(day.day());
  return date;
}

v1::StoredRights StoredFrom(const RightsRow& row, const calendar::Paris& paris) {
  v1::StoredRights stored;
  stored.set_id(row.id.ToBytes());
  stored.set_institution(row.institution);
  stored.set_right(row.right);
  stored.set_status(row.the.status);
  *stored.mutable_received() = DateTo(row.the.received);
  stored.set_due(Micros(OverdueFrom(row.the, paris)));
  stored.set_outcome(row.the.outcome);
  stored.set_reference(row.reference);
  return stored;
}

absl::StatusOr<RightsRow> RowFrom(const v1::StoredRights& stored, const calendar::Paris& paris) {
  RightsRow row;
  ASSIGN_OR_RETURN(row.id, Id128::FromBytes(stored.id()));
  row.institution = stored.institution();
  row.right = stored.right();
  row.reference = stored.reference();
  row.the.status = stored.status();
  row.the.outcome = stored.outcome();
  const std::optional<absl::CivilDay> received = DayFrom(stored.received());
  if (!received || stored.due() == 0) {
    return absl::DataLossError("a stored request of hers has no day");
  }
  row.the.received = *received;
  row.the.due = paris.DayOf(FromMicros(stored.due())) - 1;
  return row;
}

absl::StatusOr<RightsRow> ReadRights(Registry& registry, const Id128& person, const Id128& id,
                                     std::string_view institution) {
  const std::string key = RightsKey(id);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PersonPartition(person), key));
  if (!entry) {
    return rpc::NoSuchOrNotYours();
  }
  v1::StoredRights stored;
  RETURN_IF_ERROR(registry.store.Open(person, key, entry->value, stored));
  ASSIGN_OR_RETURN(RightsRow row, RowFrom(stored, registry.paris));
  if (row.institution != institution) {
    return rpc::NoSuchOrNotYours();
  }
  return row;
}

absl::StatusOr<std::vector<RightsRow>> ListRights(Registry& registry, const Id128& person,
                                                  std::string_view institution) {
  std::vector<RightsRow> rows;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     registry.context.store.Scan(PersonPartition(person), kRightsPrefix, from, kPage));
    for (const storage::KeyedEntry& entry : page.entries) {
      v1::StoredRights stored;
      RETURN_IF_ERROR(registry.store.Open(person, entry.key, entry.entry.value, stored));
      ASSIGN_OR_RETURN(RightsRow row, RowFrom(stored, registry.paris));
      if (row.institution == institution) {
        rows.push_back(std::move(row));
      }
    }
    from = page.next;
  } while (!from.empty());
  return rows;
}

v1::RightsRequest RequestOf(const Registry& registry, const Id128& person, const RightsRow& row) {
  v1::RightsRequest request;
  request.set_rights_id(row.id.ToHex());
  *request.mutable_person() = rpc::HandleFor(registry.context, row.institution, person);
  request.set_right(row.right);
  request.set_status(row.the.status);
  *request.mutable_received() = DateTo(row.the.received);
  *request.mutable_due() = DateTo(row.the.due);
  request.set_outcome(row.the.outcome);
  return request;
}

storage::CommitRequest DueOf(const Registry& registry, const Id128& person, const RightsRow& row) {
  v1::RightsDue due;
  due.set_person_id(person.ToBytes());
  storage::CommitRequest commit;
  commit.partition = DueBucket(registry, row.institution);
  const auto micros = static_cast<uint64_t>(Micros(OverdueFrom(row.the, registry.paris)));
  commit.batch.push_back({storage::EncodeBigEndian64(micros) + row.id.ToBytes(), due.SerializeAsString()});
  return commit;
}

absl::StatusOr<DueRows> DueBefore(const Registry& registry, std::string_view institution, absl::Time now,
                                  const std::string& from, size_t limit) {
  ASSIGN_OR_RETURN(
      storage::SalvagedPage page,
      storage::Salvage(registry.context.store, DueBucket(registry, institution), "", from, limit));
  DueRows due;
  due.unreadable = static_cast<uint32_t>(page.gaps.size());
  due.next = std::move(page.next);
  for (const storage::KeyedEntry& entry : page.entries) {
    absl::StatusOr<DueRow> row = DueFrom(entry);
    if (audit::DoesNotRead(row.status())) {
      ++due.unreadable;
      continue;
    }
    RETURN_IF_ERROR(row.status());
    if (row->due > now) {
      due.next.clear();
      break;
    }
    due.rows.push_back(*std::move(row));
  }
  return due;
}

Task<absl::Status> ForgetAllDue(Registry& registry, Id128 person) {
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page,
                        registry.context.store.Scan(PersonPartition(person), kRightsPrefix, from, kPage));
    for (const storage::KeyedEntry& entry : page.entries) {
      v1::StoredRights stored;
      const absl::Status opened = registry.store.OpenFrozen(person, entry.key, entry.entry.value, stored);
      if (absl::IsNotFound(opened)) {
        continue;  // her key is gone, and the row names nobody
      }
      CO_RETURN_IF_ERROR(opened);
      CO_ASSIGN_OR_RETURN(RightsRow row, RowFrom(stored, registry.paris));
      std::vector<std::string> keys = {DueOf(registry, person, row).batch[0].key};
      row.the.status = v1::RIGHTS_STATUS_OPEN;  // and the deadline before an extension
      row.the.due = OpenCase(row.the.received, row.the.received).next.due;
      std::string first = DueOf(registry, person, row).batch[0].key;
      if (first != keys[0]) {
        keys.push_back(std::move(first));
      }
      const absl::Status forgotten = co_await ForgetDue(registry, row.institution, std::move(keys));
      CO_RETURN_IF_ERROR(forgotten);
    }
    from = page.next;
  } while (!from.empty());
  co_return absl::OkStatus();
}

Task<absl::Status> ForgetDue(Registry& registry, std::string institution, std::vector<std::string> keys) {
  if (keys.empty()) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  commit.partition = DueBucket(registry, institution);
  for (std::string& key : keys) {
    commit.batch.push_back({std::move(key), std::nullopt});
  }
  const absl::StatusOr<storage::CommitResult> done =
      co_await registry.context.store.Commit(std::move(commit));
  co_return done.status();
}

}  // namespace relais::consent
