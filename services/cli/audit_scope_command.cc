// `relais audit scope`: an authority reads a log for a limited time, granted by two.
#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;

struct ScopeOptions {
  std::string service;
  std::string authority;
  std::string until;
  std::string scope;
  std::string request_id;
};

absl::StatusOr<int> RunPropose(Context& context, const ScopeOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  ASSIGN_OR_RETURN(const SystemId authority, ParseSystemId(options.authority));
  audit::v1::ProposeScopeRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_institution(authority.institution);
  request.set_system(authority.system);
  ASSIGN_OR_RETURN(*request.mutable_until(), ParseTimeOption(options.until, "--until"));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->CallAt<AuditService>(
                                            options.service, &AuditService::Stub::ProposeScope, request));
  Print(
      context.globals.json, response,
      absl::StrCat("proposed ", response.scope_id(), ": another human of another institution approves it by ",
                   ParisTime(FromProto(response.approve_by())), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunApprove(Context& context, const ScopeOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  audit::v1::ApproveScopeRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_scope_id(options.scope);
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->CallAt<AuditService>(
                                            options.service, &AuditService::Stub::ApproveScope, request));
  Print(context.globals.json, response,
        absl::StrCat("granted until ", ParisTime(FromProto(response.until())), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunList(Context& context, const ScopeOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->CallAt<AuditService>(options.service, &AuditService::Stub::ListScopes,
                                                 audit::v1::ListScopesRequest()));
  std::vector<std::vector<std::string>> rows = {
      {"SCOPE", "AUTHORITY", "STATE", "UNTIL", "PROPOSED BY", "APPROVED BY"}};
  for (const audit::v1::Scope& scope : response.scopes()) {
    rows.push_back({scope.scope_id(), absl::StrCat(scope.institution(), "/", scope.system()),
                    EnumText(scope.state()), ParisTime(FromProto(scope.until())), scope.proposed_by(),
                    scope.approved_by()});
  }
  Print(context.globals.json, response, Table(rows));
  return kExitOk;
}

CLI::App& AddScopeVerb(CLI::App& scope, const std::string& name, const std::string& description,
                       const std::string& example, ScopeOptions& options) {
  CLI::App& verb = AddVerb(scope, name, description, example);
  verb.add_option("--service", options.service, "whose log: consent, routing, alerting or vault")->required();
  return verb;
}

}  // namespace

void AddAuditScope(CLI::App& noun, Context& context) {
  CLI::App& scope = AddVerb(noun, "scope", "what an authority may read for a limited time, granted by two",
                            "relais --as auditor/suite audit scope list --service consent");
  scope.require_subcommand(1);

  auto proposed = std::make_shared<ScopeOptions>();
  CLI::App& propose =
      AddScopeVerb(scope, "propose", "ask that an authority may read a log; needs --reason",
                   "relais --as auditor/suite --reason 'saisine 12' audit scope propose --service consent "
                   "defenseur-droits/enquete --until 2026-12-31T18:00:00+01:00",
                   *proposed);
  propose.add_option("authority", proposed->authority, "its system: institution/system")->required();
  propose.add_option("--until", proposed->until, "when it ends, RFC 3339; at most 90 days from now")
      ->required();
  propose.add_option("--request-id", proposed->request_id, "idempotency key; default: a fresh one");
  OnRun(propose, context, proposed, RunPropose);

  auto approved = std::make_shared<ScopeOptions>();
  CLI::App& approve = AddScopeVerb(
      scope, "approve", "grant what another human of another institution proposed; needs --reason",
      "relais --as operator/ops --reason 'saisine 12' audit scope approve --service consent "
      "0123456789abcdef0123456789abcdef",
      *approved);
  approve.add_option("scope", approved->scope, "32 hexadecimal digits")->required();
  approve.add_option("--request-id", approved->request_id, "idempotency key; default: a fresh one");
  OnRun(approve, context, approved, RunApprove);

  auto listed = std::make_shared<ScopeOptions>();
  CLI::App& list = AddScopeVerb(scope, "list", "scopes proposed, in force and lately ended, newest first",
                                "relais --as auditor/suite audit scope list --service consent", *listed);
  OnRun(list, context, listed, RunList);
}

}  // namespace relais::cli
