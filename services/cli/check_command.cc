// `relais check`: may X give Y about P to Z, for what purpose, on what ground?
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "services/cli/check_text.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using consent::v1::ConsentService;

struct CheckOptions {
  std::string person;
  std::string sender;
  std::string recipient;
  std::string purpose;
  std::vector<std::string> categories;
  std::string act = "transmit";
  std::string ground;
  std::string facts;
  std::string signal_type;
  std::string event;
  std::string event_day;
  std::string objection_end;
  std::string source_reference;
  std::string desk;
  std::string consent;
  bool record = false;
  std::string time;
  std::string fresh;
  bool exercise = false;
  std::string receipt;
  std::string request_id;
};

absl::Status FillGround(const CheckOptions& options, consent::v1::CheckRequest& request) {
  if (options.ground.empty() && options.source_reference.empty()) {
    return absl::OkStatus();
  }
  common::v1::StatedGround& stated = *request.mutable_stated_ground();
  if (!options.ground.empty()) {
    ASSIGN_OR_RETURN(const auto ground, ParseEnumOption<common::v1::Ground>(options.ground, "--ground"));
    stated.set_ground(ground);
  } else {
    stated.set_ground(common::v1::GROUND_AGREEMENT);  // that is limited to this reference
  }
  stated.set_facts(options.facts);
  stated.set_signal_type(options.signal_type);
  stated.set_event(options.event);
  stated.set_source_reference(options.source_reference);
  if (!options.event_day.empty()) {
    ASSIGN_OR_RETURN(*stated.mutable_event_day(), ParseDateOption(options.event_day, "--event-day"));
  }
  if (!options.objection_end.empty()) {
    ASSIGN_OR_RETURN(*stated.mutable_objection_end(),
                     ParseDateOption(options.objection_end, "--objection-end"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunCheck(Context& context, const CheckOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  consent::v1::CheckRequest request;
  *request.mutable_person() = Person(options.person);
  *request.mutable_sender() = ParseParty(options.sender.empty() ? session->institution() : options.sender);
  *request.mutable_recipient() = ParseParty(options.recipient);
  request.set_purpose(options.purpose);
  request.mutable_categories()->Assign(options.categories.begin(), options.categories.end());
  ASSIGN_OR_RETURN(const auto act, ParseEnumOption<common::v1::Act>(options.act, "--act"));
  request.set_act(act);
  RETURN_IF_ERROR(FillGround(options, request));
  request.set_recipient_desk(options.desk);
  request.set_consent_id(options.consent);
  request.set_dry_run(!options.record);
  request.set_at_least_as_fresh(options.fresh);
  request.set_exercise(options.exercise);
  if (!options.time.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_time(), ParseTimeOption(options.time, "--time"));
  }
  if (options.record) {
    request.set_request_id(RequestId(options.request_id));
    request.set_want_proof(!options.receipt.empty());
  } else if (!options.receipt.empty()) {
    return absl::InvalidArgumentError("--receipt needs --record");
  }
  ASSIGN_OR_RETURN(const auto response, session->Call<ConsentService>(&ConsentService::Stub::Check, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.proof()));
  Print(context.globals.json, response,
        CheckText(response, options.record, options.exercise) +
            (options.receipt.empty() ? "" : absl::StrCat("  proof: ", options.receipt, "\n")));
  return response.decision() == common::v1::DECISION_PERMIT ? kExitOk : kExitNotPermitted;
}

}  // namespace

void AddCheckCommand(CLI::App& app, Context& context) {
  CLI::App& verb =
      AddVerb(app, "check", "may it be given? A dry run unless --record; exit 6 when it is not permitted",
              "relais --as ville-paris/dsol check HANDLE --recipient emmaus/maraudeur --purpose "
              "SHELTER_ORIENTATION --category IDENTITY --category CONTACT");
  auto options = std::make_shared<CheckOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  verb.add_option("--sender", options->sender, "institution or institution/function; default your own");
  verb.add_option("--recipient", options->recipient, "institution or institution/function")->required();
  verb.add_option("--purpose", options->purpose, "a purpose of the directory")->required();
  AddRepeated(verb, "--category", options->categories, "a category of the directory")->required();
  verb.add_option("--act", options->act, "transmit, consult, store, share-document or host")
      ->capture_default_str();
  verb.add_option("--ground", options->ground, "the ground stated, if not an agreement");
  verb.add_option("--facts", options->facts, "what that ground stands on");
  verb.add_option("--signal-type", options->signal_type, "such as UNPAID_BILL");
  verb.add_option("--event", options->event, "such as COUPURE");
  verb.add_option("--event-day", options->event_day, "its day");
  verb.add_option("--objection-end", options->objection_end, "the last day to object");
  verb.add_option("--source-reference", options->source_reference, "the sender's reference");
  verb.add_option("--desk", options->desk, "the recipient's desk");
  verb.add_option("--consent", options->consent, "of her agreements look at this one alone");
  verb.add_flag("--record", options->record, "record it: a permit authorises one disclosure");
  verb.add_option("--time", options->time, "as of another instant; of services alone, and a dry run");
  verb.add_option("--at-least-as-fresh", options->fresh, "a revision the answer must not be older than");
  verb.add_flag("--exercise", options->exercise, "part of an exercise");
  AddOutput(verb, "--receipt", options->receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(verb, context, options, RunCheck);
}

}  // namespace relais::cli
