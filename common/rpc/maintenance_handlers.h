// MaintenanceService, the same in every service: epochs, months, erasures, backups. Names nobody.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "common/rpc/service_context.h"
#include "relais/audit/v1/maintenance_service.pb.h"

namespace relais::rpc {

/// A copy of the store, as its backend describes it.
struct StoredBackup {
  uint32_t id = 0;
  absl::Time made;
  uint64_t bytes = 0;
  std::string about;  // a serialized relais.audit.v1.Backup: checkpoint and epoch
};
/// What can be done about backups; all empty when no folder is configured.
struct Backups {
  std::function<absl::StatusOr<StoredBackup>(const std::string& about)> create;
  std::function<absl::StatusOr<std::vector<StoredBackup>>()> list;
  std::function<absl::Status(uint32_t)> verify;
  std::function<absl::Status(uint32_t)> remove;
  /// Epochs whose keys wrap what the store holds besides the log's subjects (the vault's papers), of which
  /// there is a key now. Empty: of this service there are none.
  std::function<std::vector<uint32_t>()> papers_epochs = {};
};

/// Thread-safe. `context.maintenance` must be there.
class MaintenanceHandlers {
 public:
  MaintenanceHandlers(const ServiceContext& context, Backups backups)
      : context_(context), backups_(std::move(backups)) {}

  Task<absl::StatusOr<audit::v1::GetStatusResponse>> GetStatus(Call call,
                                                               audit::v1::GetStatusRequest request);
  Task<absl::StatusOr<audit::v1::RotateEpochResponse>> RotateEpoch(Call call,
                                                                   audit::v1::RotateEpochRequest request);
  Task<absl::StatusOr<audit::v1::DestroyMonthResponse>> DestroyMonth(Call call,
                                                                     audit::v1::DestroyMonthRequest request);
  Task<absl::StatusOr<audit::v1::GetErasureResponse>> GetErasure(Call call,
                                                                 audit::v1::GetErasureRequest request);
  Task<absl::StatusOr<audit::v1::CreateBackupResponse>> CreateBackup(Call call,
                                                                     audit::v1::CreateBackupRequest request);
  Task<absl::StatusOr<audit::v1::ListBackupsResponse>> ListBackups(Call call,
                                                                   audit::v1::ListBackupsRequest request);
  Task<absl::StatusOr<audit::v1::VerifyBackupResponse>> VerifyBackup(Call call,
                                                                     audit::v1::VerifyBackupRequest request);

 private:
  absl::StatusOr<audit::v1::Backup> Show(const StoredBackup& stored) const;
  absl::Status HaveFolder() const;
  absl::Status RemoveUnusable() const;
  [[nodiscard]] bool OpensPapers(const audit::v1::Backup& backup) const;
  // Of a leaf about nobody.
  Task<absl::StatusOr<common::v1::Written>> WrittenAt(uint64_t index);

  const ServiceContext context_;
  const Backups backups_;
};

}  // namespace relais::rpc
