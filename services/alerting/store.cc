#include "services/alerting/store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "services/alerting/reminders.h"

namespace relais::alerting {
namespace {

constexpr std::string_view kClaim = "claim";
constexpr std::string_view kRecord = "record";
constexpr std::string_view kAlert = "alert";
constexpr std::string_view kLinkPrefix = "rec/";
constexpr std::string_view kNamePrefix = "of/";
constexpr char kErasedFormat = 0x02;
constexpr size_t kPageSize = 500;

std::string RowKey(const Id128& row) { return std::string(AlertingStore::kRowPrefix) + row.ToBytes(); }

void AddValue(std::string_view key, std::string value, uint64_t version, storage::CommitRequest& commit) {
  storage::Precondition unchanged{std::string(key), std::nullopt};
  if (version != 0) {
    unchanged.version = version;
  }
  commit.preconditions.push_back(std::move(unchanged));
  commit.batch.push_back({std::string(key), std::move(value)});
}

template <typename Message>
absl::StatusOr<std::optional<Message>> Parsed(const std::optional<std::string>& plain) {
  if (!plain.has_value()) {
    return std::optional<Message>();
  }
  Message message;
  if (!message.ParseFromString(*plain)) {
    return absl::DataLossError("a sealed value cannot be read");
  }
  return std::optional<Message>(std::move(message));
}

// Ids that are the rest of a key.
absl::StatusOr<std::vector<Id128>> IdsUnder(const storage::Store& store, const storage::Partition& partition,
                                            std::string_view prefix) {
  std::vector<Id128> ids;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, store.Scan(partition, prefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(std::string_view(row.key).substr(prefix.size())));
      ids.push_back(id);
    }
    from = page.next;
  } while (!from.empty());
  return ids;
}

// Newest first: the complement of the instant, big-endian.
std::string ListKey(absl::Time raised, const Id128& alert) {
  const uint64_t inverse = ~static_cast<uint64_t>(absl::ToUnixMicros(raised));
  std::string key(8, '\0');
  for (int i = 0; i < 8; ++i) {
    key[i] = static_cast<char>(inverse >> (8 * (7 - i)));
  }
  return key + alert.ToBytes();
}

}  // namespace

absl::StatusOr<std::optional<std::string>> AlertingStore::Open(const Id128& record,
                                                               const storage::Partition& partition,
                                                               std::string_view key,
                                                               std::string_view sealed) const {
  auto plain = context_.log.keys().OpenState(SubjectOf(record),
                                             absl::StrCat(partition.Encode(), "/", std::string(key)), sealed);
  if (absl::IsNotFound(plain.status())) {
    return std::optional<std::string>();
  }
  RETURN_IF_ERROR(plain.status());
  return std::optional<std::string>(std::move(*plain));
}

absl::StatusOr<std::optional<std::string>> AlertingStore::OpenFrozen(const Id128& record,
                                                                     const storage::Partition& partition,
                                                                     std::string_view key,
                                                                     std::string_view sealed) const {
  auto plain = context_.log.keys().OpenFrozenState(
      SubjectOf(record), absl::StrCat(partition.Encode(), "/", std::string(key)), sealed);
  if (absl::IsNotFound(plain.status())) {
    return std::optional<std::string>();
  }
  RETURN_IF_ERROR(plain.status());
  return std::optional<std::string>(std::move(*plain));
}

absl::StatusOr<std::string> AlertingStore::Seal(const Id128& record, const storage::Partition& partition,
                                                std::string_view key, std::string_view plain) const {
  return context_.log.keys().SealState(SubjectOf(record),
                                       absl::StrCat(partition.Encode(), "/", std::string(key)), plain);
}

absl::StatusOr<std::vector<Stored<v1::ReferenceClaim>>> AlertingStore::Claims(
    const std::vector<storage::Partition>& partitions) const {
  std::vector<storage::Store::Address> addresses;
  addresses.reserve(partitions.size());
  for (const storage::Partition& partition : partitions) {
    addresses.push_back({partition, std::string(kClaim)});
  }
  ASSIGN_OR_RETURN(const auto entries, context_.store.MultiGet(addresses));
  std::vector<Stored<v1::ReferenceClaim>> out(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!entries[i].has_value()) {
      continue;
    }
    out[i].version = entries[i]->version;
    if (!out[i].value.ParseFromString(entries[i]->value)) {
      return absl::DataLossError("a reference's claim cannot be read");
    }
  }
  return out;
}

void AlertingStore::PutClaim(const Stored<v1::ReferenceClaim>& claim, storage::CommitRequest& commit) {
  AddValue(kClaim, claim.value.SerializeAsString(), claim.version, commit);
}

absl::StatusOr<AlertingStore::StoredRecord> AlertingStore::Record(const Id128& record) const {
  const storage::Partition partition = RecordPartition(record);
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(partition, kRecord));
  StoredRecord out;
  if (!entry.has_value()) {
    return out;
  }
  out.version = entry->version;
  if (!entry->value.empty() && entry->value[0] == kErasedFormat) {
    out.erased.emplace();
    if (!out.erased->ParseFromString(entry->value.substr(1))) {
      return absl::DataLossError("what is left of a sender record cannot be read");
    }
    return out;
  }
  ASSIGN_OR_RETURN(const auto plain, Open(record, partition, kRecord, entry->value));
  if (plain.has_value() && !out.value.ParseFromString(*plain)) {
    return absl::DataLossError("a sender record cannot be read");
  }
  return out;
}

absl::StatusOr<AlertingStore::CurrentRecord> AlertingStore::Current(Id128 record) const {
  CurrentRecord current;
  current.id = record;
  std::optional<v1::ErasedRecord> before;
  for (;;) {
    ASSIGN_OR_RETURN(StoredRecord stored, Record(current.id));
    if (!stored.erased.has_value()) {
      if (stored.version == 0 && before.has_value()) {
        stored.value.set_objection(before->objection());
        stored.value.set_consent_time(before->consent_time());
      }
      current.stored = std::move(stored);
      return current;
    }
    before = std::move(stored.erased);
    current.id = context_.idempotency.Bucket("record-after", "", current.id.bytes()).id;
  }
}

void AlertingStore::PutErased(const v1::ErasedRecord& erased, const Id128& record, uint64_t version,
                              storage::CommitRequest& commit) {
  commit.partition = RecordPartition(record);
  AddValue(kRecord, std::string(1, kErasedFormat) + erased.SerializeAsString(), version, commit);
}

absl::StatusOr<std::optional<v1::RecordState>> AlertingStore::FrozenRecord(const Id128& record) const {
  const storage::Partition partition = RecordPartition(record);
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(partition, kRecord));
  if (!entry.has_value() || entry->value.empty() || entry->value[0] == kErasedFormat) {
    return std::optional<v1::RecordState>();
  }
  ASSIGN_OR_RETURN(const auto plain, OpenFrozen(record, partition, kRecord, entry->value));
  return Parsed<v1::RecordState>(plain);
}

absl::StatusOr<std::optional<v1::RowState>> AlertingStore::OpenFrozenRow(const Id128& record,
                                                                         std::string_view key,
                                                                         std::string_view value) const {
  if (value.empty()) {
    return std::optional<v1::RowState>();
  }
  ASSIGN_OR_RETURN(const auto plain, OpenFrozen(record, RecordPartition(record), key, value));
  return Parsed<v1::RowState>(plain);
}

absl::StatusOr<std::optional<v1::AlertState>> AlertingStore::FrozenAlert(const Id128& record,
                                                                         const Id128& alert) const {
  const storage::Partition partition = AlertPartition(alert);
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(partition, kAlert));
  if (!entry.has_value() || std::string_view(entry->value).substr(0, Id128::kSize) != record.ToBytes()) {
    return std::optional<v1::AlertState>();
  }
  ASSIGN_OR_RETURN(const auto plain, OpenFrozen(record, partition, kAlert,
                                                std::string_view(entry->value).substr(Id128::kSize)));
  return Parsed<v1::AlertState>(plain);
}

storage::CommitRequest AlertingStore::LinkToPerson(const Id128& person, const Id128& sender_record) {
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  commit.batch.push_back({std::string(kLinkPrefix) + sender_record.ToBytes(), std::string()});
  return commit;
}

Id128 AlertingStore::VaultRecordOf(const Id128& person) const {
  return context_.idempotency.Bucket("record", kVaultSource, person.bytes()).id;
}

absl::StatusOr<std::vector<Id128>> AlertingStore::RecordsOf(const Id128& person) const {
  return IdsUnder(context_.store, PersonPartition(person), kLinkPrefix);
}

storage::CommitRequest AlertingStore::NameInRecord(const Id128& sender_record, uint64_t version,
                                                   const Id128& person) {
  storage::CommitRequest commit;
  commit.partition = RecordPartition(sender_record);
  commit.preconditions.push_back({std::string(kRecord), version});
  commit.batch.push_back({std::string(kNamePrefix) + person.ToBytes(), std::string()});
  return commit;
}

absl::StatusOr<std::vector<Id128>> AlertingStore::PersonsOf(const Id128& sender_record) const {
  return IdsUnder(context_.store, RecordPartition(sender_record), kNamePrefix);
}

absl::Status AlertingStore::PutRecord(const Stored<v1::RecordState>& state, const Id128& record,
                                      storage::CommitRequest& commit) const {
  commit.partition = RecordPartition(record);
  ASSIGN_OR_RETURN(std::string sealed,
                   Seal(record, commit.partition, kRecord, state.value.SerializeAsString()));
  AddValue(kRecord, std::move(sealed), state.version, commit);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::RowState>> AlertingStore::Row(const Id128& record, const Id128& row) const {
  const storage::Partition partition = RecordPartition(record);
  const std::string key = RowKey(row);
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(partition, key));
  if (!entry.has_value() || entry->value.empty()) {
    return std::optional<v1::RowState>();
  }
  ASSIGN_OR_RETURN(const auto plain, Open(record, partition, key, entry->value));
  if (!plain.has_value()) {
    return std::optional<v1::RowState>();
  }
  v1::RowState out;
  if (!out.ParseFromString(*plain)) {
    return absl::DataLossError("a row cannot be read");
  }
  return std::optional<v1::RowState>(std::move(out));
}

absl::StatusOr<AlertingStore::RowPage> AlertingStore::RowsOf(const Id128& record, std::string_view from,
                                                             size_t limit) const {
  const storage::Partition partition = RecordPartition(record);
  ASSIGN_OR_RETURN(storage::Page page, context_.store.Scan(partition, kRowPrefix, from, limit));
  RowPage out;
  out.next = std::move(page.next);
  for (const storage::KeyedEntry& row : page.entries) {
    if (row.entry.value.empty()) {
      continue;  // given up
    }
    ASSIGN_OR_RETURN(const auto plain, Open(record, partition, row.key, row.entry.value));
    ASSIGN_OR_RETURN(std::optional<v1::RowState> state, Parsed<v1::RowState>(plain));
    if (state.has_value()) {
      out.rows.push_back(std::move(*state));
    }
  }
  return out;
}

absl::StatusOr<std::vector<AlertingStore::StoredReminder>> AlertingStore::Reminders(
    const Id128& record) const {
  const storage::Partition partition = RecordPartition(record);
  std::vector<StoredReminder> out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(storage::Page page, context_.store.Scan(partition, kRowPrefix, from, kPageSize));
    for (const storage::KeyedEntry& entry : page.entries) {
      const absl::StatusOr<Id128> row = RowOf(entry.key);
      if (!row.ok() || entry.entry.value.empty()) {
        continue;
      }
      const auto plain = Open(record, partition, entry.key, entry.entry.value);
      if (audit::DoesNotRead(plain.status())) {
        continue;
      }
      RETURN_IF_ERROR(plain.status());
      v1::RowState state;
      if (plain->has_value() && state.ParseFromString(**plain) && state.has_reminder()) {
        out.push_back({*row, entry.entry.version, std::move(state)});
      }
    }
    from = std::move(page.next);
  } while (!from.empty());
  return out;
}

absl::StatusOr<AlertingStore::RowPlace> AlertingStore::PlaceOf(const Id128& record, const Id128& row) const {
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(RecordPartition(record), RowKey(row)));
  RowPlace place;
  if (entry.has_value()) {
    place = {entry->version, !entry->value.empty()};
  }
  return place;
}

absl::Status AlertingStore::PutRow(const v1::RowState& state, const Id128& record, const Id128& row,
                                   uint64_t version, storage::CommitRequest& commit) const {
  const std::string key = RowKey(row);
  ASSIGN_OR_RETURN(std::string sealed, Seal(record, RecordPartition(record), key, state.SerializeAsString()));
  AddValue(key, std::move(sealed), version, commit);
  return absl::OkStatus();
}

storage::CommitRequest AlertingStore::GiveUpRow(const Id128& record, const Id128& row, uint64_t version) {
  storage::CommitRequest commit;
  commit.partition = RecordPartition(record);
  AddValue(RowKey(row), std::string(), version, commit);
  return commit;
}

// An alert's value: its record's 16 bytes in clear, so that the key can be found, then the sealed state.
absl::StatusOr<std::optional<Stored<v1::AlertState>>> AlertingStore::Alert(const Id128& alert) const {
  const storage::Partition partition = AlertPartition(alert);
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(partition, kAlert));
  if (!entry.has_value()) {
    return std::optional<Stored<v1::AlertState>>();
  }
  const std::string_view value = entry->value;
  if (value.size() < Id128::kSize) {
    return absl::DataLossError("an alert's state is too short");
  }
  ASSIGN_OR_RETURN(const Id128 record, Id128::FromBytes(value.substr(0, Id128::kSize)));
  ASSIGN_OR_RETURN(const auto plain, Open(record, partition, kAlert, value.substr(Id128::kSize)));
  if (!plain.has_value()) {
    return std::optional<Stored<v1::AlertState>>();
  }
  Stored<v1::AlertState> out;
  out.version = entry->version;
  if (!out.value.ParseFromString(*plain)) {
    return absl::DataLossError("an alert cannot be read");
  }
  return std::optional<Stored<v1::AlertState>>(std::move(out));
}

absl::Status AlertingStore::PutAlert(const Stored<v1::AlertState>& state, const Id128& alert,
                                     storage::CommitRequest& commit) const {
  commit.partition = AlertPartition(alert);
  ASSIGN_OR_RETURN(const Id128 record, Id128::FromBytes(state.value.record()));
  ASSIGN_OR_RETURN(const std::string sealed,
                   Seal(record, commit.partition, kAlert, state.value.SerializeAsString()));
  AddValue(kAlert, record.ToBytes() + sealed, state.version, commit);
  return absl::OkStatus();
}

storage::CommitRequest AlertingStore::ListAt(std::string_view desk, absl::Time raised,
                                             const Id128& alert) const {
  storage::CommitRequest commit;
  commit.partition = context_.idempotency.Bucket("desk-alerts", "", desk);
  commit.batch.push_back({ListKey(raised, alert), alert.ToBytes()});
  return commit;
}

storage::CommitRequest AlertingStore::TakeFromList(std::string_view desk, absl::Time raised,
                                                   const Id128& alert) const {
  storage::CommitRequest commit = ListAt(desk, raised, alert);
  commit.batch.front().value = std::nullopt;
  return commit;
}

absl::StatusOr<AlertingStore::DeskPage> AlertingStore::ListOf(std::string_view desk, std::string_view from,
                                                              size_t limit) const {
  ASSIGN_OR_RETURN(
      const storage::Page page,
      context_.store.Scan(context_.idempotency.Bucket("desk-alerts", "", desk), "", from, limit));
  DeskPage out;
  for (const storage::KeyedEntry& row : page.entries) {
    ASSIGN_OR_RETURN(const Id128 alert, Id128::FromBytes(row.entry.value));
    out.alerts.push_back(alert);
  }
  out.next = page.next;
  return out;
}

}  // namespace relais::alerting
