// `relais vault`: what operators do with a vault. Nothing here opens a paper.
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/vault/v1/key_service.grpc.pb.h"
#include "relais/vault/v1/operation_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/cli/values.h"
#include "services/cli/vault_scrub_text.h"

namespace relais::cli {
namespace {

using vault::v1::KeyService;
using vault::v1::OperationService;

struct VaultOptions {
  std::string id;
  std::string level;
  std::string day;
  bool without_notice = false;
  std::string request_id;
};

absl::StatusOr<int> RunScrub(Context& context, const VaultOptions& options) {
  vault::v1::StartScrubRequest request;
  request.set_request_id(RequestId(options.request_id));
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<OperationService>(&OperationService::Stub::StartScrub, request));
  Print(context.globals.json, response, ScrubText(response.scrub()));
  return kExitOk;
}

absl::StatusOr<int> RunScrubStatus(Context& context, const VaultOptions& options) {
  vault::v1::GetScrubRequest request;
  request.set_scrub_id(options.id);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<OperationService>(&OperationService::Stub::GetScrub, request));
  Print(context.globals.json, response, ScrubText(response.scrub()));
  return FoundNothing(response.scrub()) ? kExitOk : kExitFindings;
}

absl::StatusOr<int> RunClose(Context& context, const VaultOptions& options) {
  vault::v1::AnnounceClosureRequest request;
  request.set_request_id(RequestId(options.request_id));
  ASSIGN_OR_RETURN(*request.mutable_closing_day(), ParseDateOption(options.day, "the closing day"));
  request.set_without_notice(options.without_notice);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<OperationService>(&OperationService::Stub::AnnounceClosure, request));
  Print(context.globals.json, response, ToText(response.closure()));
  return kExitOk;
}

absl::StatusOr<int> RunClosure(Context& context, const VaultOptions& /*options*/) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<OperationService>(&OperationService::Stub::GetClosure,
                                                                        vault::v1::GetClosureRequest()));
  Print(context.globals.json, response,
        response.has_closure() ? ToText(response.closure()) : "no closure is announced\n");
  return kExitOk;
}

absl::StatusOr<int> RunKeys(Context& context, const VaultOptions& /*options*/) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<KeyService>(&KeyService::Stub::Status, vault::v1::StatusRequest()));
  Print(context.globals.json, response, ToText(response));
  return kExitOk;
}

absl::StatusOr<int> RunRotate(Context& context, const VaultOptions& options) {
  vault::v1::RotateRequest request;
  request.set_request_id(RequestId(options.request_id));
  ASSIGN_OR_RETURN(const auto level, ParseEnumOption<vault::v1::KeyLevel>(options.level, "--level"));
  request.set_level(level);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<KeyService>(&KeyService::Stub::Rotate, request));
  Print(context.globals.json, response, ToText(response.rotation()));
  return kExitOk;
}

}  // namespace

void AddVaultCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "vault", "the vault as operators see it: scrubs, keys, closure");
  auto options = std::make_shared<VaultOptions>();

  CLI::App& scrub = AddVerb(noun, "scrub", "read and check every paper in the background",
                            "relais --as operator/ops vault scrub");
  scrub.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(scrub, context, options, RunScrub);

  CLI::App& status =
      AddVerb(noun, "scrub-status", "how far a scrub is and what it found; exit 3 when not intact",
              "relais --as operator/ops vault scrub-status");
  status.add_option("scrub", options->id, "which; default the one under way, or the last");
  OnRun(status, context, options, RunScrubStatus);

  CLI::App& keys = AddVerb(noun, "keys", "which epochs of keys there are, and how far a rotation is",
                           "relais --as operator/ops vault keys");
  OnRun(keys, context, options, RunKeys);

  CLI::App& rotate =
      AddVerb(noun, "rotate", "wrap keys anew under fresh ones; no paper is read",
              "relais --as operator/ops --reason 'rotation annuelle' vault rotate --level epoch");
  rotate.add_option("--level", options->level, "epoch or person")->required();
  rotate.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(rotate, context, options, RunRotate);

  CLI::App& close = AddVerb(noun, "close", "announce the last day of service, three months ahead or more",
                            "relais --as operator/ops --reason 'fin de convention' vault close 2027-06-30");
  close.add_option("day", options->day, "the last day of service")->required();
  close.add_flag("--without-notice", options->without_notice,
                 "it has to close sooner: papers can be had for twelve months after");
  close.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(close, context, options, RunClose);

  CLI::App& closure = AddVerb(noun, "closure", "whether this vault closes, and until when papers can be had",
                              "relais --as ville-paris/dsol vault closure");
  OnRun(closure, context, options, RunClosure);
}

}  // namespace relais::cli
