// The rows in index buckets: derived lists, and what operations keep.
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "services/vault/format/bytes.h"
#include "services/vault/put_row.h"
#include "services/vault/store.h"

namespace relais::vault {
namespace {

constexpr std::string_view kState = "state";
constexpr std::string_view kDayPrefix = "v/day/";
constexpr std::string_view kDayUse = "day";
constexpr size_t kRowsAtOnce = 500;
constexpr size_t kOpenUploadFixed = Id128::kSize + Id128::kSize + 4 + 8;

absl::Status Unreadable() { return absl::DataLossError("a derived row of the vault cannot be read"); }

std::string_view BucketName(PointerKind kind) {
  return kind == PointerKind::kShared ? "vault-shared" : "vault-asked";
}

std::string DayName(absl::CivilDay day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

template <typename T>
absl::StatusOr<Stored<T>> StateIn(const storage::Store& store, const storage::Partition& partition,
                                  std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, store.Get(partition, key));
  Stored<T> stored;
  if (entry.has_value()) {
    stored.version = entry->version;
    if (!stored.value.ParseFromString(entry->value)) {
      return Unreadable();
    }
  }
  return stored;
}

storage::CommitRequest SetRow(const storage::Partition& partition, std::string key,
                              std::optional<std::string> value) {
  storage::CommitRequest commit;
  commit.partition = partition;
  commit.batch.push_back({std::move(key), std::move(value)});
  return commit;
}

// As much of a key as an id has; zeros where there is less.
Id128 IdAt(std::string_view key) {
  std::string bytes(key.substr(0, Id128::kSize));
  bytes.resize(Id128::kSize, '\0');
  return Id128::FromBytes(bytes).value();
}

// Where rows whose keys are ids go on after such a page; nullopt: there are no more.
std::optional<Id128> NextAt(std::string_view key) {
  if (key.empty()) {
    return std::nullopt;
  }
  const Id128 next = key.size() > Id128::kSize ? storage::NextId(IdAt(key)) : IdAt(key);
  return next.IsZero() ? std::nullopt : std::optional<Id128>(next);
}

absl::StatusOr<OpenUpload> ReadOpenUpload(std::string_view key, std::string_view value) {
  if (value.size() < kOpenUploadFixed) {
    return Unreadable();
  }
  OpenUpload upload;
  ASSIGN_OR_RETURN(upload.upload, IdOf(key));
  ASSIGN_OR_RETURN(upload.person, IdOf(value.substr(0, 16)));
  ASSIGN_OR_RETURN(upload.document, IdOf(value.substr(16, 16)));
  upload.version = ReadBigEndian32(value.substr(32));
  upload.size = ReadBigEndian64(value.substr(36));
  upload.depositor = std::string(value.substr(kOpenUploadFixed));
  return upload;
}

}  // namespace

// ---- sealed values

// nullopt: there is no row.
absl::StatusOr<std::optional<std::string>> VaultStore::OpenValue(
    const storage::Partition& partition, std::string_view key,
    const std::optional<storage::Entry>& entry) const {
  if (!entry.has_value()) {
    return std::optional<std::string>();
  }
  ASSIGN_OR_RETURN(std::string value, rows_.Open(RowOf(partition, key), entry->value));
  return std::optional<std::string>(std::move(value));
}

storage::CommitRequest VaultStore::SetSealed(const storage::Partition& partition, std::string key,
                                             const std::optional<std::string>& value) const {
  std::optional<std::string> sealed;
  if (value.has_value()) {
    sealed = rows_.Seal(RowOf(partition, key), *value);
  }
  return SetRow(partition, std::move(key), std::move(sealed));
}

// ---- pointers

absl::StatusOr<VaultStore::PointerRows> VaultStore::Pointers(PointerKind kind, std::string_view institution,
                                                             const Id128& from, size_t limit) const {
  const storage::Partition bucket = context_.idempotency.Bucket(BucketName(kind), institution, "");
  ASSIGN_OR_RETURN(const storage::Page page, context_.store.Scan(bucket, "", from.ToBytes(), limit));
  PointerRows out;
  for (const storage::KeyedEntry& entry : page.entries) {
    PointerRow row;
    ASSIGN_OR_RETURN(row.id, IdOf(entry.key));
    row.stored.version = entry.entry.version;
    ASSIGN_OR_RETURN(const std::string value, rows_.Open(RowOf(bucket, entry.key), entry.entry.value));
    if (!row.stored.value.ParseFromString(value)) {
      return Unreadable();
    }
    out.rows.push_back(std::move(row));
  }
  if (!page.next.empty()) {
    ASSIGN_OR_RETURN(const Id128 next, IdOf(page.next));
    out.next = next;
  }
  return out;
}

absl::StatusOr<ReadableRows<v1::InstitutionPointer>> VaultStore::ReadablePointers(
    PointerKind kind, std::string_view institution, const Id128& from, size_t limit) const {
  const storage::Partition bucket = context_.idempotency.Bucket(BucketName(kind), institution, "");
  ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                   storage::Salvage(context_.store, bucket, "", from.ToBytes(), limit));
  ReadableRows<v1::InstitutionPointer> out;
  for (const storage::KeyedEntry& entry : page.entries) {
    Row<v1::InstitutionPointer> row;
    row.id = IdAt(entry.key);
    row.stored.version = entry.entry.version;
    const auto value = rows_.Open(RowOf(bucket, entry.key), entry.entry.value);
    if (value.ok() && row.stored.value.ParseFromString(*value)) {
      out.rows.push_back(std::move(row));
    } else {
      out.unreadable.push_back(row.id);
    }
  }
  for (const std::string& gap : page.gaps) {
    out.gaps.push_back(IdAt(gap));
  }
  out.next = NextAt(page.next);
  return out;
}

storage::CommitRequest VaultStore::SetPointer(PointerKind kind, std::string_view institution, const Id128& id,
                                              const std::optional<v1::InstitutionPointer>& pointer) const {
  std::optional<std::string> value;
  if (pointer.has_value()) {
    value = pointer->SerializeAsString();
  }
  return SetSealed(context_.idempotency.Bucket(BucketName(kind), institution, ""), id.ToBytes(), value);
}

// ---- papers by the day on which they expire

storage::CommitRequest VaultStore::SetExpiry(absl::CivilDay day, const Id128& person, const Id128& document,
                                             bool present) const {
  std::optional<std::string> value;
  if (present) {
    v1::ExpiryPointer pointer;
    pointer.set_person(person.ToBytes());
    pointer.set_document(document.ToBytes());
    value = pointer.SerializeAsString();
  }
  return SetRow(context_.idempotency.Bucket("vault-expiry", "", DayName(day)),
                person.ToBytes() + document.ToBytes(), std::move(value));
}

absl::StatusOr<VaultStore::ExpiryRows> VaultStore::Expiries(absl::CivilDay day, std::string_view from,
                                                            size_t limit) const {
  ASSIGN_OR_RETURN(
      const storage::SalvagedPage page,
      storage::Salvage(context_.store, context_.idempotency.Bucket("vault-expiry", "", DayName(day)), "",
                       from, limit));
  ExpiryRows out;
  out.next = page.next;
  for (const storage::KeyedEntry& entry : page.entries) {
    if (entry.key.size() == Id128::kSize * 2) {
      v1::ExpiryPointer pointer;
      pointer.set_person(entry.key.substr(0, Id128::kSize));
      pointer.set_document(entry.key.substr(Id128::kSize));
      out.rows.push_back(std::move(pointer));
    }
  }
  return out;
}

std::string VaultStore::ListedDayKey(const ListedDay& listed) const {
  return std::string(kDayPrefix) + listed.document.ToBytes() +
         rows_.Name({kDayUse, listed.document}, DayName(listed.day));
}

// nullopt: no key of that kind.
std::optional<VaultStore::ListedDay> VaultStore::ListedDayIn(std::string_view key) const {
  const std::string_view rest = key.substr(kDayPrefix.size());
  const auto document = IdOf(rest.substr(0, Id128::kSize));
  if (!document.ok()) {
    return std::nullopt;
  }
  const std::optional<std::string> day = rows_.TextOf({kDayUse, *document}, rest.substr(Id128::kSize));
  ListedDay listed{*document, {}};
  if (!day.has_value() || !absl::ParseCivilTime(*day, &listed.day)) {
    return std::nullopt;
  }
  return listed;
}

absl::StatusOr<std::vector<VaultStore::ListedDay>> VaultStore::ListedDays(
    const Id128& person, const std::optional<Id128>& document) const {
  const std::string prefix = std::string(kDayPrefix) + (document.has_value() ? document->ToBytes() : "");
  std::vector<ListedDay> out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                     storage::Salvage(context_.store, PersonPartition(person), prefix, from, kRowsAtOnce));
    for (const storage::KeyedEntry& row : page.entries) {
      if (const std::optional<ListedDay> listed = ListedDayIn(row.key); listed.has_value()) {
        out.push_back(*listed);
      }
    }
    from = page.next;
  } while (!from.empty());
  return out;
}

storage::CommitRequest VaultStore::SetListedDay(const Id128& person, const ListedDay& listed,
                                                bool present) const {
  return SetRow(PersonPartition(person), ListedDayKey(listed),
                present ? std::optional<std::string>("1") : std::nullopt);
}

// ---- hosts that are suspended

absl::StatusOr<VaultStore::UnjudgedHosts> VaultStore::Unjudged(const std::optional<Id128>& person,
                                                               std::string_view from, size_t limit) const {
  const std::string prefix = person.has_value() ? person->ToBytes() : "";
  ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                   storage::Salvage(context_.store, context_.idempotency.Bucket("vault-unjudged", "", ""),
                                    prefix, from, limit));
  UnjudgedHosts out;
  out.next = page.next;
  for (const storage::KeyedEntry& entry : page.entries) {
    const std::string_view key = entry.key;
    const auto whose = IdOf(key.substr(0, Id128::kSize));
    if (!whose.ok()) {
      continue;
    }
    std::optional<std::string> institution = InstitutionIn(*whose, key.substr(Id128::kSize));
    if (institution.has_value()) {
      out.rows.push_back({*whose, *std::move(institution)});
    }
  }
  return out;
}

storage::CommitRequest VaultStore::SetUnjudged(const UnjudgedHost& host, bool present) const {
  return SetRow(context_.idempotency.Bucket("vault-unjudged", "", ""),
                host.person.ToBytes() + HostName(host.person, host.institution),
                present ? std::optional<std::string>("1") : std::nullopt);
}

// ---- uploads under way

absl::StatusOr<VaultStore::OpenUploadRows> VaultStore::OpenUploads(const Id128& from, size_t limit) const {
  const storage::Partition bucket = context_.idempotency.Bucket("vault-uploads", "", "");
  ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                   storage::Salvage(context_.store, bucket, "", from.ToBytes(), limit));
  OpenUploadRows out;
  for (const storage::KeyedEntry& entry : page.entries) {
    const auto value = rows_.Open(RowOf(bucket, entry.key), entry.entry.value);
    absl::StatusOr<OpenUpload> upload =
        value.ok() ? ReadOpenUpload(entry.key, *value) : absl::StatusOr<OpenUpload>(value.status());
    if (upload.ok()) {
      out.rows.push_back(*std::move(upload));
    } else {
      out.unreadable.push_back(IdAt(entry.key));
    }
  }
  out.gaps = page.gaps.size();
  out.next = NextAt(page.next);
  return out;
}

absl::StatusOr<std::optional<OpenUpload>> VaultStore::OpenUploadOf(const Id128& upload) const {
  const storage::Partition bucket = context_.idempotency.Bucket("vault-uploads", "", "");
  const std::string key = upload.ToBytes();
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, context_.store.Get(bucket, key));
  ASSIGN_OR_RETURN(const std::optional<std::string> value, OpenValue(bucket, key, entry));
  if (!value.has_value()) {
    return std::optional<OpenUpload>();
  }
  ASSIGN_OR_RETURN(OpenUpload open, ReadOpenUpload(key, *value));
  return std::optional(std::move(open));
}

storage::CommitRequest VaultStore::SetOpenUpload(const OpenUpload& upload, bool present) const {
  std::optional<std::string> value;
  if (present) {
    value = upload.person.ToBytes() + upload.document.ToBytes();
    AppendBigEndian32(upload.version, *value);
    AppendBigEndian64(upload.size, *value);
    *value += upload.depositor;
  }
  return SetSealed(context_.idempotency.Bucket("vault-uploads", "", ""), upload.upload.ToBytes(), value);
}

// ---- operations

absl::StatusOr<Stored<v1::StoredRotation>> VaultStore::Rotation() const {
  return StateIn<v1::StoredRotation>(context_.store, context_.idempotency.Bucket("vault-rotation", "", ""),
                                     kState);
}

absl::StatusOr<Stored<v1::StoredScrub>> VaultStore::Scrub() const {
  auto stored =
      StateIn<v1::StoredScrub>(context_.store, context_.idempotency.Bucket("vault-scrub", "", ""), kState);
  if (absl::IsDataLoss(stored.status())) {
    return Stored<v1::StoredScrub>{{}, kDoesNotRead};
  }
  return stored;
}

absl::StatusOr<Stored<v1::StoredClosure>> VaultStore::Closure() const {
  return StateIn<v1::StoredClosure>(context_.store, context_.idempotency.Bucket("vault-closure", "", ""),
                                    kState);
}

void VaultStore::PutRotation(const Stored<v1::StoredRotation>& rotation,
                             storage::CommitRequest& commit) const {
  PutRow(context_.idempotency.Bucket("vault-rotation", "", ""), kState, rotation.value.SerializeAsString(),
         rotation.version, commit);
}

void VaultStore::PutScrub(const Stored<v1::StoredScrub>& scrub, storage::CommitRequest& commit) const {
  PutRow(context_.idempotency.Bucket("vault-scrub", "", ""), kState, scrub.value.SerializeAsString(),
         scrub.version, commit);
}

void VaultStore::PutClosure(const Stored<v1::StoredClosure>& closure, storage::CommitRequest& commit) const {
  PutRow(context_.idempotency.Bucket("vault-closure", "", ""), kState, closure.value.SerializeAsString(),
         closure.version, commit);
}

}  // namespace relais::vault
