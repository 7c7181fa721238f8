// A disk that fails when told to, and one whose power is cut: RocksDB's files through a layer of ours.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace relais::storage::testing {

enum class Fault { kNone, kAppend, kSync };

/// The machine's file system with faults. Thread-safe. Give `env()` to RocksDbOptions::env; outlives the
/// store.
class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  static std::shared_ptr<FaultyFileSystem> Make();
  [[nodiscard]] rocksdb::Env* env() { return env_.get(); }

  /// From now on that operation fails with an I/O error on files whose name ends with `suffix` (".log": the
  /// write-ahead log; ".sst": tables); kNone heals. A failed append writes nothing.
  void Fail(Fault fault, std::string suffix);
  /// Syncs that succeeded, of all files.
  [[nodiscard]] uint64_t syncs() const { return syncs_; }

  /// What a loss of power right now would leave of the folder `from`: each file that was written through
  /// here, cut to what was synced; the others whole. `to` is made. Call while nothing is being written.
  /// (Changes of the folder itself, names made and removed, count as durable.)
  void CopySynced(const std::string& from, const std::string& to);

  // rocksdb::FileSystem
  const char* Name() const override { return "RelaisFaultyFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;

 private:
  friend class FaultyFile;
  explicit FaultyFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target) : FileSystemWrapper(target) {}
  rocksdb::IOStatus Check(Fault fault, const std::string& path) const;
  void NoteSynced(const std::string& path, uint64_t bytes);

  std::unique_ptr<rocksdb::Env> env_;
  mutable std::mutex mu_;
  Fault fault_ = Fault::kNone;
  std::string suffix_;
  std::map<std::string, uint64_t> synced_;  // path → bytes that survive
  std::atomic<uint64_t> syncs_ = 0;
};

}  // namespace relais::storage::testing
