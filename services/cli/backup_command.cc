// `relais backup`: copies of a service's store; restoring one, offline.
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/audit/store_check.h"
#include "common/base/config.h"
#include "common/base/proto_time.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "common/storage/rocksdb/backup.h"
#include "common/storage/rocksdb/inspect.h"
#include "relais/audit/v1/maintenance_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/vault/format/paper_keys.h"

namespace relais::cli {
namespace {

using audit::v1::MaintenanceService;

constexpr absl::Duration kLongest = absl::Hours(1);
constexpr char kEpochKey[] = "audit-epoch";

struct BackupOptions {
  std::string service;
  uint32_t id = 0;
  std::string settings;  // of the service
  bool without_papers = false;
};

absl::StatusOr<std::unique_ptr<Session>> OpenPatient(const Globals& globals) {
  Globals patient = globals;
  patient.timeout = absl::FormatDuration(kLongest);
  return Session::Open(patient);
}

// "origin, size" of a checkpoint.
std::string HeadOf(const std::string& checkpoint) {
  const size_t first = checkpoint.find('\n');
  const size_t second = first == std::string::npos ? first : checkpoint.find('\n', first + 1);
  return second == std::string::npos ? "?"
                                     : absl::StrCat(checkpoint.substr(0, first), ":",
                                                    checkpoint.substr(first + 1, second - first - 1));
}

std::string Line(const audit::v1::Backup& backup) {
  return absl::StrCat("backup ", backup.id(), " of ", ParisTime(FromProto(backup.made())), ", ",
                      backup.bytes(), " bytes, log ", HeadOf(backup.checkpoint()), ", epoch ", backup.epoch(),
                      backup.papers_epoch() == 0 ? "" : absl::StrCat(", of papers ", backup.papers_epoch()),
                      backup.usable()              ? ""
                      : backup.papers_epoch() == 0 ? ": over, it opens nothing any more"
                                                   : ": over, it opens no paper any more",
                      "\n");
}

absl::StatusOr<int> RunCreate(Context& context, const BackupOptions& options) {
  ASSIGN_OR_RETURN(const auto session, OpenPatient(context.globals));
  ASSIGN_OR_RETURN(const auto answer, session->CallAt<MaintenanceService>(
                                          options.service, &MaintenanceService::Stub::CreateBackup,
                                          audit::v1::CreateBackupRequest()));
  Print(context.globals.json, answer, Line(answer.backup()));
  return kExitOk;
}

absl::StatusOr<int> RunList(Context& context, const BackupOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto answer, session->CallAt<MaintenanceService>(
                                          options.service, &MaintenanceService::Stub::ListBackups,
                                          audit::v1::ListBackupsRequest()));
  std::string text;
  for (const audit::v1::Backup& backup : answer.backups()) {
    absl::StrAppend(&text, Line(backup));
  }
  Print(context.globals.json, answer, text.empty() ? "no backup\n" : text);
  return kExitOk;
}

absl::StatusOr<int> RunVerify(Context& context, const BackupOptions& options) {
  audit::v1::VerifyBackupRequest request;
  request.set_id(options.id);
  ASSIGN_OR_RETURN(const auto session, OpenPatient(context.globals));
  ASSIGN_OR_RETURN(const auto answer, session->CallAt<MaintenanceService>(
                                          options.service, &MaintenanceService::Stub::VerifyBackup, request));
  Print(context.globals.json, answer, absl::StrCat("whole: ", Line(answer.backup())));
  return kExitOk;
}

// ---- offline

absl::StatusOr<storage::BackupInfo> FindBackup(const std::string& folder, uint32_t id) {
  ASSIGN_OR_RETURN(const std::vector<storage::BackupInfo> backups, storage::ListBackups(folder));
  for (const storage::BackupInfo& backup : backups) {
    if (backup.id == id) {
      return backup;
    }
  }
  return absl::NotFoundError(absl::StrCat("no backup ", id, " at ", folder));
}

// A backup of a past epoch holds no key that any ring opens: every subject in it would read as erased, every
// paper of the vault as damaged.
// Whether its papers open.
absl::StatusOr<bool> CheckEpochs(Config& config, const audit::v1::Backup& about, bool without_papers) {
  ASSIGN_OR_RETURN(const Secret master, crypto::ReadSecretFile(config.String("audit.master")));
  SystemRandom random;
  ASSIGN_OR_RETURN(const auto ring, crypto::FileKeyRing::Open(config.String("audit.ring"), master, random));
  if (!ring->Get(kEpochKey, about.epoch()).ok()) {
    return absl::FailedPreconditionError(absl::StrCat("the key of epoch ", about.epoch(),
                                                      " is destroyed: this backup opens nothing any more"));
  }
  const uint32_t papers = about.papers_epoch();
  const bool open = papers == 0 || ring->Get(vault::RingEpochKeys::kRingName, papers).ok();
  if (!open && !without_papers) {
    return absl::FailedPreconditionError(
        absl::StrCat("the key of the papers' epoch ", papers,
                     " is destroyed: this backup opens no paper of before it ended. If there is no other, "
                     "--without-papers restores the log and what is no paper"));
  }
  return open;
}

absl::Status CheckRestored(const std::string& path, const std::string& checkpoint) {
  storage::RocksDbOptions options;
  options.path = path;
  ASSIGN_OR_RETURN(const auto store, storage::ReadOnlyStore::Open(options));
  return audit::CheckContains(*store, checkpoint);
}

absl::StatusOr<int> RunRestore(Context& context, const BackupOptions& options) {
  ASSIGN_OR_RETURN(Config config, Config::Load(options.settings, {}));
  const std::string folder = config.String("backup.folder", "");
  const std::string path = config.String("store.path");
  if (folder.empty()) {
    return absl::FailedPreconditionError("the settings name no backup.folder");
  }
  ASSIGN_OR_RETURN(const storage::BackupInfo backup, FindBackup(folder, options.id));
  audit::v1::Backup about;
  if (!about.ParseFromString(backup.about)) {
    return absl::DataLossError("the backup's description cannot be read");
  }
  ASSIGN_OR_RETURN(const bool papers_open, CheckEpochs(config, about, options.without_papers));
  RETURN_IF_ERROR(storage::RestoreBackup(folder, options.id, path));
  RETURN_IF_ERROR(CheckRestored(path, about.checkpoint()));
  about.set_id(options.id);
  about.set_bytes(backup.bytes);
  about.set_usable(papers_open);
  Print(
      context.globals.json, about,
      absl::StrCat("restored to ", path, ": ", Line(about),
                   "If a later checkpoint was given out, start the service once with audit.origin raised to "
                   "the next epoch and --accept-loss.\n"));
  return kExitOk;
}

void AddService(CLI::App& verb, BackupOptions& options) {
  verb.add_option("--service", options.service, "consent, routing, alerting or vault")->required();
}

}  // namespace

void AddBackupCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "backup", "copies of a service's store");

  CLI::App& create = AddVerb(noun, "create", "copy the store into the service's backup.folder",
                             "relais --as operator/ops backup create --service consent");
  auto create_options = std::make_shared<BackupOptions>();
  AddService(create, *create_options);
  OnRun(create, context, create_options, RunCreate);

  CLI::App& list = AddVerb(noun, "list", "the backups there are, oldest first",
                           "relais --as operator/ops backup list --service consent");
  auto list_options = std::make_shared<BackupOptions>();
  AddService(list, *list_options);
  OnRun(list, context, list_options, RunList);

  CLI::App& verify = AddVerb(noun, "verify", "read every file of a backup and compare checksums",
                             "relais --as operator/ops backup verify 3 --service consent");
  auto verify_options = std::make_shared<BackupOptions>();
  AddService(verify, *verify_options);
  verify.add_option("id", verify_options->id, "the backup's number")->required();
  OnRun(verify, context, verify_options, RunVerify);

  CLI::App& restore =
      AddVerb(noun, "restore", "write a backup where the stopped service's store was (move that away first)",
              "relais backup restore 3 --service-config /etc/relais/consent.yaml");
  auto restore_options = std::make_shared<BackupOptions>();
  restore.add_option("id", restore_options->id, "the backup's number")->required();
  restore.add_option("--service-config", restore_options->settings, "the service's settings, YAML")
      ->required();
  restore.add_flag("--without-papers", restore_options->without_papers,
                   "of a vault: although no paper in it opens any more");
  OnRun(restore, context, restore_options, RunRestore);
}

}  // namespace relais::cli
