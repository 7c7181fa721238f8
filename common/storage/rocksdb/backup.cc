#include "common/storage/rocksdb/backup.h"

#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "common/base/status.h"

namespace relais::storage {
namespace {

absl::Status ToStatus(const std::string& folder, const rocksdb::Status& status) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  const std::string text = "backups at " + folder + ": " + status.ToString();
  if (status.IsNotFound()) {
    return absl::NotFoundError(text);
  }
  if (status.IsCorruption()) {
    return absl::DataLossError(text);
  }
  return absl::UnavailableError(text);
}

BackupInfo InfoOf(const rocksdb::BackupInfo& info) {
  return {info.backup_id, absl::FromUnixSeconds(info.timestamp), info.size, info.app_metadata};
}

absl::StatusOr<std::unique_ptr<rocksdb::BackupEngineReadOnly>> OpenToRead(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError("no backups at " + folder);
  }
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const rocksdb::Status opened = rocksdb::BackupEngineReadOnly::Open(
      rocksdb::Env::Default(), rocksdb::BackupEngineOptions(folder), &engine);
  RETURN_IF_ERROR(ToStatus(folder, opened));
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>(engine);
}

absl::StatusOr<std::unique_ptr<rocksdb::BackupEngine>> OpenToWrite(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) {
    std::filesystem::create_directories(folder, error);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    return absl::UnavailableError("cannot make the folder " + folder + ": " + error.message());
  }
  rocksdb::BackupEngineOptions options(folder);
  options.sync = true;
  // Names of shared files say their content: a restored store never meets another file of the same number.
  options.share_files_with_checksum = true;
  rocksdb::BackupEngine* engine = nullptr;
  const rocksdb::Status opened = rocksdb::BackupEngine::Open(rocksdb::Env::Default(), options, &engine);
  RETURN_IF_ERROR(ToStatus(folder, opened));
  return std::unique_ptr<rocksdb::BackupEngine>(engine);
}

}  // namespace

absl::StatusOr<BackupInfo> CreateBackup(rocksdb::DB& db, const BackupRequest& request) {
  ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::BackupEngine> engine, OpenToWrite(request.folder));
  rocksdb::CreateBackupOptions options;
  // Else the write-ahead log is copied, with what was deleted since.
  options.flush_before_backup = true;
  rocksdb::BackupID id = 0;
  const rocksdb::Status made = engine->CreateNewBackupWithMetadata(options, &db, request.about, &id);
  RETURN_IF_ERROR(ToStatus(request.folder, made));
  rocksdb::BackupInfo info;
  RETURN_IF_ERROR(ToStatus(request.folder, engine->GetBackupInfo(id, &info)));
  return InfoOf(info);
}

absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::BackupEngineReadOnly> engine, OpenToRead(folder));
  std::vector<rocksdb::BackupInfo> infos;
  engine->GetBackupInfo(&infos);
  std::vector<BackupInfo> backups;
  backups.reserve(infos.size());
  for (const rocksdb::BackupInfo& info : infos) {
    backups.push_back(InfoOf(info));
  }
  return backups;
}

absl::Status VerifyBackup(const std::string& folder, uint32_t id) {
  ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::BackupEngineReadOnly> engine, OpenToRead(folder));
  return ToStatus(folder, engine->VerifyBackup(id, /*verify_with_checksum=*/true));
}

absl::Status RestoreBackup(const std::string& folder, uint32_t id, const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_empty(path, error)) {
    return absl::AlreadyExistsError("there is a store at " + path + ": move it away first");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::BackupEngineReadOnly> engine, OpenToRead(folder));
  RETURN_IF_ERROR(ToStatus(folder, engine->VerifyBackup(id, /*verify_with_checksum=*/true)));
  RETURN_IF_ERROR(ToStatus(folder, engine->RestoreDBFromBackup(id, path, path)));
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  return absl::OkStatus();
}

absl::Status DeleteBackup(const std::string& folder, uint32_t id) {
  ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::BackupEngine> engine, OpenToWrite(folder));
  RETURN_IF_ERROR(ToStatus(folder, engine->DeleteBackup(id)));
  return ToStatus(folder, engine->GarbageCollect());
}

}  // namespace relais::storage
