// What institutions have deposited: a row for each upload that counts, and their total.
#include "services/vault/institution_sums.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/status.h"
#include "services/vault/format/bytes.h"
#include "services/vault/put_row.h"
#include "services/vault/store.h"

namespace relais::vault {
namespace {

constexpr std::string_view kTotal = "usage";
constexpr std::string_view kAnew = "anew";
constexpr std::string_view kVersionPrefix = "u/";
constexpr size_t kRowsAtOnce = 500;
constexpr size_t kCountedSize = 1 + 8;
constexpr int kMendTries = 5;

absl::Status Unreadable() { return absl::DataLossError("a row of an institution's sums cannot be read"); }

storage::Partition BucketOf(const rpc::ServiceContext& context, std::string_view institution) {
  return context.idempotency.Bucket("vault-usage", institution, "");
}

// 0: there is no such row.
absl::StatusOr<uint64_t> VersionIn(const storage::Store& store, const storage::Partition& bucket,
                                   std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, store.Get(bucket, key));
  return entry.has_value() ? entry->version : 0;
}

// What one upload counts for, as its row says.
struct CountedVersion {
  VaultStore::Counted counted = VaultStore::Counted::kNone;
  uint64_t size = 0;
  friend bool operator==(const CountedVersion&, const CountedVersion&) = default;
};

// An upload's row as it is, and as it is to be.
struct ChangedRow {
  std::optional<uint64_t> version;  // nullopt: there is none
  bool first = false;               // of the paper's versions: it counts the paper
  CountedVersion before;
  CountedVersion after;
};

std::string CountedKey(const VaultStore::CountedText& text) {
  std::string key(kVersionPrefix);
  key += text.document.bytes();
  AppendBigEndian32(text.version, key);
  key += text.upload.bytes();
  return key;
}

// nullopt: no key of that kind.
std::optional<VaultStore::CountedText> ReadCountedKey(std::string_view key) {
  constexpr size_t kSize = kVersionPrefix.size() + Id128::kSize + 4 + Id128::kSize;
  if (key.size() != kSize) {
    return std::nullopt;
  }
  key.remove_prefix(kVersionPrefix.size());
  const auto document = IdOf(key.substr(0, Id128::kSize));
  const auto upload = IdOf(key.substr(Id128::kSize + 4));
  if (!document.ok() || !upload.ok()) {
    return std::nullopt;
  }
  return VaultStore::CountedText{*document, ReadBigEndian32(key.substr(Id128::kSize)), *upload};
}

std::string PackCounted(const CountedVersion& counted) {
  std::string value(1, static_cast<char>(counted.counted));
  AppendBigEndian64(counted.size, value);
  return value;
}

absl::StatusOr<CountedVersion> ReadCounted(const std::optional<std::string>& value) {
  if (!value.has_value()) {
    return CountedVersion();
  }
  if (value->size() != kCountedSize || (*value)[0] < 1 || (*value)[0] > 2) {
    return Unreadable();
  }
  return CountedVersion{static_cast<VaultStore::Counted>((*value)[0]),
                        ReadBigEndian64(std::string_view(*value).substr(1))};
}

absl::StatusOr<ChangedRow> RowBefore(const storage::Store& store, const RowSeal& rows,
                                     const storage::Partition& bucket, const std::string& key) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, store.Get(bucket, key));
  ChangedRow row;
  std::optional<std::string> opened;
  if (entry.has_value()) {
    row.version = entry->version;
    ASSIGN_OR_RETURN(opened, rows.Open(VaultStore::RowOf(bucket, key), entry->value));
  }
  ASSIGN_OR_RETURN(row.before, ReadCounted(opened));
  return row;
}

uint64_t Less(uint64_t from, uint64_t amount) { return from - std::min(from, amount); }

void Add(const CountedVersion& counted, bool first, v1::InstitutionUsage& usage) {
  if (counted.counted == VaultStore::Counted::kReserved) {
    usage.set_reserved_bytes(usage.reserved_bytes() + counted.size);
  } else if (counted.counted == VaultStore::Counted::kKept) {
    usage.set_bytes(usage.bytes() + counted.size);
    usage.set_documents(usage.documents() + (first ? 1 : 0));
  }
}

void TakeAway(const CountedVersion& counted, bool first, v1::InstitutionUsage& usage) {
  if (counted.counted == VaultStore::Counted::kReserved) {
    usage.set_reserved_bytes(Less(usage.reserved_bytes(), counted.size));
  } else if (counted.counted == VaultStore::Counted::kKept) {
    usage.set_bytes(Less(usage.bytes(), counted.size));
    usage.set_documents(Less(usage.documents(), first ? 1 : 0));
  }
}

// Adds what counts there on one page, and says where to go on.
absl::Status AddPage(const Vault& vault, const storage::Partition& bucket, std::string& from,
                     v1::InstitutionUsage& total) {
  ASSIGN_OR_RETURN(const storage::Page page,
                   vault.context.store.Scan(bucket, kVersionPrefix, from, kRowsAtOnce));
  for (const storage::KeyedEntry& row : page.entries) {
    const std::optional<VaultStore::CountedText> text = ReadCountedKey(row.key);
    if (!text.has_value()) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::string opened,
                     vault.store.rows().Open(VaultStore::RowOf(bucket, row.key), row.entry.value));
    ASSIGN_OR_RETURN(const CountedVersion counted, ReadCounted(opened));
    Add(counted, text->version == 1, total);
  }
  from = page.next;
  return absl::OkStatus();
}

Task<absl::Status> Mend(const Vault& vault, std::string institution, const Background* worker) {
  for (int i = 0; i < kMendTries; ++i) {
    auto commit = co_await TotalAnew(vault, institution, worker);
    CO_RETURN_IF_ERROR(commit.status());
    if (!commit->has_value()) {
      co_return absl::OkStatus();
    }
    const auto done = co_await vault.context.store.Commit(**std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  log::Warn("an institution's sums change too often to be counted anew: the next scrub does");
  co_return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Stored<v1::InstitutionUsage>> VaultStore::InstitutionUsage(
    std::string_view institution) const {
  const storage::Partition bucket = BucketOf(context_, institution);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, context_.store.Get(bucket, kTotal));
  ASSIGN_OR_RETURN(const std::optional<std::string> value, OpenValue(bucket, kTotal, entry));
  Stored<v1::InstitutionUsage> stored;
  if (value.has_value()) {
    stored.version = entry->version;
    if (!stored.value.ParseFromString(*value)) {
      return Unreadable();
    }
  }
  return stored;
}

// Before the total is read: who makes that anew changes the row `anew`, too.
absl::StatusOr<VaultStore::Counts> VaultStore::CountFor(std::string_view institution,
                                                        const std::vector<CountedChange>& changes) const {
  const storage::Partition bucket = BucketOf(context_, institution);
  const absl::StatusOr<uint64_t> anew = VersionIn(context_.store, bucket, kAnew);
  Counts out;
  std::map<std::string, ChangedRow> rows;
  for (const CountedChange& change : changes) {
    const std::string key = CountedKey(change.text);
    if (!rows.contains(key)) {
      absl::StatusOr<ChangedRow> row = RowBefore(context_.store, rows_, bucket, key);
      if (absl::IsDataLoss(row.status())) {
        out.each.push_back(row.status());
        continue;
      }
      RETURN_IF_ERROR(row.status());
      rows.emplace(key, *row);
    }
    ChangedRow& row = rows.find(key)->second;
    row.first = change.text.version == 1;
    row.after = {change.counted, change.counted == Counted::kNone ? 0 : change.size};
    out.each.push_back(absl::OkStatus());
  }
  std::erase_if(rows, [](const auto& row) { return row.second.before == row.second.after; });
  if (rows.empty()) {
    return out;
  }
  out.commit.emplace();
  absl::StatusOr<Stored<v1::InstitutionUsage>> total = InstitutionUsage(institution);
  if (absl::IsDataLoss(total.status())) {  // to be made anew from what counts
    RETURN_IF_ERROR(anew.status());
    PutRow(bucket, kAnew, "1", *anew, *out.commit);
  } else {
    RETURN_IF_ERROR(total.status());
    for (const auto& [key, row] : rows) {
      TakeAway(row.before, row.first, total->value);
      Add(row.after, row.first, total->value);
    }
    PutRow(bucket, kTotal, rows_.Seal(RowOf(bucket, kTotal), total->value.SerializeAsString()),
           total->version, *out.commit);
  }
  for (const auto& [key, row] : rows) {
    out.commit->preconditions.push_back({key, row.version});
    std::optional<std::string> value;
    if (row.after.counted != Counted::kNone) {
      value = rows_.Seal(RowOf(bucket, key), PackCounted(row.after));
    }
    out.commit->batch.push_back({key, std::move(value)});
  }
  return out;
}

absl::StatusOr<std::vector<VaultStore::CountedRow>> VaultStore::CountedTexts(std::string_view institution,
                                                                             const Id128& document) const {
  const storage::Partition bucket = BucketOf(context_, institution);
  const std::string prefix = std::string(kVersionPrefix) + document.ToBytes();
  std::vector<CountedRow> out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, context_.store.Scan(bucket, prefix, from, kRowsAtOnce));
    for (const storage::KeyedEntry& row : page.entries) {
      const std::optional<CountedText> text = ReadCountedKey(row.key);
      if (!text.has_value()) {
        continue;
      }
      ASSIGN_OR_RETURN(const std::optional<std::string> opened, OpenValue(bucket, row.key, row.entry));
      ASSIGN_OR_RETURN(const CountedVersion counted, ReadCounted(opened));
      out.push_back({*text, counted.counted});
    }
    from = page.next;
  } while (!from.empty());
  return out;
}

// ---- its total made anew

Task<absl::StatusOr<std::optional<storage::CommitRequest>>> TotalAnew(const Vault& vault,
                                                                      std::string institution,
                                                                      const Background* worker) {
  const storage::Partition bucket = BucketOf(vault.context, institution);
  // Before anything is counted: what changes meanwhile changes it too.
  const absl::StatusOr<uint64_t> anew = VersionIn(vault.context.store, bucket, kAnew);
  absl::StatusOr<uint64_t> version = VersionIn(vault.context.store, bucket, kTotal);
  const absl::Status reads = vault.store.InstitutionUsage(institution).status();
  if (!absl::IsDataLoss(reads)) {
    CO_RETURN_IF_ERROR(reads);
    co_return std::optional<storage::CommitRequest>();
  }
  CO_RETURN_IF_ERROR(anew.status());
  if (absl::IsDataLoss(version.status())) {
    version = kDoesNotRead;
  }
  CO_RETURN_IF_ERROR(version.status());
  v1::InstitutionUsage total;
  std::string from;
  do {
    if (worker != nullptr && worker->stopping()) {
      co_return absl::UnavailableError("the service is stopping");
    }
    CO_RETURN_IF_ERROR(AddPage(vault, bucket, from, total));
    co_await ResumeOn(vault.context.executor);
  } while (!from.empty());
  storage::CommitRequest commit;
  PutRow(bucket, kTotal,
         vault.store.rows().Seal(VaultStore::RowOf(bucket, kTotal), total.SerializeAsString()), *version,
         commit);
  PutRow(bucket, kAnew, "1", *anew, commit);
  co_return std::optional<storage::CommitRequest>(std::move(commit));
}

Task<absl::Status> MendInstitutionSums(const Vault& vault, const Background* worker) {
  const auto directory = vault.context.directory();
  for (const directory::Institution& institution : directory->content().institutions) {
    std::string id = institution.id;
    const absl::Status mended = co_await Mend(vault, std::move(id), worker);
    if (absl::IsDataLoss(mended)) {
      log::Error("an institution's sums do not read, nor all that counts: it cannot deposit",
                 {log::Field::Code(mended)});
      continue;
    }
    CO_RETURN_IF_ERROR(mended);
  }
  co_return absl::OkStatus();
}

}  // namespace relais::vault
