// `relais referent`: the référent pivot.
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/routing/v1/referent_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using routing::v1::ReferentService;

struct ReferentOptions {
  std::string person;
  std::string id;
  std::string referent;
  std::string who;
  std::string desk;
  bool agreed = false;
  bool refused = false;
  std::string why;
  std::string etag;
  std::string request_id;
};

std::string Describe(const routing::v1::Referent& referent) {
  return absl::StrCat(referent.referent_id(), "  ", EnumText(referent.state()), "\n", ToText(referent));
}

// What every change of a proposal names.
template <typename Request>
Request About(const ReferentOptions& options) {
  Request request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_referent_id(options.id);
  request.set_etag(options.etag);
  return request;
}

template <typename Request, typename Response>
absl::StatusOr<int> Change(Context& context, const Request& request,
                           grpc::Status (ReferentService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                         Response*)) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const Response response, session->Call<ReferentService>(method, request));
  Print(context.globals.json, response, Describe(response.referent()));
  return kExitOk;
}

absl::StatusOr<int> RunPropose(Context& context, const ReferentOptions& options) {
  routing::v1::ProposeRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  *request.mutable_referent() = ParseParty(options.referent);
  request.set_agent(options.who);
  request.set_desk(options.desk);
  return Change(context, request, &ReferentService::Stub::Propose);
}

absl::StatusOr<int> RunDecide(Context& context, const ReferentOptions& options) {
  if (options.agreed == options.refused) {
    return absl::InvalidArgumentError("say either --agreed or --refused");
  }
  auto request = About<routing::v1::RecordPersonDecisionRequest>(options);
  request.set_agreed(options.agreed);
  return Change(context, request, &ReferentService::Stub::RecordPersonDecision);
}

absl::StatusOr<int> RunAccept(Context& context, const ReferentOptions& options) {
  return Change(context, About<routing::v1::AcceptRequest>(options), &ReferentService::Stub::Accept);
}

absl::StatusOr<int> RunDecline(Context& context, const ReferentOptions& options) {
  return Change(context, About<routing::v1::DeclineRequest>(options), &ReferentService::Stub::Decline);
}

absl::StatusOr<int> RunEnd(Context& context, const ReferentOptions& options) {
  auto request = About<routing::v1::EndRequest>(options);
  request.set_reason(options.why);
  return Change(context, request, &ReferentService::Stub::End);
}

absl::StatusOr<int> RunShow(Context& context, const ReferentOptions& options) {
  routing::v1::GetReferentRequest request;
  *request.mutable_person() = Person(options.person);
  return Change(context, request, &ReferentService::Stub::GetReferent);
}

// A verb about one proposal.
CLI::App& AddChange(CLI::App& noun, const std::string& name, const std::string& description,
                    const std::string& example, ReferentOptions& options) {
  CLI::App& verb = AddVerb(noun, name, description, example);
  verb.add_option("person", options.person, "her handle")->required();
  verb.add_option("id", options.id, "the proposal, 32 hexadecimal digits")->required();
  verb.add_option("--etag", options.etag, "the state it was read in");
  verb.add_option("--request-id", options.request_id, "repeat a request under its id");
  return verb;
}

}  // namespace

void AddReferentCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "referent", "the référent pivot: proposed, agreed to, accepted, ended");

  CLI::App& propose = AddVerb(noun, "propose", "propose a référent pivot",
                              "relais --as emmaus/maraude referent propose HANDLE --referent "
                              "ville-paris/assistant-social --who as-0042 --desk dsol-75113");
  auto propose_options = std::make_shared<ReferentOptions>();
  propose.add_option("person", propose_options->person, "her handle")->required();
  propose.add_option("--referent", propose_options->referent, "institution/function")->required();
  propose.add_option("--who", propose_options->who, "the professional's pseudonymous id there")->required();
  propose.add_option("--desk", propose_options->desk, "the desk that receives for him")->required();
  propose.add_option("--request-id", propose_options->request_id, "repeat a request under its id");
  OnRun(propose, context, propose_options, RunPropose);

  auto decide_options = std::make_shared<ReferentOptions>();
  CLI::App& decide = AddChange(
      noun, "decide",
      "record what she said to the proposal; of two who are active at once (PIVOT_CONFLICT in `show` "
      "or in a notice) whom she keeps",
      "relais --as emmaus/maraude referent decide HANDLE ID --agreed", *decide_options);
  decide.add_flag("--agreed", decide_options->agreed,
                  "she agrees; of one in a conflict: she keeps him, and the others end");
  decide.add_flag("--refused", decide_options->refused,
                  "she refuses; of one in a conflict: he ends, and the others go on");
  OnRun(decide, context, decide_options, RunDecide);

  auto accept_options = std::make_shared<ReferentOptions>();
  CLI::App& accept = AddChange(noun, "accept", "the proposed institution accepts",
                               "relais --as ville-paris/dsol referent accept HANDLE ID", *accept_options);
  OnRun(accept, context, accept_options, RunAccept);

  auto decline_options = std::make_shared<ReferentOptions>();
  CLI::App& decline = AddChange(noun, "decline", "the proposed institution declines",
                                "relais --as ville-paris/dsol referent decline HANDLE ID", *decline_options);
  OnRun(decline, context, decline_options, RunDecline);

  auto end_options = std::make_shared<ReferentOptions>();
  CLI::App& end =
      AddChange(noun, "end", "end an active référent",
                "relais --as ville-paris/dsol referent end HANDLE ID --why 'relais passé'", *end_options);
  end.add_option("--why", end_options->why, "why, in words");
  OnRun(end, context, end_options, RunEnd);

  CLI::App& show = AddVerb(noun, "show", "her référent, as far as you may know",
                           "relais --as ville-paris/dsol referent show HANDLE");
  auto show_options = std::make_shared<ReferentOptions>();
  show.add_option("person", show_options->person, "her handle")->required();
  OnRun(show, context, show_options, RunShow);
}

}  // namespace relais::cli
