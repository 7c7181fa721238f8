#include "tests/bench/table_files.h"

#include <rocksdb/listener.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/storage/rocksdb/options.h"
#include "common/storage/value_format.h"

namespace relais::bench {
namespace {

constexpr char kVersionKey[] = "version";  // docs/formats.md, "Store"

absl::Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::UnavailableError("bulk load: " + status.ToString());
}

storage::RocksDbOptions OptionsOf(const std::string& path) {
  storage::RocksDbOptions options;
  options.path = path;
  return options;
}

// The engine itself, with the suite's tables and settings.
class RawStore {
 public:
  RawStore() = default;
  ~RawStore() {
    for (rocksdb::ColumnFamilyHandle* family : families_) {
      db_->DestroyColumnFamilyHandle(family);
    }
  }
  RawStore(const RawStore&) = delete;
  RawStore& operator=(const RawStore&) = delete;

  absl::Status Open(const std::string& path, const std::shared_ptr<rocksdb::Cache>& cache,
                    const std::vector<rocksdb::ColumnFamilyDescriptor>& descriptors) {
    rocksdb::DB* db = nullptr;
    RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(
        storage::MakeDbOptions(OptionsOf(path), cache, std::make_shared<rocksdb::EventListener>()), path,
        descriptors, &families_, &db)));
    db_.reset(db);
    return absl::OkStatus();
  }
  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(int number) const { return families_[number]; }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace

TableFiles::TableFiles(int family, std::string prefix, rocksdb::ColumnFamilyOptions options)
    : family_(family), prefix_(std::move(prefix)), options_(rocksdb::DBOptions(), std::move(options)) {}

absl::Status TableFiles::Put(const std::string& key, const std::string& value) {
  if (writer_ == nullptr) {
    writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_);
    files_.push_back(absl::StrCat(prefix_, "-", files_.size(), ".sst"));
    RETURN_IF_ERROR(FromRocks(writer_->Open(files_.back())));
  }
  RETURN_IF_ERROR(FromRocks(writer_->Put(key, value)));
  return writer_->FileSize() > kMostFileBytes ? EndFile() : absl::OkStatus();
}

absl::Status TableFiles::EndFile() {
  if (writer_ == nullptr) {
    return absl::OkStatus();
  }
  const rocksdb::Status finished = writer_->Finish();
  writer_ = nullptr;
  return FromRocks(finished);
}

StoreFiles::StoreFiles(std::string folder, std::string store_path)
    : folder_(std::move(folder)),
      store_path_(std::move(store_path)),
      cache_(storage::MakeCache(OptionsOf(store_path_))),
      descriptors_(storage::MakeColumnFamilies(cache_)) {}

TableFiles* StoreFiles::Add(int family, const std::string& name) {
  return &tables_.emplace_back(family, folder_ + "/" + name, descriptors_[family].options);
}

TableFiles* StoreFiles::Log(storage::LogTable table, const std::string& name) {
  return Add(storage::kFirstLogFamily + static_cast<int>(table), name);
}

TableFiles* StoreFiles::Data(const std::string& name) { return Add(storage::kDataFamily, name); }

absl::StatusOr<uint64_t> StoreFiles::LastVersion() const {
  RawStore store;
  RETURN_IF_ERROR(store.Open(store_path_, cache_, descriptors_));
  std::string bytes;
  const rocksdb::Status read =
      store.db().Get(rocksdb::ReadOptions(), store.family(storage::kBookkeepingFamily), kVersionKey, &bytes);
  if (read.IsNotFound()) {
    return uint64_t{0};
  }
  RETURN_IF_ERROR(FromRocks(read));
  return storage::DecodeBigEndian64(bytes);
}

absl::Status StoreFiles::Ingest(std::optional<uint64_t> last_version) {
  RawStore store;
  RETURN_IF_ERROR(store.Open(store_path_, cache_, descriptors_));
  for (TableFiles& table : tables_) {
    RETURN_IF_ERROR(table.EndFile());
    if (table.files().empty()) {
      continue;
    }
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    RETURN_IF_ERROR(
        FromRocks(store.db().IngestExternalFile(store.family(table.family()), table.files(), ingest)));
  }
  if (!last_version) {
    return absl::OkStatus();
  }
  rocksdb::WriteOptions durable;
  durable.sync = true;
  return FromRocks(store.db().Put(durable, store.family(storage::kBookkeepingFamily), kVersionKey,
                                  storage::EncodeBigEndian64(*last_version)));
}

}  // namespace relais::bench
