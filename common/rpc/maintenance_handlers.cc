#include "common/rpc/maintenance_handlers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/audit/leaf.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"

namespace relais::rpc {
namespace {

constexpr size_t kMostPending = 1000;

// What the log's core says, in words of the API.
absl::Status Answer(const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    return NoSuchOrNotYours();
  }
  if (absl::IsFailedPrecondition(status)) {
    return Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                   std::string(status.message()));
  }
  return status;
}

}  // namespace

Task<absl::StatusOr<common::v1::Written>> MaintenanceHandlers::WrittenAt(uint64_t index) {
  const storage::LeafRange leaf{index, 1, index + 1};
  absl::StatusOr<common::v1::Written> written = co_await WrittenOf(context_, leaf, true, true);
  co_return written;
}

Task<absl::StatusOr<audit::v1::GetStatusResponse>> MaintenanceHandlers::GetStatus(
    Call /*call*/, audit::v1::GetStatusRequest /*request*/) {
  const audit::MaintenanceStatus status = context_.maintenance->status();
  audit::v1::GetStatusResponse response;
  response.set_origin(context_.log.origin());
  response.set_epoch(status.epoch);
  response.set_rotating(status.rotating);
  if (status.epoch_since > absl::InfinitePast()) {
    *response.mutable_epoch_since() = ToProto(status.epoch_since);
  }
  if (status.rotation_due < absl::InfiniteFuture()) {
    *response.mutable_rotation_due() = ToProto(status.rotation_due);
  }
  for (const std::string& month : status.months) {
    response.add_months(month);
  }
  for (const audit::MaintenanceStatus::Pending& pending : status.erasures) {
    if (response.erasures_size() == static_cast<int>(kMostPending)) {
      break;
    }
    audit::v1::PendingErasure& out = *response.add_erasures();
    out.set_erasure_id(pending.erasure.ToHex());
    *out.mutable_requested() = ToProto(pending.requested);
    for (const std::string& service : pending.waiting_for) {
      out.add_waiting_for(service);
    }
  }
  for (const auto& [rule, last] : status.done) {
    audit::v1::PurgeState& out = *response.add_purges();
    out.set_rule(rule);
    *out.mutable_last() = ToProto(last);
  }
  co_return response;
}

Task<absl::StatusOr<audit::v1::RotateEpochResponse>> MaintenanceHandlers::RotateEpoch(
    Call /*call*/, audit::v1::RotateEpochRequest /*request*/) {
  CO_RETURN_IF_ERROR(context_.Writable());
  const absl::StatusOr<uint64_t> index = co_await context_.maintenance->RotateEpoch();
  CO_RETURN_IF_ERROR(index.status());
  absl::StatusOr<common::v1::Written> written = co_await WrittenAt(*index);
  CO_RETURN_IF_ERROR(written.status());
  audit::v1::RotateEpochResponse response;
  *response.mutable_written() = *std::move(written);
  CO_ASSIGN_OR_RETURN(const auto leaves, context_.log.ReadOpened(*index, 1));
  if (leaves.empty() || !leaves[0].details.payload().UnpackTo(response.mutable_rotated())) {
    co_return absl::InternalError("the leaf of a rotation cannot be read");
  }
  co_return response;
}

Task<absl::StatusOr<audit::v1::DestroyMonthResponse>> MaintenanceHandlers::DestroyMonth(
    Call /*call*/, audit::v1::DestroyMonthRequest request) {
  CO_RETURN_IF_ERROR(context_.Writable());
  const absl::StatusOr<uint64_t> index = co_await context_.maintenance->DestroyMonth(request.month());
  CO_RETURN_IF_ERROR(Answer(index.status()));
  absl::StatusOr<common::v1::Written> written = co_await WrittenAt(*index);
  CO_RETURN_IF_ERROR(written.status());
  audit::v1::DestroyMonthResponse response;
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<audit::v1::GetErasureResponse>> MaintenanceHandlers::GetErasure(
    Call /*call*/, audit::v1::GetErasureRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.erasure_id()));
  const auto found = context_.maintenance->Find(id);
  CO_RETURN_IF_ERROR(Answer(found.status()));
  const audit::v1::StoredErasure& stored = found->stored;
  audit::v1::GetErasureResponse response;
  for (const std::string& service : found->waiting_for) {
    response.add_waiting_for(service);
  }
  if (stored.requested() != 0) {
    *response.mutable_requested() = ToProto(absl::FromUnixMicros(stored.requested()));
  }
  if (stored.destroyed() != 0) {
    *response.mutable_destroyed() = ToProto(absl::FromUnixMicros(stored.destroyed()));
  }
  for (const std::string& bytes : stored.holds()) {
    CO_ASSIGN_OR_RETURN(const Id128 hold, Id128::FromBytes(bytes));
    response.add_hold_ids(hold.ToHex());
  }
  if (stored.erased_leaf() != 0) {
    absl::StatusOr<common::v1::Proof> proof = co_await context_.log.Prove(stored.erased_leaf() - 1, true);
    CO_RETURN_IF_ERROR(proof.status());
    *response.mutable_erased() = *std::move(proof);
  }
  if (stored.epoch_leaf() != 0) {
    absl::StatusOr<common::v1::Proof> proof = co_await context_.log.Prove(stored.epoch_leaf() - 1, true);
    CO_RETURN_IF_ERROR(proof.status());
    CO_ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(proof->leaf()));
    *response.mutable_epoch_ended() = ToProto(leaf.time);
    *response.mutable_epoch_rotated() = *std::move(proof);
  }
  co_return response;
}

absl::Status MaintenanceHandlers::HaveFolder() const {
  return backups_.create ? absl::OkStatus()
                         : Refusal(absl::StatusCode::kFailedPrecondition,
                                   common::v1::ERROR_REASON_WRONG_STATE, "this service has no backup.folder");
}

// The oldest epoch in it is the first to go: what that one wraps opens no more.
bool MaintenanceHandlers::OpensPapers(const audit::v1::Backup& backup) const {
  if (backup.papers_epoch() == 0 || !backups_.papers_epochs) {
    return true;
  }
  const std::vector<uint32_t> held = backups_.papers_epochs();
  return std::find(held.begin(), held.end(), backup.papers_epoch()) != held.end();
}

absl::StatusOr<audit::v1::Backup> MaintenanceHandlers::Show(const StoredBackup& stored) const {
  audit::v1::Backup backup;
  if (!backup.ParseFromString(stored.about)) {
    return absl::DataLossError("a backup's description does not parse");
  }
  backup.set_id(stored.id);
  backup.set_bytes(stored.bytes);
  backup.set_usable(backup.epoch() == context_.log.keys().epoch() && OpensPapers(backup));
  return backup;
}

// Backups of past epochs open nothing any more: they are only in the way of what the erasures promise.
absl::Status MaintenanceHandlers::RemoveUnusable() const {
  ASSIGN_OR_RETURN(const std::vector<StoredBackup> list, backups_.list());
  for (const StoredBackup& stored : list) {
    ASSIGN_OR_RETURN(const audit::v1::Backup backup, Show(stored));
    if (!backup.usable()) {
      RETURN_IF_ERROR(backups_.remove(stored.id));
    }
  }
  return absl::OkStatus();
}

Task<absl::StatusOr<audit::v1::CreateBackupResponse>> MaintenanceHandlers::CreateBackup(
    Call /*call*/, audit::v1::CreateBackupRequest /*request*/) {
  CO_RETURN_IF_ERROR(HaveFolder());
  audit::v1::Backup about;
  absl::StatusOr<std::string> checkpoint = co_await context_.log.Checkpoint(context_.log.state().size);
  CO_RETURN_IF_ERROR(checkpoint.status());
  about.set_checkpoint(*std::move(checkpoint));
  // Before the copy: a rotation that begins meanwhile makes it unusable, never the other way round.
  about.set_epoch(context_.log.keys().epoch());
  if (backups_.papers_epochs) {
    const std::vector<uint32_t> held = backups_.papers_epochs();
    about.set_papers_epoch(held.empty() ? 0 : *std::min_element(held.begin(), held.end()));
  }
  *about.mutable_made() = ToProto(context_.clock.Now());
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(const StoredBackup made, backups_.create(about.SerializeAsString()));
  CO_RETURN_IF_ERROR(RemoveUnusable());
  audit::v1::CreateBackupResponse response;
  CO_ASSIGN_OR_RETURN(*response.mutable_backup(), Show(made));
  co_return response;
}

Task<absl::StatusOr<audit::v1::ListBackupsResponse>> MaintenanceHandlers::ListBackups(
    Call /*call*/, audit::v1::ListBackupsRequest /*request*/) {
  CO_RETURN_IF_ERROR(HaveFolder());
  co_await ResumeOn(context_.executor);
  const absl::StatusOr<std::vector<StoredBackup>> list = backups_.list();
  audit::v1::ListBackupsResponse response;
  if (absl::IsNotFound(list.status())) {
    co_return response;  // none was ever made
  }
  CO_RETURN_IF_ERROR(list.status());
  for (const StoredBackup& stored : *list) {
    CO_ASSIGN_OR_RETURN(*response.add_backups(), Show(stored));
  }
  co_return response;
}

Task<absl::StatusOr<audit::v1::VerifyBackupResponse>> MaintenanceHandlers::VerifyBackup(
    Call /*call*/, audit::v1::VerifyBackupRequest request) {
  CO_RETURN_IF_ERROR(HaveFolder());
  co_await ResumeOn(context_.executor);
  const absl::StatusOr<std::vector<StoredBackup>> list = backups_.list();
  CO_RETURN_IF_ERROR(Answer(list.status()));
  for (const StoredBackup& stored : *list) {
    if (stored.id == request.id()) {
      CO_RETURN_IF_ERROR(backups_.verify(request.id()));
      audit::v1::VerifyBackupResponse response;
      CO_ASSIGN_OR_RETURN(*response.mutable_backup(), Show(stored));
      co_return response;
    }
  }
  co_return NoSuchOrNotYours();
}

}  // namespace relais::rpc
