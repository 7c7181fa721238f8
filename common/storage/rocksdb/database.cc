#include "common/storage/rocksdb/database.h"

#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <algorithm>
#include <cstdarg>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/base/status.h"
#include "common/storage/rocksdb/record_logs.h"
#include "common/storage/validate.h"
#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "1";
constexpr std::string_view kVersionKey = "version";

rocksdb::Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view ToView(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

absl::Status Stopped(const rocksdb::Status& status) {
  return absl::UnavailableError("store failed: " + status.ToString());
}

// Hears what fails behind the writer's back: flushes and compactions.
class ErrorListener final : public rocksdb::EventListener {
 public:
  explicit ErrorListener(std::shared_ptr<FailureLatch> latch) : latch_(std::move(latch)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* error) override {
    latch_->Set(Stopped(*error));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::shared_ptr<FailureLatch> latch_;
};

// RocksDB writes no log of its own: what matters of it comes as a status. On a full disk its log would end
// the process (an assertion of Debian's 7.8, at the second write that fails) instead of letting the store
// stop; and looking at a store writes nothing beside it.
class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    return absl::OkStatus();
  }
  if (std::filesystem::create_directories(path, error)) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    return absl::UnavailableError("cannot make the folder " + path + ": " + error.message());
  }
  return absl::OkStatus();
}

absl::Status OpenError(const std::string& path, const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (status.IsIOError() && text.find("/LOCK") != std::string::npos) {
    return absl::FailedPreconditionError("the store at " + path + " is open in another process: " + text);
  }
  if (status.IsCorruption()) {
    return absl::DataLossError("the store at " + path + " is damaged: " + text);
  }
  if (status.IsInvalidArgument() && text.find("does not exist") != std::string::npos) {
    return absl::NotFoundError("no store at " + path);
  }
  if (status.IsInvalidArgument()) {
    return absl::FailedPreconditionError("the store at " + path + " cannot be opened: " + text);
  }
  return absl::UnavailableError("the store at " + path + " cannot be opened: " + text);
}

// A store that an earlier program wrote has no family for documents until a service opens it.
bool HasDocuments(const rocksdb::Options& engine, const std::string& path) {
  std::vector<std::string> names;
  return rocksdb::DB::ListColumnFamilies(engine, path, &names).ok() &&
         std::find(names.begin(), names.end(), kDocumentFamilyName) != names.end();
}

// The pieces of documents are sealed, each for its place, and whoever opens one knows whether it is genuine:
// a check before that costs as much again (ADR 44).
bool IsSealed(std::string_view encoded_key) {
  return encoded_key[0] == static_cast<char>(PartitionKind::kDocument) &&
         encoded_key.substr(Partition::kEncodedSize).starts_with(kSealedPrefix);
}

Entry ToEntry(const StoredValue& stored) {
  return Entry{.value = std::string(stored.payload), .version = stored.version};
}

absl::StatusOr<Entry> ToEntry(std::string_view bytes) {
  ASSIGN_OR_RETURN(const StoredValue stored, DecodeValue(bytes));
  return ToEntry(stored);
}

// Iterates over the keys that start with `prefix`, from `from` on. Owns the bound its iterator points to.
class PrefixCursor {
 public:
  PrefixCursor(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::string_view prefix,
               std::string_view from)
      : end_(PrefixEnd(prefix)), end_slice_(end_) {
    rocksdb::ReadOptions options;
    if (!end_.empty()) {
      options.iterate_upper_bound = &end_slice_;
    }
    // Filters by 17-byte prefix help only a scan that stays within one.
    options.total_order_seek = prefix.size() < Partition::kEncodedSize;
    it_.reset(db.NewIterator(options, family));
    it_->Seek(ToSlice(std::max(prefix, from)));
  }
  rocksdb::Iterator& operator*() { return *it_; }
  rocksdb::Iterator* operator->() { return it_.get(); }

 private:
  const std::string end_;
  const rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const RocksDbOptions& options,
                                                         std::shared_ptr<FailureLatch> latch) {
  return OpenAs(options, /*read_only=*/false, std::move(latch));
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenReadOnly(const RocksDbOptions& options,
                                                                 std::shared_ptr<FailureLatch> latch) {
  return OpenAs(options, /*read_only=*/true, std::move(latch));
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenAs(const RocksDbOptions& options, bool read_only,
                                                           std::shared_ptr<FailureLatch> latch) {
  if (options.create_if_missing && !read_only) {
    RETURN_IF_ERROR(MakeFolder(options.path));
  } else if (std::error_code error; !std::filesystem::exists(options.path + "/CURRENT", error)) {
    return absl::NotFoundError("no store at " + options.path);
  }
  RETURN_IF_ERROR(CheckRecordLogs(options.path));
  auto database = std::unique_ptr<Database>(new Database(latch, options.flush_at_close && !read_only));
  rocksdb::DB* db = nullptr;
  const std::shared_ptr<rocksdb::Cache> cache = MakeCache(options);
  rocksdb::Options engine(MakeDbOptions(options, cache, std::make_shared<ErrorListener>(latch)),
                          rocksdb::ColumnFamilyOptions());
  engine.info_log = std::make_shared<SilentLogger>();
  std::vector<rocksdb::ColumnFamilyDescriptor> families = MakeColumnFamilies(cache);
  if (read_only && !HasDocuments(engine, options.path)) {
    families.pop_back();
  }
  const rocksdb::Status opened =
      read_only ? rocksdb::DB::OpenForReadOnly(engine, options.path, families, &database->families_, &db)
                : rocksdb::DB::Open(engine, options.path, families, &database->families_, &db);
  if (!opened.ok()) {
    return OpenError(options.path, opened);
  }
  database->db_.reset(db);
  RETURN_IF_ERROR(database->CheckFormat(read_only));
  return database;
}

Database::~Database() {
  if (db_ != nullptr && flush_at_close_ && latch_->why().ok()) {
    rocksdb::FlushOptions now;
    now.allow_write_stall = true;                       // nobody writes any more
    db_->Flush(now, families_).PermitUncheckedError();  // else the next start reads the log
  }
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    db_->DestroyColumnFamilyHandle(family);
  }
  if (db_ != nullptr) {
    db_->Close();
  }
}

absl::Status Database::CheckFormat(bool read_only) {
  rocksdb::ColumnFamilyHandle* family = families_[kBookkeepingFamily];
  std::string format;
  const rocksdb::Status read = db_->Get(rocksdb::ReadOptions(), family, ToSlice(kFormatKey), &format);
  if (read.IsNotFound() && read_only) {
    return absl::DataLossError("the store does not say its format");
  }
  if (read.IsNotFound()) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    const rocksdb::Status written = db_->Put(durable, family, ToSlice(kFormatKey), ToSlice(kFormat));
    return written.ok() ? absl::OkStatus() : Stopped(written);
  }
  if (!read.ok()) {
    return ReadError(read);
  }
  if (format != kFormat) {
    return absl::FailedPreconditionError("the store has a format this program does not know: " + format);
  }
  return absl::OkStatus();
}

absl::Status Database::ReadError(const rocksdb::Status& status) const {
  if (status.IsCorruption()) {
    return absl::DataLossError("store is damaged: " + status.ToString());
  }
  absl::Status why = Stopped(status);
  latch_->Set(why);
  return why;
}

absl::StatusOr<bool> Database::WithData(
    std::string_view encoded_key, absl::FunctionRef<absl::Status(const StoredValue& stored)> use) const {
  rocksdb::PinnableSlice value;
  const bool sealed = IsSealed(encoded_key);
  rocksdb::ReadOptions options;
  options.verify_checksums = !sealed;
  options.fill_cache = !sealed;  // or others would meet what was not checked
  const rocksdb::Status read = db_->Get(options, DataOf(encoded_key), ToSlice(encoded_key), &value);
  if (read.IsNotFound()) {
    return false;
  }
  if (!read.ok()) {
    return ReadError(read);
  }
  ASSIGN_OR_RETURN(const StoredValue stored, DecodeValue(ToView(value)));
  RETURN_IF_ERROR(use(stored));
  return true;
}

absl::StatusOr<std::optional<Entry>> Database::GetData(std::string_view encoded_key) const {
  std::optional<Entry> entry;
  RETURN_IF_ERROR(WithData(encoded_key, [&entry](const StoredValue& stored) {
                    entry = ToEntry(stored);
                    return absl::OkStatus();
                  }).status());
  return entry;
}

absl::StatusOr<std::vector<std::optional<Entry>>> Database::MultiGetData(
    const std::vector<std::string>& encoded_keys) const {
  const std::vector<rocksdb::Slice> keys(encoded_keys.begin(), encoded_keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  families.reserve(keys.size());
  for (const std::string_view key : encoded_keys) {
    families.push_back(DataOf(key));
  }
  db_->MultiGet(rocksdb::ReadOptions(), keys.size(), families.data(), keys.data(), values.data(),
                statuses.data());
  std::vector<std::optional<Entry>> found(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      continue;
    }
    if (!statuses[i].ok()) {
      return ReadError(statuses[i]);
    }
    ASSIGN_OR_RETURN(found[i], ToEntry(ToView(values[i])));
  }
  return found;
}

std::vector<Database::Version> Database::ReadableVersions(
    const std::vector<std::string_view>& encoded_keys) const {
  const std::vector<rocksdb::Slice> keys(encoded_keys.begin(), encoded_keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  families.reserve(keys.size());
  for (const std::string_view key : encoded_keys) {
    families.push_back(DataOf(key));
  }
  db_->MultiGet(rocksdb::ReadOptions(), keys.size(), families.data(), keys.data(), values.data(),
                statuses.data());
  std::vector<Version> versions;
  versions.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      versions.push_back({.key = i, .version = std::nullopt});
    } else if (statuses[i].ok()) {
      const absl::StatusOr<StoredValue> stored = DecodeValue(ToView(values[i]));
      if (stored.ok()) {
        versions.push_back({.key = i, .version = stored->version});
      }
    }
  }
  return versions;
}

absl::Status Database::FillPage(const Partition& partition, std::string_view prefix, std::string_view from,
                                size_t page_size, Page& page) const {
  const std::string full_prefix = EncodeDataKey(partition, prefix);
  PrefixCursor cursor(*db_, data(partition.kind), full_prefix, EncodeDataKey(partition, from));
  size_t bytes = 0;
  for (; cursor->Valid(); cursor->Next()) {
    const std::string_view key = ToView(cursor->key()).substr(Partition::kEncodedSize);
    if (page.entries.size() == page_size || bytes >= kMaxPageBytes) {
      page.next = std::string(key);
      break;
    }
    ASSIGN_OR_RETURN(Entry entry, ToEntry(ToView(cursor->value())));
    bytes += cursor->key().size() + cursor->value().size();
    page.entries.push_back({.key = std::string(key), .entry = std::move(entry)});
  }
  return cursor->status().ok() ? absl::OkStatus() : ReadError(cursor->status());
}

absl::StatusOr<Page> Database::ScanData(const Partition& partition, std::string_view prefix,
                                        std::string_view from, size_t page_size) const {
  Page page;
  RETURN_IF_ERROR(FillPage(partition, prefix, from, page_size, page));
  return page;
}

absl::StatusOr<Page> Database::ScanReadableData(const Partition& partition, std::string_view prefix,
                                                std::string_view from, size_t page_size) const {
  Page page;
  const absl::Status read = FillPage(partition, prefix, from, page_size, page);
  if (absl::IsDataLoss(read) && !page.entries.empty()) {
    page.next = page.entries.back().key + '\0';
    return page;
  }
  RETURN_IF_ERROR(read);
  return page;
}

absl::StatusOr<std::optional<std::string>> Database::LogGet(LogTable table, std::string_view key) const {
  std::string value;
  const rocksdb::Status read = db_->Get(rocksdb::ReadOptions(), log(table), ToSlice(key), &value);
  if (read.IsNotFound()) {
    return std::optional<std::string>();
  }
  if (!read.ok()) {
    return ReadError(read);
  }
  return std::optional<std::string>(std::move(value));
}

absl::StatusOr<std::vector<std::optional<std::string>>> Database::LogMultiGet(
    LogTable table, const std::vector<std::string>& keys) const {
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(rocksdb::ReadOptions(), log(table), keys.size(), slices.data(), values.data(),
                statuses.data());
  std::vector<std::optional<std::string>> found(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      found[i] = values[i].ToString();
    } else if (!statuses[i].IsNotFound()) {
      return ReadError(statuses[i]);
    }
  }
  return found;
}

absl::StatusOr<std::vector<Store::LogEntry>> Database::LogScan(LogTable table, std::string_view prefix,
                                                               std::string_view from, size_t limit) const {
  PrefixCursor cursor(*db_, log(table), prefix, from);
  std::vector<Store::LogEntry> entries;
  size_t bytes = 0;
  for (; cursor->Valid() && entries.size() < limit && bytes < kMaxPageBytes; cursor->Next()) {
    bytes += cursor->key().size() + cursor->value().size();
    entries.push_back({.key = cursor->key().ToString(), .value = cursor->value().ToString()});
  }
  if (!cursor->status().ok()) {
    return ReadError(cursor->status());
  }
  return entries;
}

absl::StatusOr<std::optional<Store::LogEntry>> Database::LogLast(LogTable table) const {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, log(table)));
  it->SeekToLast();
  if (!it->status().ok()) {
    return ReadError(it->status());
  }
  if (!it->Valid()) {
    return std::optional<Store::LogEntry>();
  }
  return std::optional<Store::LogEntry>({.key = it->key().ToString(), .value = it->value().ToString()});
}

absl::StatusOr<std::vector<Partition>> Database::ListPartitions(PartitionKind kind, const Id128& from,
                                                                size_t limit) const {
  std::vector<Partition> partitions;
  PrefixCursor cursor(*db_, data(kind), std::string(1, static_cast<char>(kind)),
                      Partition{kind, from}.Encode());
  while (cursor->Valid() && partitions.size() < limit) {
    ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(ToView(cursor->key()).substr(1, Id128::kSize)));
    partitions.push_back({kind, id});
    const std::string next = PrefixEnd(partitions.back().Encode());
    if (next.empty() || partitions.size() == limit) {
      break;
    }
    cursor->Seek(ToSlice(next));
  }
  if (!cursor->status().ok()) {
    return ReadError(cursor->status());
  }
  return partitions;
}

// The leaves and nodes never change: there is nothing of them to get rid of.
absl::Status Database::Compact() {
  std::vector<rocksdb::ColumnFamilyHandle*> families = {families_[kDataFamily], log(LogTable::kSubjectLeaves),
                                                        log(LogTable::kLeafSubjects),
                                                        log(LogTable::kSubjectKeys), log(LogTable::kMeta)};
  if (families_.size() > size_t{kDocumentFamily}) {
    families.push_back(families_[kDocumentFamily]);
  }
  RETURN_IF_ERROR(CompactFamilies(families));
  return CollectBlobs();
}

// Compactions count what they found deleted; here the rest is copied into new files, once that is less than
// what is given back.
absl::Status Database::CollectBlobs() {
  uint64_t all = 0;
  uint64_t garbage = 0;
  if (families_.size() <= size_t{kDocumentFamily} ||
      !db_->GetIntProperty(families_[kDocumentFamily], rocksdb::DB::Properties::kLiveBlobFileSize, &all) ||
      !db_->GetIntProperty(families_[kDocumentFamily], rocksdb::DB::Properties::kLiveBlobFileGarbageSize,
                           &garbage) ||
      garbage * 2 <= all) {
    return absl::OkStatus();
  }
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.exclusive_manual_compaction = false;
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  options.blob_garbage_collection_age_cutoff = 1.0;
  return Compacted(db_->CompactRange(options, families_[kDocumentFamily], nullptr, nullptr));
}

absl::Status Database::CompactFamilies(const std::vector<rocksdb::ColumnFamilyHandle*>& families) {
  // The write-ahead log holds the rows of every table: it goes only once all of them are flushed.
  rocksdb::Status status = db_->Flush(rocksdb::FlushOptions(), families_);
  for (size_t i = 0; status.ok() && i < families.size(); ++i) {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.exclusive_manual_compaction = false;
    status = db_->CompactRange(options, families[i], nullptr, nullptr);
  }
  return Compacted(status);
}

absl::Status Database::Compacted(const rocksdb::Status& status) {
  if (status.IsManualCompactionPaused()) {
    return absl::CancelledError("the store is closing");
  }
  if (!status.ok()) {
    latch_->Set(Stopped(status));
    return latch_->why();
  }
  return absl::OkStatus();
}

absl::Status Database::Write(rocksdb::WriteBatch& batch, bool fsync) {
  rocksdb::WriteOptions options;
  options.sync = fsync;
  const rocksdb::Status written = db_->Write(options, &batch);
  if (!written.ok()) {
    latch_->Set(Stopped(written));
    return latch_->why();
  }
  return absl::OkStatus();
}

void Database::PutVersion(rocksdb::WriteBatch& batch, uint64_t version) const {
  batch.Put(families_[kBookkeepingFamily], ToSlice(kVersionKey), EncodeBigEndian64(version));
}

absl::StatusOr<uint64_t> Database::LastVersion() const {
  std::string bytes;
  const rocksdb::Status read =
      db_->Get(rocksdb::ReadOptions(), families_[kBookkeepingFamily], ToSlice(kVersionKey), &bytes);
  if (read.IsNotFound()) {
    return 0;
  }
  if (!read.ok()) {
    return ReadError(read);
  }
  return DecodeBigEndian64(bytes);
}

}  // namespace relais::storage
