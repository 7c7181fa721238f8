#include "services/vault/store.h"

#include <utility>

#include "common/base/status.h"
#include "services/vault/format/bytes.h"

namespace relais::vault {
namespace {

constexpr std::string_view kKeyPrefix = "v/key/";
constexpr std::string_view kUsage = "v/usage";
constexpr std::string_view kUploadPrefix = "v/up/";
constexpr std::string_view kDocumentPrefix = "v/doc/";
constexpr std::string_view kDuplicatePrefix = "v/dup/";
constexpr std::string_view kSharePrefix = "v/share/";
constexpr std::string_view kRequestPrefix = "v/ask/";
constexpr std::string_view kHostPrefix = "v/host/";
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
  return VaultStore::PersonPartition(person).Encode() + "/" + std::string(key);
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
  Guard(person, key, version, commit);
  commit.batch.push_back({key, std::move(value)});
}

absl::Status Unreadable() { return absl::DataLossError("a row of a vault cannot be read"); }

}  // namespace

absl::StatusOr<Id128> IdOf(std::string_view bytes) {
  auto id = Id128::FromBytes(bytes);
  if (!id.ok()) {
    return Unreadable();
  }
  return *id;
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

template <typename T>
absl::StatusOr<std::optional<Stored<T>>> VaultStore::Get(const Id128& person, const std::string& key,
                                                         View view) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), key));
  if (!entry.has_value()) {
    return std::optional<Stored<T>>();
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> plain, Open(person, key, entry->value, view));
  if (!plain.has_value()) {
    return std::optional<Stored<T>>();
  }
  Stored<T> stored;
  stored.version = entry->version;
  if (!stored.value.ParseFromString(*plain)) {
    return Unreadable();
  }
  return std::optional<Stored<T>>(std::move(stored));
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
    ASSIGN_OR_RETURN(const std::optional<std::string> plain,
                     Open(person, entry.key, entry.entry.value, view));
    if (!plain.has_value()) {
      return Rows<T>();
    }
    row.stored.version = entry.entry.version;
    if (!row.stored.value.ParseFromString(*plain)) {
      return Unreadable();
    }
    out.rows.push_back(std::move(row));
  }
  if (!page.next.empty()) {
    ASSIGN_OR_RETURN(const Id128 next, IdOf(std::string_view(page.next).substr(prefix.size())));
    out.next = next;
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
  return Get<v1::StoredHost>(person, KeyOf(kHostPrefix, institution), view);
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

absl::StatusOr<std::vector<VaultStore::HostRow>> VaultStore::Hosts(const Id128& person, View view) const {
  std::vector<HostRow> out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     context_.store.Scan(PersonPartition(person), kHostPrefix, from, kPage));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(const std::optional<std::string> plain,
                       Open(person, entry.key, entry.entry.value, view));
      if (!plain.has_value()) {
        return std::vector<HostRow>();
      }
      HostRow row;
      row.institution = entry.key.substr(kHostPrefix.size());
      row.stored.version = entry.entry.version;
      if (!row.stored.value.ParseFromString(*plain)) {
        return Unreadable();
      }
      out.push_back(std::move(row));
    }
    from = page.next;
  } while (!from.empty());
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
  return Put(person, KeyOf(kHostPrefix, institution), host, commit);
}

absl::Status VaultStore::PutUsage(const Id128& person, const Stored<v1::StoredUsage>& usage,
                                  storage::CommitRequest& commit) const {
  return Put(person, std::string(kUsage), usage, commit);
}

void VaultStore::RemoveUpload(const Id128& person, const Id128& id, uint64_t version,
                              storage::CommitRequest& commit) {
  Change(person, KeyOf(kUploadPrefix, id), version, std::nullopt, commit);
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
                           storage::CommitRequest& commit) {
  Guard(person, KeyOf(kHostPrefix, institution), version, commit);
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

absl::StatusOr<rpc::Idempotency::Seen> VaultStore::Seen(const Id128& person, const rpc::Call& call,
                                                        const rpc::Actor& actor, std::string_view method,
                                                        std::string_view request_id,
                                                        const google::protobuf::Message& content) const {
  return context_.idempotency.Look(context_.store, PersonPartition(person), rpc::RequestOwner(call, actor),
                                   method, request_id, content);
}

}  // namespace relais::vault
