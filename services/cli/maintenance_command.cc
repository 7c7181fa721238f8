// `relais maintenance`: one service's keys and erasures over time, for its operators.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/audit/v1/maintenance_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"

namespace relais::cli {
namespace {

using audit::v1::MaintenanceService;

constexpr absl::Duration kLongest = absl::Hours(1);

struct MaintenanceOptions {
  std::string service = "consent";
  std::string month;
  std::string erasure_id;
  std::string receipt;
};

std::string When(const google::protobuf::Timestamp& time) { return ParisTime(FromProto(time)); }

// Work that may take as long as the service lets it.
Globals Patient(const Globals& globals) {
  Globals patient = globals;
  patient.timeout = absl::FormatDuration(kLongest);
  return patient;
}

std::string StatusText(const audit::v1::GetStatusResponse& status) {
  std::string text = absl::StrCat("log ", status.origin(), "\nepoch ", status.epoch());
  if (status.has_epoch_since()) {
    absl::StrAppend(&text, " since ", When(status.epoch_since()));
  }
  if (status.has_rotation_due()) {
    absl::StrAppend(&text, ", next rotation ", When(status.rotation_due()));
  }
  absl::StrAppend(&text, status.rotating() ? ", rotating now" : "",
                  "\nmonths held: ", status.months_size() == 0 ? "none" : absl::StrJoin(status.months(), " "),
                  "\n");
  if (status.erasures_size() == 0) {
    absl::StrAppend(&text, "no erasure pending\n");
  }
  for (const audit::v1::PendingErasure& erasure : status.erasures()) {
    absl::StrAppend(&text, "erasure ", erasure.erasure_id(), " of ", When(erasure.requested()), ": ",
                    erasure.waiting_for_size() == 0
                        ? "under way"
                        : "waits for " + absl::StrJoin(erasure.waiting_for(), ", "),
                    "\n");
  }
  for (const audit::v1::PurgeState& purge : status.purges()) {
    absl::StrAppend(&text, "last ", purge.rule(), ": ", When(purge.last()), "\n");
  }
  return text;
}

absl::StatusOr<int> RunStatus(Context& context, const MaintenanceOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto status,
                   session->CallAt<MaintenanceService>(options.service, &MaintenanceService::Stub::GetStatus,
                                                       audit::v1::GetStatusRequest()));
  Print(context.globals.json, status, StatusText(status));
  return kExitOk;
}

absl::StatusOr<int> RunRotate(Context& context, const MaintenanceOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(Patient(context.globals)));
  ASSIGN_OR_RETURN(const auto answer, session->CallAt<MaintenanceService>(
                                          options.service, &MaintenanceService::Stub::RotateEpoch,
                                          audit::v1::RotateEpochRequest()));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, answer.written().proof()));
  Print(context.globals.json, answer,
        absl::StrCat("epoch ", answer.rotated().destroyed_epoch(), " ended, epoch ", answer.rotated().epoch(),
                     " wraps ", answer.rotated().survivors(), " keys; ", answer.rotated().erasure_ids_size(),
                     " erasures are final\n"));
  return kExitOk;
}

absl::StatusOr<int> RunDestroyMonth(Context& context, const MaintenanceOptions& options) {
  audit::v1::DestroyMonthRequest request;
  request.set_month(options.month);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto answer, session->CallAt<MaintenanceService>(
                                          options.service, &MaintenanceService::Stub::DestroyMonth, request));
  Print(context.globals.json, answer, absl::StrCat("the key of ", options.month, " is destroyed\n"));
  return kExitOk;
}

std::string ErasureText(const audit::v1::GetErasureResponse& erasure) {
  std::string text;
  if (erasure.has_requested()) {
    absl::StrAppend(&text, "requested ", When(erasure.requested()), "\n");
  }
  if (erasure.waiting_for_size() > 0) {
    absl::StrAppend(&text, "waits for ", absl::StrJoin(erasure.waiting_for(), ", "), "\n");
  }
  if (erasure.has_destroyed()) {
    absl::StrAppend(&text, "keys destroyed ", When(erasure.destroyed()), ", leaf ",
                    erasure.erased().leaf_index(), "\n");
  }
  for (const std::string& hold : erasure.hold_ids()) {
    absl::StrAppend(&text, "a copy stays under legal hold ", hold, "\n");
  }
  if (erasure.has_epoch_ended()) {
    absl::StrAppend(&text, "every copy under her own key ended ", When(erasure.epoch_ended()), ", leaf ",
                    erasure.epoch_rotated().leaf_index(), "\n");
  } else if (erasure.has_destroyed()) {
    absl::StrAppend(&text, "copies in backups end with the epoch\n");
  }
  return text;
}

absl::StatusOr<int> RunErasure(Context& context, const MaintenanceOptions& options) {
  audit::v1::GetErasureRequest request;
  request.set_erasure_id(options.erasure_id);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto erasure, session->CallAt<MaintenanceService>(
                                           options.service, &MaintenanceService::Stub::GetErasure, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt,
                               erasure.has_epoch_rotated() ? erasure.epoch_rotated() : erasure.erased(),
                               options.erasure_id));
  Print(context.globals.json, erasure, ErasureText(erasure));
  return kExitOk;
}

void AddService(CLI::App& verb, MaintenanceOptions& options) {
  verb.add_option("--service", options.service, "consent, routing, alerting or vault")->capture_default_str();
}

}  // namespace

void AddMaintenanceCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "maintenance", "a service's keys, erasures and purges, for its operators");

  CLI::App& status = AddVerb(noun, "status", "epoch, months held, erasures pending and what they wait for",
                             "relais --as operator/ops maintenance status --service consent");
  auto status_options = std::make_shared<MaintenanceOptions>();
  AddService(status, *status_options);
  OnRun(status, context, status_options, RunStatus);

  CLI::App& rotate = AddVerb(noun, "rotate-epoch",
                             "wrap every surviving key anew and destroy the old epoch key: copies of erased "
                             "keys in backups end with it",
                             "relais --as operator/ops maintenance rotate-epoch --service consent");
  auto rotate_options = std::make_shared<MaintenanceOptions>();
  AddService(rotate, *rotate_options);
  AddOutput(rotate, "--receipt", rotate_options->receipt, "write the certificate here, as a JSON receipt");
  OnRun(rotate, context, rotate_options, RunRotate);

  CLI::App& month =
      AddVerb(noun, "destroy-month", "destroy the key of a past month: who acted in it is unknown afterwards",
              "relais --as operator/ops --reason 'demande du DPO' maintenance destroy-month 2025-10 "
              "--service consent");
  auto month_options = std::make_shared<MaintenanceOptions>();
  AddService(month, *month_options);
  month.add_option("month", month_options->month, "such as 2025-10")->required();
  OnRun(month, context, month_options, RunDestroyMonth);

  CLI::App& erasure =
      AddVerb(noun, "erasure", "the certificate of an erasure: both its instants, with proof",
              "relais --as operator/ops maintenance erasure 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --receipt "
              "erasure.json");
  auto erasure_options = std::make_shared<MaintenanceOptions>();
  AddService(erasure, *erasure_options);
  erasure.add_option("erasure", erasure_options->erasure_id, "as `relais person erase` printed it")
      ->required();
  AddOutput(erasure, "--receipt", erasure_options->receipt, "write the proof here, as a JSON receipt");
  OnRun(erasure, context, erasure_options, RunErasure);
}

}  // namespace relais::cli
