// What the verbs of `relais audit` share.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"

namespace relais::cli {

using audit::v1::AuditService;

namespace {
constexpr uint32_t kPage = 1000;
}  // namespace

// Calls `take` with leaves 0 … size-1 in order.
absl::Status FetchLeaves(Session& session, const std::string& service, uint64_t size,
                         const std::function<absl::Status(const std::string&)>& take) {
  const SystemClock clock;
  Progress progress(size, session.json(), clock);
  for (uint64_t next = 0; next < size;) {
    audit::v1::ListLeavesRequest request;
    request.set_from(next);
    request.set_limit(static_cast<uint32_t>(std::min<uint64_t>(kPage, size - next)));
    ASSIGN_OR_RETURN(const auto page,
                     session.CallAt<AuditService>(service, &AuditService::Stub::ListLeaves, request));
    if (page.leaves().empty()) {
      return absl::DataLossError(
          absl::StrCat("leaf count: the service has ", next, " leaves, its checkpoint says ", size));
    }
    for (const std::string& leaf : page.leaves()) {
      if (next == size) {
        break;
      }
      RETURN_IF_ERROR(take(leaf));
      ++next;
      progress.Update(next, next);
    }
  }
  return absl::OkStatus();
}

void AddLogKeys(CLI::App& verb, std::vector<std::string>& keys) {
  AddRepeated(verb, "--key", keys, "a log's key, <origin>+<id>+<base64>; default: those of the directory");
}

int PrintAlarm(const Context& context, const absl::Status& alarm) {
  Print(context.globals.json, nlohmann::json{{"alarm", std::string(alarm.message())}},
        absl::StrCat("ALARM  ", alarm.message(), "\n"));
  return kExitAlarm;
}

absl::Status CheckOrigin(const std::vector<LogKey>& keys, const std::string& service,
                         const std::string& origin) {
  const bool known = std::any_of(keys.begin(), keys.end(), [&](const LogKey& key) {
    return (key.service.empty() || key.service == service) && key.verifier.name == origin;
  });
  return known ? absl::OkStatus()
               : absl::DataLossError("origin: the directory does not name this log for this service");
}

}  // namespace relais::cli
