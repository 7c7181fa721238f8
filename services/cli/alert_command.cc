// `relais alert`: what a human should look at.
#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/alerting/v1/alert_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/session.h"

namespace relais::cli {
namespace {

using alerting::v1::AlertService;

struct AlertOptions {
  std::string desk;
  std::string id;
  uint32_t page_size = 0;
  std::string page_token;
  std::string request_id;
};

absl::StatusOr<int> RunList(Context& context, const AlertOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  alerting::v1::ListRequest request;
  request.set_desk(options.desk);
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const auto response, session->Call<AlertService>(&AlertService::Stub::List, request));
  std::vector<std::vector<std::string>> rows = {
      {"ALERT", "STATE", "RULE", "GROUND", "RAISED", "FACTS", "MESSAGE"}};
  for (const alerting::v1::Alert& alert : response.alerts()) {
    rows.push_back({alert.alert_id(), EnumText(alert.state()), alert.rule(), EnumText(alert.ground()),
                    ParisTime(FromProto(alert.raised())), absl::StrCat(alert.facts()), alert.message_id()});
  }
  const std::string more = response.next_page_token().empty()
                               ? ""
                               : absl::StrCat("more: --page-token ", response.next_page_token(), "\n");
  Print(context.globals.json, response, rows.size() == 1 ? "no alert\n" : Table(rows) + more);
  return kExitOk;
}

absl::StatusOr<int> RunGet(Context& context, const AlertOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  alerting::v1::GetRequest request;
  request.set_alert_id(options.id);
  ASSIGN_OR_RETURN(const auto response, session->Call<AlertService>(&AlertService::Stub::Get, request));
  Print(context.globals.json, response, ToText(response.alert()));
  return kExitOk;
}

absl::StatusOr<int> RunTake(Context& context, const AlertOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  alerting::v1::TakeRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_alert_id(options.id);
  ASSIGN_OR_RETURN(const auto response, session->Call<AlertService>(&AlertService::Stub::Take, request));
  Print(context.globals.json, response, absl::StrCat("taken\n", ToText(response.alert())));
  return kExitOk;
}

}  // namespace

void AddAlertCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "alert", "what a human should look at");

  CLI::App& list = AddVerb(noun, "list", "the alerts of a desk, newest first",
                           "relais --as ville-paris/dsol alert list dsol-75113");
  auto list_options = std::make_shared<AlertOptions>();
  list.add_option("desk", list_options->desk, "a desk of your institution")->required();
  list.add_option("--page-size", list_options->page_size, "default 50, most 1000");
  list.add_option("--page-token", list_options->page_token, "from the previous page");
  OnRun(list, context, list_options, RunList);

  CLI::App& get = AddVerb(noun, "get", "one alert",
                          "relais --as ville-paris/dsol alert get 0123456789abcdef0123456789abcdef");
  auto get_options = std::make_shared<AlertOptions>();
  get.add_option("id", get_options->id, "32 hexadecimal digits")->required();
  OnRun(get, context, get_options, RunGet);

  CLI::App& take =
      AddVerb(noun, "take", "a named human takes it",
              "relais --as ville-paris/dsol --agent as-0042 alert take 0123456789abcdef0123456789abcdef");
  auto take_options = std::make_shared<AlertOptions>();
  take.add_option("id", take_options->id, "32 hexadecimal digits")->required();
  take.add_option("--request-id", take_options->request_id, "repeat a request under its id");
  OnRun(take, context, take_options, RunTake);
}

}  // namespace relais::cli
