#include "tests/bench/vault/raw_blobs.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace relais::bench {
namespace {

constexpr size_t kHeadBytes = 140;
constexpr uint64_t kSmallestBlob = uint64_t{16} << 10;

absl::Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::UnavailableError("raw RocksDB: " + status.ToString());
}

}  // namespace

absl::StatusOr<double> MeasureRawBlobs(const std::string& folder, size_t value_bytes, int values_per_commit,
                                       uint64_t total_bytes) {
  std::filesystem::create_directories(folder);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.enable_blob_files = true;
  options.min_blob_size = kSmallestBlob;
  rocksdb::DB* opened = nullptr;
  RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(options, folder, &opened)));
  std::unique_ptr<rocksdb::DB> db(opened);
  SystemRandom random;
  const std::string value = random.Bytes(value_bytes);
  const std::string head(kHeadBytes, 'h');
  rocksdb::WriteOptions synced;
  synced.sync = true;
  uint64_t written = 0;
  uint64_t number = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (written < total_bytes) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < values_per_commit; ++i) {
      batch.Put(absl::StrFormat("c/%016x", number++), value);
      written += value.size();
    }
    batch.Put("head", head);
    RETURN_IF_ERROR(FromRocks(db->Write(synced, &batch)));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  RETURN_IF_ERROR(FromRocks(db->Close()));
  db.reset();
  std::filesystem::remove_all(folder);
  return static_cast<double>(written) / seconds;
}

}  // namespace relais::bench
