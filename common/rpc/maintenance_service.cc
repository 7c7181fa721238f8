#include "common/rpc/maintenance_service.h"

#include <utility>

#include "common/base/status.h"
#include "common/storage/rocksdb/rocksdb_store.h"
#include "relais/audit/v1/maintenance_service.grpc.pb.h"

namespace relais::rpc {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

class MaintenanceRpc final : public audit::v1::MaintenanceService::CallbackService {
 public:
  MaintenanceRpc(Dispatcher& dispatcher, MaintenanceHandlers& handlers)
      : bind_(dispatcher, kMaintenanceServiceName, handlers) {}

  Reactor* GetStatus(Context* c, const audit::v1::GetStatusRequest* q,
                     audit::v1::GetStatusResponse* s) override {
    return bind_.Unary(c, q, s, "GetStatus", &MaintenanceHandlers::GetStatus);
  }
  Reactor* RotateEpoch(Context* c, const audit::v1::RotateEpochRequest* q,
                       audit::v1::RotateEpochResponse* s) override {
    return bind_.Unary(c, q, s, "RotateEpoch", &MaintenanceHandlers::RotateEpoch);
  }
  Reactor* DestroyMonth(Context* c, const audit::v1::DestroyMonthRequest* q,
                        audit::v1::DestroyMonthResponse* s) override {
    return bind_.Unary(c, q, s, "DestroyMonth", &MaintenanceHandlers::DestroyMonth);
  }
  Reactor* GetErasure(Context* c, const audit::v1::GetErasureRequest* q,
                      audit::v1::GetErasureResponse* s) override {
    return bind_.Unary(c, q, s, "GetErasure", &MaintenanceHandlers::GetErasure);
  }
  Reactor* CreateBackup(Context* c, const audit::v1::CreateBackupRequest* q,
                        audit::v1::CreateBackupResponse* s) override {
    return bind_.Unary(c, q, s, "CreateBackup", &MaintenanceHandlers::CreateBackup);
  }
  Reactor* ListBackups(Context* c, const audit::v1::ListBackupsRequest* q,
                       audit::v1::ListBackupsResponse* s) override {
    return bind_.Unary(c, q, s, "ListBackups", &MaintenanceHandlers::ListBackups);
  }
  Reactor* VerifyBackup(Context* c, const audit::v1::VerifyBackupRequest* q,
                        audit::v1::VerifyBackupResponse* s) override {
    return bind_.Unary(c, q, s, "VerifyBackup", &MaintenanceHandlers::VerifyBackup);
  }

 private:
  Binding<MaintenanceHandlers> bind_;
};

StoredBackup StoredOf(const storage::BackupInfo& info) {
  return {info.id, info.made, info.bytes, info.about};
}

}  // namespace

std::unique_ptr<grpc::Service> MakeMaintenanceService(Dispatcher& dispatcher, MaintenanceHandlers& handlers) {
  return std::make_unique<MaintenanceRpc>(dispatcher, handlers);
}

Backups BackupsOf(storage::RocksDbStore& store, const std::string& folder) {
  Backups backups;
  if (folder.empty()) {
    return backups;
  }
  backups.create = [&store, folder](const std::string& about) -> absl::StatusOr<StoredBackup> {
    ASSIGN_OR_RETURN(const storage::BackupInfo made, store.Backup({folder, about}));
    return StoredOf(made);
  };
  backups.list = [folder]() -> absl::StatusOr<std::vector<StoredBackup>> {
    ASSIGN_OR_RETURN(const std::vector<storage::BackupInfo> infos, storage::ListBackups(folder));
    std::vector<StoredBackup> list;
    list.reserve(infos.size());
    for (const storage::BackupInfo& info : infos) {
      list.push_back(StoredOf(info));
    }
    return list;
  };
  backups.verify = [folder](uint32_t id) { return storage::VerifyBackup(folder, id); };
  backups.remove = [folder](uint32_t id) { return storage::DeleteBackup(folder, id); };
  return backups;
}

}  // namespace relais::rpc
