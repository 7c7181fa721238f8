#include "common/storage/testing/faulty_filesystem.h"

#include <filesystem>
#include <utility>

namespace relais::storage::testing {

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, FaultyFileSystem& owner, std::string path)
      : FSWritableFileOwnerWrapper(std::move(file)), owner_(owner), path_(std::move(path)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = owner_.Check(Fault::kAppend, path_);
    return status.ok() ? Count(data, FSWritableFileOwnerWrapper::Append(data, options, debug)) : status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& info,
                           rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = owner_.Check(Fault::kAppend, path_);
    return status.ok() ? Count(data, FSWritableFileOwnerWrapper::Append(data, options, info, debug)) : status;
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    const uint64_t bytes = bytes_;
    rocksdb::IOStatus status = owner_.Check(Fault::kSync, path_);
    return status.ok() ? Synced(bytes, FSWritableFileOwnerWrapper::Sync(options, debug)) : status;
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    const uint64_t bytes = bytes_;
    rocksdb::IOStatus status = owner_.Check(Fault::kSync, path_);
    return status.ok() ? Synced(bytes, FSWritableFileOwnerWrapper::Fsync(options, debug)) : status;
  }

 private:
  rocksdb::IOStatus Count(const rocksdb::Slice& data, rocksdb::IOStatus status) {
    if (status.ok()) {
      bytes_ += data.size();
    }
    return status;
  }
  rocksdb::IOStatus Synced(uint64_t bytes, rocksdb::IOStatus status) {
    if (status.ok()) {
      owner_.NoteSynced(path_, bytes);
    }
    return status;
  }

  FaultyFileSystem& owner_;
  const std::string path_;
  std::atomic<uint64_t> bytes_ = 0;
};

std::shared_ptr<FaultyFileSystem> FaultyFileSystem::Make() {
  std::shared_ptr<FaultyFileSystem> fs(new FaultyFileSystem(rocksdb::FileSystem::Default()));
  // The Env refers to the file system without owning it: whoever made it keeps it.
  fs->env_ =
      rocksdb::NewCompositeEnv(std::shared_ptr<rocksdb::FileSystem>(std::shared_ptr<void>(), fs.get()));
  return fs;
}

void FaultyFileSystem::Fail(Fault fault, std::string suffix) {
  std::lock_guard lock(mu_);
  fault_ = fault;
  suffix_ = std::move(suffix);
}

rocksdb::IOStatus FaultyFileSystem::Check(Fault fault, const std::string& path) const {
  std::lock_guard lock(mu_);
  if (fault == fault_ && path.ends_with(suffix_)) {
    return rocksdb::IOStatus::IOError("injected fault");
  }
  return rocksdb::IOStatus::OK();
}

void FaultyFileSystem::NoteSynced(const std::string& path, uint64_t bytes) {
  ++syncs_;
  std::lock_guard lock(mu_);
  synced_[path] = bytes;
}

rocksdb::IOStatus FaultyFileSystem::NewWritableFile(const std::string& path,
                                                    const rocksdb::FileOptions& options,
                                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                    rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> real;
  rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &real, debug);
  if (status.ok()) {
    *file = std::make_unique<FaultyFile>(std::move(real), *this, path);
    std::lock_guard lock(mu_);
    synced_[path] = 0;
  }
  return status;
}

rocksdb::IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to,
                                               const rocksdb::IOOptions& options,
                                               rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (status.ok()) {
    std::lock_guard lock(mu_);
    if (auto node = synced_.extract(from)) {
      synced_[to] = node.mapped();
    }
  }
  return status;
}

void FaultyFileSystem::CopySynced(const std::string& from, const std::string& to) {
  std::filesystem::create_directories(to);
  std::lock_guard lock(mu_);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const std::string copy = to + "/" + entry.path().filename().string();
    std::filesystem::copy_file(entry.path(), copy);
    if (const auto it = synced_.find(entry.path().string()); it != synced_.end()) {
      std::filesystem::resize_file(copy, it->second);
    }
  }
}

}  // namespace relais::storage::testing
