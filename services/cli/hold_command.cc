// `relais hold`: legal holds, placed and released by stewards, read by auditors.
#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/alerting/v1/state.pb.h"
#include "relais/audit/v1/hold_service.grpc.pb.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/consent/v1/rights_state.pb.h"
#include "relais/consent/v1/state.pb.h"
#include "relais/routing/v1/state.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using audit::v1::HoldService;
using consent::v1::PersonService;

struct HoldOptions {
  std::string service = "consent";
  std::string handle;
  std::string hold;
  std::string order;
  std::string until;
  std::string receipt;
  std::string request_id;
  bool even_unknown = false;
};

absl::StatusOr<int> RunPlace(Context& context, const HoldOptions& options) {
  consent::v1::PlaceHoldRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.handle);
  request.set_order_reference(options.order);
  ASSIGN_OR_RETURN(*request.mutable_until(), ParseTimeOption(options.until, "--until"));
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::PlaceHold, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.hold_id() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunRelease(Context& context, const HoldOptions& options) {
  consent::v1::ReleaseHoldRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_hold_id(options.hold);
  request.set_even_unknown(options.even_unknown);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::ReleaseHold, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, absl::StrCat("hold ", options.hold, " is released\n"));
  return kExitOk;
}

std::string StateText(const audit::v1::Hold& hold) {
  if (!hold.has_ended()) {
    return "in force";
  }
  return absl::StrCat(hold.expired() ? "expired " : "released ", ParisTime(FromProto(hold.ended())));
}

absl::StatusOr<int> RunList(Context& context, const HoldOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->CallAt<HoldService>(options.service, &HoldService::Stub::ListHolds,
                                                audit::v1::ListHoldsRequest()));
  std::vector<std::vector<std::string>> rows = {{"HOLD", "PLACED", "UNTIL", "STATE"}};
  for (const audit::v1::Hold& hold : response.holds()) {
    rows.push_back({hold.hold_id(), ParisTime(FromProto(hold.placed())), ParisTime(FromProto(hold.until())),
                    StateText(hold)});
  }
  Print(context.globals.json, response, Table(rows));
  return kExitOk;
}

// What a service keeps is printed too: its internal messages must be linked for that.
void LinkStoredTypes() {
  (void)consent::v1::StoredPerson::descriptor();
  (void)consent::v1::StoredRights::descriptor();
  (void)routing::v1::MessageState::descriptor();
  (void)alerting::v1::RowState::descriptor();
}

bool ByPlace(const audit::v1::HeldItem& a, const audit::v1::HeldItem& b) {
  if (a.has_leaf() != b.has_leaf()) {
    return b.has_leaf();  // state first
  }
  return a.has_leaf() ? a.leaf().index() < b.leaf().index() : a.state().name() < b.state().name();
}

// All pages, one item a line, as JSON: for whoever asked for them.
absl::StatusOr<int> RunRead(Context& context, const HoldOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  LinkStoredTypes();
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  audit::v1::ReadHoldRequest request;
  request.set_hold_id(options.hold);
  request.set_page_size(200);
  std::vector<audit::v1::HeldItem> items;
  do {
    ASSIGN_OR_RETURN(auto response,
                     session->CallAt<HoldService>(options.service, &HoldService::Stub::ReadHold, request));
    for (audit::v1::HeldItem& item : *response.mutable_items()) {
      items.push_back(std::move(item));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  std::sort(items.begin(), items.end(), ByPlace);
  for (const audit::v1::HeldItem& item : items) {
    std::cout << ToJson(item) << "\n";
  }
  return kExitOk;
}

void AddActOptions(CLI::App& verb, HoldOptions& options) {
  AddOutput(verb, "--receipt", options.receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options.request_id, "repeat a request under its id");
}

void AddService(CLI::App& verb, HoldOptions& options) {
  verb.add_option("--service", options.service, "consent, routing, alerting or vault")->capture_default_str();
}

}  // namespace

void AddHoldCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "hold", "legal holds: what an erasure removes stays as a copy, for a court");

  CLI::App& place = AddVerb(
      noun, "place", "place a hold on a person, in every service (stewards); prints its id. Needs --reason",
      "relais --as ville-paris/steward --reason 'ordonnance du 3 novembre' hold place "
      "rh1_AAE… --order 'RG 26/01234' --until 2028-11-03T00:00:00+01:00");
  auto placed = std::make_shared<HoldOptions>();
  place.add_option("handle", placed->handle, "her handle")->required();
  place.add_option("--order", placed->order, "reference of the order it stands on")->required();
  place.add_option("--until", placed->until, "when it ends by itself, RFC 3339; at most ten years from now")
      ->required();
  AddActOptions(place, *placed);
  OnRun(place, context, placed, RunPlace);

  CLI::App& release = AddVerb(
      noun, "release",
      "end a hold before its time, in every service (stewards): its copies are gone. Needs --reason",
      "relais --as ville-paris/steward --reason 'mainlevée' hold release 0123456789abcdef0123456789abcdef");
  auto released = std::make_shared<HoldOptions>();
  release.add_option("hold", released->hold, "32 hexadecimal digits")->required();
  release.add_flag("--even-unknown", released->even_unknown,
                   "end it too if the registry does not know it: it was restored to before the hold");
  AddActOptions(release, *released);
  OnRun(release, context, released, RunRelease);

  CLI::App& list = AddVerb(noun, "list", "the holds a service knows, oldest first; names nobody",
                           "relais --as operator/ops hold list --service routing");
  auto listed = std::make_shared<HoldOptions>();
  AddService(list, *listed);
  OnRun(list, context, listed, RunList);

  CLI::App& read =
      AddVerb(noun, "read",
              "what a hold has kept in a service: one JSON line for each row and leaf (auditors of the "
              "suite, an authority in its scope). Needs --reason",
              "relais --as auditor/suite --reason 'réquisition 7' hold read "
              "0123456789abcdef0123456789abcdef --service routing");
  auto asked = std::make_shared<HoldOptions>();
  read.add_option("hold", asked->hold, "32 hexadecimal digits")->required();
  AddService(read, *asked);
  OnRun(read, context, asked, RunRead);
}

}  // namespace relais::cli
