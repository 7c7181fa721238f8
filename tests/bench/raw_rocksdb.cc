#include "tests/bench/raw_rocksdb.h"

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/storage/rocksdb/options.h"
#include "common/storage/store.h"

namespace relais::bench {
namespace {

constexpr size_t kHashBytes = 32;

absl::Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::UnavailableError("raw RocksDB: " + status.ToString());
}

std::string BigEndian(uint64_t number) {
  std::string out(sizeof(number), '\0');
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<char>(number >> (8 * (out.size() - 1 - i)));
  }
  return out;
}

class RawStore {
 public:
  static absl::StatusOr<std::unique_ptr<RawStore>> Open(const std::string& folder) {
    storage::RocksDbOptions options;
    options.path = folder;
    const auto cache = storage::MakeCache(options);
    const auto families = storage::MakeColumnFamilies(cache);
    auto store = std::make_unique<RawStore>();
    rocksdb::DB* db = nullptr;
    RETURN_IF_ERROR(FromRocks(
        rocksdb::DB::Open(storage::MakeDbOptions(options, cache, std::make_shared<rocksdb::EventListener>()),
                          folder, families, &store->families_, &db)));
    store->db_.reset(db);
    return store;
  }
  RawStore() = default;
  ~RawStore() {
    for (rocksdb::ColumnFamilyHandle* family : families_) {
      db_->DestroyColumnFamilyHandle(family);
    }
  }
  RawStore(const RawStore&) = delete;
  RawStore& operator=(const RawStore&) = delete;

  // The leaf, its node, the two pointers, the state: as a service's writer stages them.
  void Stage(const RawLoad& load) {
    const std::string subject = absl::StrCat("P", Random(Id128::kSize));
    const std::string index = BigEndian(size_++);
    batch_.Put(Log(storage::LogTable::kLeaves), index, Random(load.leaf_bytes));
    batch_.Put(Log(storage::LogTable::kNodes), absl::StrCat("\x01", index), Random(kHashBytes));
    batch_.Put(Log(storage::LogTable::kSubjectLeaves), subject + index, "");
    batch_.Put(Log(storage::LogTable::kLeafSubjects), index, subject);
    for (const StateRow& row : load.state) {
      batch_.Put(families_[storage::kDataFamily], subject + std::string(row.key_bytes, 'k'),
                 Random(row.value_bytes));
    }
  }

  absl::Status Write() {
    batch_.Put(families_[storage::kBookkeepingFamily], "version", BigEndian(size_));
    rocksdb::WriteOptions options;
    options.sync = true;
    const rocksdb::Status status = db_->Write(options, &batch_);
    batch_.Clear();
    return FromRocks(status);
  }

 private:
  rocksdb::ColumnFamilyHandle* Log(storage::LogTable table) {
    return families_[storage::kFirstLogFamily + static_cast<int>(table)];
  }

  // Sealed bytes do not compress; making them must not be what is measured.
  std::string Random(size_t size) {
    std::string out;
    while (out.size() < size) {
      out += BigEndian(random_());
    }
    out.resize(size);
    return out;
  }

  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch batch_;
  std::mt19937_64 random_{20261123};
  uint64_t size_ = 0;
};

absl::StatusOr<RawFigure> Run(const RawLoad& load) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RawStore> store, RawStore::Open(load.folder));
  const auto begin = std::chrono::steady_clock::now();
  const auto until = begin + absl::ToChronoNanoseconds(load.duration);
  uint64_t batches = 0;
  auto now = begin;
  for (; now < until; now = std::chrono::steady_clock::now(), ++batches) {
    for (int i = 0; i < load.acts_per_batch; ++i) {
      store->Stage(load);
    }
    RETURN_IF_ERROR(store->Write());
  }
  const absl::Duration took = absl::FromChrono(now - begin);
  RawFigure figure;
  figure.acts_per_second = static_cast<double>(batches) * load.acts_per_batch / absl::ToDoubleSeconds(took);
  figure.per_batch = took / static_cast<double>(batches);
  return figure;
}

}  // namespace

absl::StatusOr<RawFigure> MeasureRaw(const RawLoad& load) {
  std::error_code ignored;
  std::filesystem::remove_all(load.folder, ignored);
  absl::StatusOr<RawFigure> figure = Run(load);
  std::filesystem::remove_all(load.folder, ignored);
  return figure;
}

}  // namespace relais::bench
