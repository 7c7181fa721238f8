#include "services/vault/store.h"

#include <algorithm>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "services/vault/format/bytes.h"

namespace relais::vault {
namespace {

constexpr std::string_view kKeyPrefix = "v/key/";
constexpr std::string_view kUsage = "v/usage";
constexpr std::string_view kAnew = "v/anew";
constexpr std::string_view kUploadPrefix = "v/up/";
constexpr std::string_view kUploadEndPrefix = "v/end/";
constexpr std::string_view kDocumentPrefix = "v/doc/";
constexpr std::string_view kDuplicatePrefix = "v/dup/";
constexpr std::string_view kSharePrefix = "v/share/";
constexpr std::string_view kRequestPrefix = "v/ask/";
constexpr std::string_view kHostPrefix = "v/host/";
constexpr std::string_view kHostUse = "host";
constexpr std::string_view kDayPrefix = "v/day/";
constexpr size_t kDuplicateSize = Id128::kSize + 4;
constexpr size_t kPage = 1000;

std::string KeyOf(std::string_view prefix, const Id128& id) { return std::string(prefix) + id.ToBytes(); }
std::string KeyOf(std::string_view prefix, std::string_view name) {
  return std::string(prefix) + std::string(name);
}
std::string GenerationKey(uint32_t generation) {
  std::string key(kKeyPrefix);
  AppendBigEndian32(generation, key);
  return key;
}

std::string ContextOf(const Id128& person, std::string_view key) {
  return VaultStore::RowOf(VaultStore::PersonPartition(person), key);
}

void Guard(const Id128& person, std::string key, uint64_t version, storage::CommitRequest& commit) {
  commit.partition = VaultStore::PersonPartition(person);
  storage::Precondition unchanged{std::move(key), std::nullopt};
  if (version != 0) {
    unchanged.version = version;
  }
  commit.preconditions.push_back(std::move(unchanged));
}

void Change(const Id128& person, const std::string& key, uint64_t version, std::optional<std::string> value,
            storage::CommitRequest& commit) {
  if (version == kDoesNotRead) {
    commit.partition = VaultStore::PersonPartition(person);
  } else {
    Guard(person, key, version, commit);
  }
  commit.batch.push_back({key, std::move(value)});
}

absl::Status Unreadable() { return absl::DataLossError("a row of a vault cannot be read"); }

// What follows the prefix, or as much of it as an id has; zeros where there is less.
Id128 IdAt(std::string_view key, std::string_view prefix) {
  std::string bytes(key.substr(std::min(key.size(), prefix.size())).substr(0, Id128::kSize));
  bytes.resize(Id128::kSize, '\0');
  return Id128::FromBytes(bytes).value();
}

}  // namespace

absl::StatusOr<Id128> IdOf(std::string_view bytes) {
  auto id = Id128::FromBytes(bytes);
  if (!id.ok()) {
    return Unreadable();
  }
  return *id;
}

std::string VaultStore::HostName(const Id128& person, std::string_view institution) const {
  return rows_.Name({kHostUse, person}, institution);
}

std::string VaultStore::HostKey(const Id128& person, std::string_view institution) const {
  return KeyOf(kHostPrefix, HostName(person, institution));
}

std::optional<std::string> VaultStore::InstitutionIn(const Id128& person, std::string_view name) const {
  return rows_.TextOf({kHostUse, person}, name);
}

// nullopt: she is erased, or frozen where that reads as erased.
absl::StatusOr<std::optional<std::string>> VaultStore::Open(const Id128& person, std::string_view key,
                                                            std::string_view sealed, View view) const {
  const std::string context = ContextOf(person, key);
  audit::SubjectKeys& keys = context_.log.keys();
  auto plain = view == View::kFrozen ? keys.OpenFrozenState(SubjectOf(person), context, sealed)
                                     : keys.OpenState(SubjectOf(person), context, sealed);
  if (absl::IsNotFound(plain.status())) {
    return std::optional<std::string>();
  }
  if (absl::IsInvalidArgument(plain.status())) {
    return Unreadable();  // it was altered, or is another row
  }
  RETURN_IF_ERROR(plain.status());
  return std::optional<std::string>(*std::move(plain));
}

// nullopt: likewise. DATA_LOSS: it does not open.
template <typename T>
absl::StatusOr<std::optional<Stored<T>>> VaultStore::OpenRow(const Id128& person, std::string_view key,
                                                             const storage::Entry& entry, View view) const {
  ASSIGN_OR_RETURN(const std::optional<std::string> plain, Open(person, key, entry.value, view));
  if (!plain.has_value()) {
    return std::optional<Stored<T>>();
  }
  Stored<T> stored;
  stored.version = entry.version;
  if (!stored.value.ParseFromString(*plain)) {
    return Unreadable();
  }
  return std::optional<Stored<T>>(std::move(stored));
}

template <typename T>
absl::StatusOr<std::optional<Stored<T>>> VaultStore::Get(const Id128& person, const std::string& key,
                                                         View view) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), key));
  if (!entry.has_value()) {
    return std::optional<Stored<T>>();
  }
  return OpenRow<T>(person, key, *entry, view);
}

template <typename T>
absl::StatusOr<Rows<T>> VaultStore::Scan(const Id128& person, std::string_view prefix, const Id128& from,
                                         size_t limit, View view) const {
  Rows<T> out;
  ASSIGN_OR_RETURN(const storage::Page page,
                   context_.store.Scan(PersonPartition(person), prefix, KeyOf(prefix, from), limit));
  for (const storage::KeyedEntry& entry : page.entries) {
    Row<T> row;
    ASSIGN_OR_RETURN(row.id, IdOf(std::string_view(entry.key).substr(prefix.size())));
    ASSIGN_OR_RETURN(std::optional<Stored<T>> stored, OpenRow<T>(person, entry.key, entry.entry, view));
    if (!stored.has_value()) {
      return Rows<T>();
    }
    row.stored = *std::move(stored);
    out.rows.push_back(std::move(row));
  }
  if (!page.next.empty()) {
    ASSIGN_OR_RETURN(const Id128 next, IdOf(std::string_view(page.next).substr(prefix.size())));
    out.next = next;
  }
  return out;
}

template <typename T>
absl::StatusOr<ReadableRows<T>> VaultStore::ScanReadable(const Id128& person, std::string_view prefix,
                                                         const Id128& from, size_t limit, View view) const {
  ReadableRows<T> out;
  ASSIGN_OR_RETURN(const storage::SalvagedPage page, storage::Salvage(context_.store, PersonPartition(person),
                                                                      prefix, KeyOf(prefix, from), limit));
  for (const storage::KeyedEntry& entry : page.entries) {
    const Id128 id = IdAt(entry.key, prefix);
    auto stored = OpenRow<T>(person, entry.key, entry.entry, view);
    if (audit::DoesNotRead(stored.status())) {
      out.unreadable.push_back(id);
      continue;
    }
    RETURN_IF_ERROR(stored.status());
    if (!stored->has_value()) {
      return ReadableRows<T>();
    }
    out.rows.push_back({id, **std::move(stored)});
  }
  for (const std::string& gap : page.gaps) {
    out.gaps.push_back(IdAt(gap, prefix));
  }
  if (!page.next.empty()) {
    const bool after = page.next.size() > prefix.size() + Id128::kSize;  // a row that was read
    const Id128 at = IdAt(page.next, prefix);
    out.next = after ? storage::NextId(at) : at;
  }
  return out;
}

template <typename T>
absl::Status VaultStore::Put(const Id128& person, const std::string& key, const Stored<T>& stored,
                             storage::CommitRequest& commit) const {
  ASSIGN_OR_RETURN(std::string sealed,
                   context_.log.keys().SealState(SubjectOf(person), ContextOf(person, key),
                                                 stored.value.SerializeAsString()));
  Change(person, key, stored.version, std::move(sealed), commit);
  return absl::OkStatus();
}

// ---- one row

absl::StatusOr<std::optional<Stored<v1::StoredDocument>>> VaultStore::Document(const Id128& person,
                                                                               const Id128& id,
                                                                               View view) const {
  return Get<v1::StoredDocument>(person, KeyOf(kDocumentPrefix, id), view);
}

absl::StatusOr<std::optional<Stored<v1::StoredUpload>>> VaultStore::Upload(const Id128& person,
                                                                           const Id128& id, View view) const {
  return Get<v1::StoredUpload>(person, KeyOf(kUploadPrefix, id), view);
}

absl::StatusOr<std::optional<Stored<v1::StoredUploadEnd>>> VaultStore::UploadEnd(const Id128& person,
                                                                                 const Id128& id) const {
  return Get<v1::StoredUploadEnd>(person, KeyOf(kUploadEndPrefix, id), View::kLive);
}

absl::StatusOr<std::optional<Stored<v1::StoredShare>>> VaultStore::Share(const Id128& person, const Id128& id,
                                                                         View view) const {
  return Get<v1::StoredShare>(person, KeyOf(kSharePrefix, id), view);
}

absl::StatusOr<std::optional<Stored<v1::StoredRequest>>> VaultStore::Request(const Id128& person,
                                                                             const Id128& id,
                                                                             View view) const {
  return Get<v1::StoredRequest>(person, KeyOf(kRequestPrefix, id), view);
}

absl::StatusOr<std::optional<Stored<v1::StoredHost>>> VaultStore::Host(const Id128& person,
                                                                       std::string_view institution,
                                                                       View view) const {
  return Get<v1::StoredHost>(person, HostKey(person, institution), view);
}

absl::StatusOr<Stored<v1::StoredUsage>> VaultStore::Usage(const Id128& person, View view) const {
  ASSIGN_OR_RETURN(auto stored, Get<v1::StoredUsage>(person, std::string(kUsage), view));
  return stored.has_value() ? *std::move(stored) : Stored<v1::StoredUsage>();
}

// ---- all rows of a kind

absl::StatusOr<Rows<v1::StoredDocument>> VaultStore::Documents(const Id128& person, const Id128& from,
                                                               size_t limit, View view) const {
  return Scan<v1::StoredDocument>(person, kDocumentPrefix, from, limit, view);
}

absl::StatusOr<Rows<v1::StoredUpload>> VaultStore::Uploads(const Id128& person, const Id128& from,
                                                           size_t limit, View view) const {
  return Scan<v1::StoredUpload>(person, kUploadPrefix, from, limit, view);
}

absl::StatusOr<Rows<v1::StoredShare>> VaultStore::Shares(const Id128& person, const Id128& from, size_t limit,
                                                         View view) const {
  return Scan<v1::StoredShare>(person, kSharePrefix, from, limit, view);
}

absl::StatusOr<Rows<v1::StoredRequest>> VaultStore::Requests(const Id128& person, const Id128& from,
                                                             size_t limit, View view) const {
  return Scan<v1::StoredRequest>(person, kRequestPrefix, from, limit, view);
}

namespace {
// Keys tell no order.
void SortByInstitution(std::vector<VaultStore::HostRow>& rows) {
  std::sort(rows.begin(), rows.end(), [](const VaultStore::HostRow& a, const VaultStore::HostRow& b) {
    return a.institution < b.institution;
  });
}
}  // namespace

absl::StatusOr<std::vector<VaultStore::HostRow>> VaultStore::Hosts(const Id128& person, View view) const {
  std::vector<HostRow> out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     context_.store.Scan(PersonPartition(person), kHostPrefix, from, kPage));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(auto stored, OpenRow<v1::StoredHost>(person, entry.key, entry.entry, view));
      if (!stored.has_value()) {
        return std::vector<HostRow>();
      }
      std::optional<std::string> institution =
          InstitutionIn(person, std::string_view(entry.key).substr(kHostPrefix.size()));
      if (!institution.has_value()) {
        return Unreadable();
      }
      out.push_back({*std::move(institution), *std::move(stored)});
    }
    from = page.next;
  } while (!from.empty());
  SortByInstitution(out);
  return out;
}

// ---- the same past what does not open

absl::StatusOr<ReadableRows<v1::StoredDocument>> VaultStore::ReadableDocuments(const Id128& person,
                                                                               const Id128& from,
                                                                               size_t limit,
                                                                               View view) const {
  return ScanReadable<v1::StoredDocument>(person, kDocumentPrefix, from, limit, view);
}

absl::StatusOr<ReadableRows<v1::StoredShare>> VaultStore::ReadableShares(const Id128& person,
                                                                         const Id128& from, size_t limit,
                                                                         View view) const {
  return ScanReadable<v1::StoredShare>(person, kSharePrefix, from, limit, view);
}

absl::StatusOr<ReadableRows<v1::StoredRequest>> VaultStore::ReadableRequests(const Id128& person,
                                                                             const Id128& from, size_t limit,
                                                                             View view) const {
  return ScanReadable<v1::StoredRequest>(person, kRequestPrefix, from, limit, view);
}

absl::StatusOr<ReadableRows<v1::StoredUpload>> VaultStore::ReadableUploads(const Id128& person,
                                                                           const Id128& from, size_t limit,
                                                                           View view) const {
  return ScanReadable<v1::StoredUpload>(person, kUploadPrefix, from, limit, view);
}

absl::StatusOr<VaultStore::ReadableHostRows> VaultStore::ReadableHosts(const Id128& person, View view) const {
  ReadableHostRows out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                     storage::Salvage(context_.store, PersonPartition(person), kHostPrefix, from, kPage));
    out.gaps += page.gaps.size();
    for (const storage::KeyedEntry& entry : page.entries) {
      std::optional<std::string> institution =
          InstitutionIn(person, std::string_view(entry.key).substr(kHostPrefix.size()));
      auto stored = OpenRow<v1::StoredHost>(person, entry.key, entry.entry, view);
      if (!institution.has_value() || audit::DoesNotRead(stored.status())) {
        out.unreadable.push_back(std::move(institution).value_or(""));
        continue;
      }
      RETURN_IF_ERROR(stored.status());
      if (!stored->has_value()) {
        return ReadableHostRows();
      }
      out.rows.push_back({*std::move(institution), **std::move(stored)});
    }
    from = page.next;
  } while (!from.empty());
  SortByInstitution(out.rows);
  return out;
}

// ---- changes

absl::Status VaultStore::PutDocument(const Id128& person, const Id128& id,
                                     const Stored<v1::StoredDocument>& document,
                                     storage::CommitRequest& commit) const {
  return Put(person, KeyOf(kDocumentPrefix, id), document, commit);
}

absl::Status VaultStore::PutUpload(const Id128& person, const Id128& id,
                                   const Stored<v1::StoredUpload>& upload,
                                   storage::CommitRequest& commit) const {
  return Put(person, KeyOf(kUploadPrefix, id), upload, commit);
}

absl::Status VaultStore::PutShare(const Id128& person, const Id128& id, const Stored<v1::StoredShare>& share,
                                  storage::CommitRequest& commit) const {
  return Put(person, KeyOf(kSharePrefix, id), share, commit);
}

absl::Status VaultStore::PutRequest(const Id128& person, const Id128& id,
                                    const Stored<v1::StoredRequest>& request,
                                    storage::CommitRequest& commit) const {
  return Put(person, KeyOf(kRequestPrefix, id), request, commit);
}

absl::Status VaultStore::PutHost(const Id128& person, std::string_view institution,
                                 const Stored<v1::StoredHost>& host, storage::CommitRequest& commit) const {
  return Put(person, HostKey(person, institution), host, commit);
}

absl::Status VaultStore::PutUsage(const Id128& person, const Stored<v1::StoredUsage>& usage,
                                  storage::CommitRequest& commit) const {
  return Put(person, std::string(kUsage), usage, commit);
}

absl::StatusOr<uint64_t> VaultStore::UsageVersion(const Id128& person) const {
  const auto entry = context_.store.Get(PersonPartition(person), kUsage);
  if (absl::IsDataLoss(entry.status())) {
    return kDoesNotRead;
  }
  RETURN_IF_ERROR(entry.status());
  return entry->has_value() ? (*entry)->version : 0;
}

absl::StatusOr<uint64_t> VaultStore::AnewVersion(const Id128& person) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), kAnew));
  return entry.has_value() ? entry->version : 0;
}

void VaultStore::PutAnew(const Id128& person, uint64_t version, storage::CommitRequest& commit) {
  Change(person, std::string(kAnew), version, "1", commit);
}

absl::Status VaultStore::EndUpload(const Id128& person, const Id128& id,
                                   const Stored<v1::StoredUpload>& upload, v1::Upload::State state,
                                   std::string_view reason, storage::CommitRequest& commit) const {
  Change(person, KeyOf(kUploadPrefix, id), upload.version, std::nullopt, commit);
  Stored<v1::StoredUploadEnd> end;
  end.value.set_state(state);
  end.value.set_reason(std::string(reason));
  end.value.set_document(upload.value.document());
  end.value.set_version(upload.value.version());
  end.value.set_size(upload.value.size());
  end.value.set_depositor(upload.value.depositor().institution());
  end.value.set_drop(upload.value.has_drop_host());
  return Put(person, KeyOf(kUploadEndPrefix, id), end, commit);
}

void VaultStore::GuardDocument(const Id128& person, const Id128& id, uint64_t version,
                               storage::CommitRequest& commit) {
  Guard(person, KeyOf(kDocumentPrefix, id), version, commit);
}

void VaultStore::GuardShare(const Id128& person, const Id128& id, uint64_t version,
                            storage::CommitRequest& commit) {
  Guard(person, KeyOf(kSharePrefix, id), version, commit);
}

void VaultStore::GuardHost(const Id128& person, std::string_view institution, uint64_t version,
                           storage::CommitRequest& commit) const {
  Guard(person, HostKey(person, institution), version, commit);
}

void VaultStore::GuardUsage(const Id128& person, uint64_t version, storage::CommitRequest& commit) {
  Guard(person, std::string(kUsage), version, commit);
}

// ---- her keys

absl::StatusOr<std::optional<Stored<std::string>>> VaultStore::PersonKey(const Id128& person,
                                                                         uint32_t generation) const {
  ASSIGN_OR_RETURN(std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), GenerationKey(generation)));
  if (!entry.has_value()) {
    return std::optional<Stored<std::string>>();
  }
  return std::optional(Stored<std::string>{std::move(entry->value), entry->version});
}

absl::StatusOr<std::vector<WrappedPersonKey>> VaultStore::PersonKeys(const Id128& person) const {
  std::vector<WrappedPersonKey> out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(storage::Page page,
                     context_.store.Scan(PersonPartition(person), kKeyPrefix, from, kPage));
    for (storage::KeyedEntry& entry : page.entries) {
      const std::string_view generation = std::string_view(entry.key).substr(kKeyPrefix.size());
      if (generation.size() != 4) {
        return Unreadable();
      }
      WrappedPersonKey key;
      key.generation = ReadBigEndian32(generation);
      key.wrapped = {std::move(entry.entry.value), entry.entry.version};
      out.push_back(std::move(key));
    }
    from = page.next;
  } while (!from.empty());
  return out;
}

void VaultStore::PutPersonKey(const Id128& person, const WrappedPersonKey& key,
                              storage::CommitRequest& commit) {
  Change(person, GenerationKey(key.generation), key.wrapped.version, key.wrapped.value, commit);
}

void VaultStore::RemovePersonKey(const Id128& person, uint32_t generation, uint64_t version,
                                 storage::CommitRequest& commit) {
  Change(person, GenerationKey(generation), version, std::nullopt, commit);
}

// ---- duplicate marks

namespace {
absl::StatusOr<DuplicateOf> ReadDuplicate(std::string_view value) {
  if (value.size() != kDuplicateSize) {
    return Unreadable();
  }
  DuplicateOf duplicate;
  ASSIGN_OR_RETURN(duplicate.document, IdOf(value.substr(0, Id128::kSize)));
  duplicate.version = ReadBigEndian32(value.substr(Id128::kSize));
  return duplicate;
}
}  // namespace

absl::StatusOr<std::optional<Stored<DuplicateOf>>> VaultStore::Duplicate(const Id128& person,
                                                                         std::string_view mark) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), KeyOf(kDuplicatePrefix, mark)));
  if (!entry.has_value()) {
    return std::optional<Stored<DuplicateOf>>();
  }
  ASSIGN_OR_RETURN(const DuplicateOf duplicate, ReadDuplicate(entry->value));
  return std::optional(Stored<DuplicateOf>{duplicate, entry->version});
}

absl::StatusOr<std::vector<VaultStore::DuplicateRow>> VaultStore::Duplicates(const Id128& person,
                                                                             std::string_view from,
                                                                             size_t limit) const {
  std::vector<DuplicateRow> out;
  ASSIGN_OR_RETURN(const storage::Page page, context_.store.Scan(PersonPartition(person), kDuplicatePrefix,
                                                                 KeyOf(kDuplicatePrefix, from), limit));
  for (const storage::KeyedEntry& entry : page.entries) {
    ASSIGN_OR_RETURN(const DuplicateOf duplicate, ReadDuplicate(entry.entry.value));
    out.push_back({entry.key.substr(kDuplicatePrefix.size()), {duplicate, entry.entry.version}});
  }
  return out;
}

absl::StatusOr<VaultStore::ReadableDuplicateRows> VaultStore::ReadableDuplicates(const Id128& person,
                                                                                 std::string_view from,
                                                                                 size_t limit) const {
  ReadableDuplicateRows out;
  ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                   storage::Salvage(context_.store, PersonPartition(person), kDuplicatePrefix,
                                    KeyOf(kDuplicatePrefix, from), limit));
  for (const storage::KeyedEntry& entry : page.entries) {
    DuplicateRow row{entry.key.substr(kDuplicatePrefix.size()), {{}, entry.entry.version}};
    const auto duplicate = ReadDuplicate(entry.entry.value);
    if (duplicate.ok()) {
      row.stored.value = *duplicate;
      out.rows.push_back(std::move(row));
    } else {
      out.unreadable.push_back(std::move(row));
    }
  }
  if (!page.next.empty()) {
    out.next = page.next.substr(kDuplicatePrefix.size());
  }
  return out;
}

void VaultStore::PutDuplicate(const Id128& person, std::string_view mark,
                              const Stored<DuplicateOf>& duplicate, storage::CommitRequest& commit) {
  std::string value = duplicate.value.document.ToBytes();
  AppendBigEndian32(duplicate.value.version, value);
  Change(person, KeyOf(kDuplicatePrefix, mark), duplicate.version, std::move(value), commit);
}

void VaultStore::RemoveDuplicate(const Id128& person, std::string_view mark, uint64_t version,
                                 storage::CommitRequest& commit) {
  Change(person, KeyOf(kDuplicatePrefix, mark), version, std::nullopt, commit);
}

// ---- every row of hers

absl::StatusOr<bool> VaultStore::Opens(const Id128& person, const storage::KeyedEntry& entry) const {
  const std::string_view key = entry.key;
  const auto opened_as = [&]<typename T>(const T& /*type*/) {
    return OpenRow<T>(person, key, entry.entry, View::kFrozen).status();
  };
  absl::Status opened;
  if (key == kUsage) {
    opened = opened_as(v1::StoredUsage::default_instance());
  } else if (key.starts_with(kUploadPrefix)) {
    opened = opened_as(v1::StoredUpload::default_instance());
  } else if (key.starts_with(kUploadEndPrefix)) {
    opened = opened_as(v1::StoredUploadEnd::default_instance());
  } else if (key.starts_with(kSharePrefix)) {
    opened = opened_as(v1::StoredShare::default_instance());
  } else if (key.starts_with(kRequestPrefix)) {
    opened = opened_as(v1::StoredRequest::default_instance());
  } else if (key.starts_with(kHostPrefix)) {
    opened = InstitutionIn(person, key.substr(kHostPrefix.size())).has_value()
                 ? opened_as(v1::StoredHost::default_instance())
                 : Unreadable();
  } else if (key.starts_with(kDayPrefix)) {
    opened = ListedDayIn(key).has_value() ? absl::OkStatus() : Unreadable();
  } else if (key.starts_with(kDuplicatePrefix)) {
    opened = ReadDuplicate(entry.entry.value).status();
  }
  if (audit::DoesNotRead(opened)) {
    return false;
  }
  RETURN_IF_ERROR(opened);
  return true;
}

absl::StatusOr<uint64_t> VaultStore::UnreadableRows(const Id128& person) const {
  uint64_t unreadable = 0;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                     storage::Salvage(context_.store, PersonPartition(person), "", from, kPage));
    unreadable += page.gaps.size();
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(const bool opens, Opens(person, entry));
      unreadable += opens ? 0 : 1;
    }
    from = page.next;
  } while (!from.empty());
  return unreadable;
}

// ---- everybody, and remembered requests

absl::StatusOr<std::vector<Id128>> VaultStore::Persons(const Id128& from, size_t limit) const {
  ASSIGN_OR_RETURN(const std::vector<storage::Partition> partitions,
                   context_.store.ListPartitions(storage::PartitionKind::kPerson, from, limit));
  std::vector<Id128> out;
  out.reserve(partitions.size());
  for (const storage::Partition& partition : partitions) {
    out.push_back(partition.id);
  }
  return out;
}

absl::StatusOr<VaultStore::ReadablePersons> VaultStore::PersonsThatRead(const Id128& from,
                                                                        size_t limit) const {
  ASSIGN_OR_RETURN(storage::SalvagedPartitions found,
                   storage::SalvagePartitions(context_.store, storage::PartitionKind::kPerson, from, limit));
  ReadablePersons out;
  for (const storage::Partition& partition : found.partitions) {
    out.persons.push_back(partition.id);
  }
  out.gaps = std::move(found.gaps);
  out.next = found.next;
  return out;
}

absl::StatusOr<rpc::Idempotency::Seen> VaultStore::Seen(const Id128& person, const rpc::Call& call,
                                                        const rpc::Actor& actor, std::string_view method,
                                                        std::string_view request_id,
                                                        const google::protobuf::Message& content) const {
  return context_.idempotency.Look(context_.store, PersonPartition(person), rpc::RequestOwner(call, actor),
                                   method, request_id, content);
}

absl::StatusOr<rpc::Idempotency::Seen> VaultStore::SeenUnder(const Id128& name, const Id128& given,
                                                             const rpc::Call& call, const rpc::Actor& actor,
                                                             std::string_view method,
                                                             std::string_view request_id,
                                                             const google::protobuf::Message& content) const {
  if (name == given) {
    return Seen(name, call, actor, method, request_id, content);
  }
  return Seen(name, call, actor, std::string(method) + "Elsewhere",
              given.ToHex() + "/" + std::string(request_id), content);
}

}  // namespace relais::vault
