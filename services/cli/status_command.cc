// `relais status`: are the services there?
#include <algorithm>
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "relais/routing/v1/directory_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/health.h"
#include "services/cli/output.h"
#include "services/cli/session.h"

namespace relais::cli {
namespace {

constexpr absl::Duration kPerLook = absl::Seconds(3);
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(200);

struct StatusOptions {
  std::string wait;
};

struct ServiceStatus {
  std::string service;
  std::string target;
  std::string health;
  std::string origin;
  std::string log_size;
  bool serving = false;
};

// While it waits for a service it lets it come up; else a refused connection is answer enough.
absl::StatusOr<Health> Look(Session& session, const std::string& service, absl::Duration timeout,
                            bool waiting) {
  ASSIGN_OR_RETURN(const auto channel, session.Channel(service));
  grpc::ClientContext context;
  session.Prepare(context, timeout);
  context.set_wait_for_ready(waiting);
  return CheckHealth(channel, context);
}

std::string Unanswered(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)
             ? "UNREACHABLE"
             : absl::StatusCodeToString(status.code());
}

// Until it serves, or `until`; at least once.
ServiceStatus StatusOf(Session& session, const std::string& service, absl::Time until) {
  ServiceStatus status{service, session.settings().targets.at(service), "", "", "", false};
  while (true) {
    const absl::Duration left = std::max(until - absl::Now(), absl::ZeroDuration());
    const absl::Duration timeout =
        std::min(std::min(kPerLook, session.timeout()), std::max(left, kBetweenLooks));
    const bool waiting = left > absl::ZeroDuration();
    const auto health = Look(session, service, waiting ? timeout : kPerLook, waiting);
    status.health = health.ok() ? std::string(HealthName(*health)) : Unanswered(health.status());
    status.serving = health.ok() && *health == Health::kServing;
    if (status.serving || absl::Now() + kBetweenLooks >= until) {
      break;
    }
    absl::SleepFor(kBetweenLooks);
  }
  if (!status.serving) {
    return status;
  }
  const auto checkpoint = session.CallAt<audit::v1::AuditService>(
      service, &audit::v1::AuditService::Stub::GetCheckpoint, audit::v1::GetCheckpointRequest());
  if (checkpoint.ok()) {
    const std::vector<std::string> lines = absl::StrSplit(checkpoint->checkpoint(), '\n');
    status.origin = lines[0];
    status.log_size = lines.size() > 1 ? lines[1] : "";
  }
  return status;
}

absl::StatusOr<int> RunStatus(Context& context, const StatusOptions& options) {
  absl::Duration wait = absl::ZeroDuration();
  if (!options.wait.empty() && !absl::ParseDuration(options.wait, &wait)) {
    return absl::InvalidArgumentError("--wait wants a duration such as 60s");
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  RETURN_IF_ERROR(session->Channel(kServices[0]).status());  // without a certificate there is nothing to ask
  const absl::Time until = absl::Now() + wait;
  std::vector<std::vector<std::string>> rows = {{"SERVICE", "HEALTH", "ADDRESS", "LOG", "LEAVES"}};
  nlohmann::json json = nlohmann::json::array();
  bool all = true;
  for (const char* service : kServices) {
    if (!session->settings().Has(service)) {
      continue;
    }
    const ServiceStatus status = StatusOf(*session, service, until);
    all = all && status.serving;
    rows.push_back({status.service, status.health, status.target, status.origin, status.log_size});
    json.push_back({{"service", status.service},
                    {"health", status.health},
                    {"address", status.target},
                    {"origin", status.origin},
                    {"logSize", status.log_size}});
  }
  std::string text = Table(rows);
  nlohmann::json out = {{"services", json}};
  const auto directory = all ? session->Call<routing::v1::DirectoryService>(
                                   &routing::v1::DirectoryService::Stub::ListInstitutions,
                                   routing::v1::ListInstitutionsRequest())
                             : absl::UnavailableError("");
  if (directory.ok()) {
    absl::StrAppend(&text, "directory version ", directory->directory_version(), "\n");
    out["directoryVersion"] = directory->directory_version();
  }
  Print(context.globals.json, out, text);
  return all ? kExitOk : kExitUnavailable;
}

}  // namespace

void AddStatusCommand(CLI::App& app, Context& context) {
  CLI::App& verb =
      AddVerb(app, "status", "health, log and directory of each service; exit 8 unless all serve",
              "relais status --wait 60s");
  auto options = std::make_shared<StatusOptions>();
  verb.add_option("--wait", options->wait, "wait this long for all to serve");
  OnRun(verb, context, options, RunStatus);
}

}  // namespace relais::cli
