// `relais person`: who may be one human with whom, for stewards.
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/person_verbs.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using consent::v1::PersonService;

struct LinkOptions {
  std::string handle;
  std::string other;
  std::string id;
  uint32_t page_size = 0;
  std::string page_token;
  std::string receipt;
  std::string request_id;
};

std::string CandidateText(const consent::v1::Candidate& candidate) {
  const consent::v1::RecordComparison& the = candidate.comparison();
  std::string text =
      absl::StrCat(candidate.candidate_id(), "\n  surname ", EnumText(the.surname()), ", first names ",
                   EnumText(the.first_names()), ", birth date ", EnumText(the.birth_date()), ", birthplace ",
                   EnumText(the.birthplace()), ", phone ", EnumText(the.phone()), ", address ",
                   EnumText(the.address()), ", identifiers ", EnumText(the.identifiers()), "\n");
  for (const consent::v1::CandidateSide& side : candidate.sides()) {
    absl::StrAppend(&text, side.own_mandate() ? absl::StrCat("  yours: ", side.person().handle(), " ",
                                                             side.own_identifier(), "\n")
                                              : "  another institution's\n");
  }
  return text;
}

std::string ImpactText(const consent::v1::LinkImpact& impact) {
  std::string text = absl::StrCat(impact.link_id(), " ", EnumText(impact.cause()), ", ",
                                  impact.disclosures_total(), " disclosures\n");
  for (const consent::v1::LinkedDisclosure& disclosure : impact.disclosures()) {
    absl::StrAppend(&text, "  ", disclosure.sender().institution(), " → ",
                    disclosure.recipient().institution(), " ", disclosure.purpose(), " leaf ",
                    disclosure.leaf_index(), "\n");
  }
  return text;
}

absl::StatusOr<int> RunCandidates(Context& context, const LinkOptions& options) {
  consent::v1::ListCandidatesRequest request;
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::ListCandidates, request));
  std::string text;
  for (const consent::v1::Candidate& candidate : response.candidates()) {
    text += CandidateText(candidate);
  }
  if (!response.next_page_token().empty()) {
    absl::StrAppend(&text, "more: --page-token ", response.next_page_token(), "\n");
  }
  Print(context.globals.json, response, text);
  return kExitOk;
}

absl::StatusOr<int> RunConfirm(Context& context, const LinkOptions& options) {
  consent::v1::ConfirmMatchRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_candidate_id(options.id);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::ConfirmMatch, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.link_id() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunReject(Context& context, const LinkOptions& options) {
  consent::v1::RejectMatchRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_candidate_id(options.id);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::RejectMatch, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.written().revision() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunMerge(Context& context, const LinkOptions& options) {
  consent::v1::MergeRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.handle);
  *request.mutable_other() = Person(options.other);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<PersonService>(&PersonService::Stub::Merge, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.link_id() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunSplit(Context& context, const LinkOptions& options) {
  consent::v1::SplitRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_link_id(options.id);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<PersonService>(&PersonService::Stub::Split, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, ImpactText(response.impact()));
  return kExitOk;
}

absl::StatusOr<int> RunImpact(Context& context, const LinkOptions& options) {
  if (options.handle.empty() == options.id.empty()) {
    return absl::InvalidArgumentError("give either a handle or --link");
  }
  consent::v1::GetLinkImpactRequest request;
  if (options.id.empty()) {
    *request.mutable_person() = Person(options.handle);
  } else {
    request.set_link_id(options.id);
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::GetLinkImpact, request));
  std::string text;
  for (const consent::v1::LinkImpact& impact : response.links()) {
    text += ImpactText(impact);
  }
  Print(context.globals.json, response, text);
  return kExitOk;
}

void AddReceipt(CLI::App& verb, LinkOptions& options) {
  AddOutput(verb, "--receipt", options.receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options.request_id, "repeat a request under its id");
}

void AddCandidates(CLI::App& noun, Context& context) {
  CLI::App& list = AddVerb(noun, "candidates", "pairs of persons who may be one (stewards)",
                           "relais --as ville-paris/steward --reason 'revue du mois' person candidates");
  auto listed = std::make_shared<LinkOptions>();
  list.add_option("--page-size", listed->page_size, "at most this many");
  list.add_option("--page-token", listed->page_token, "where the last page ended");
  OnRun(list, context, listed, RunCandidates);

  CLI::App& confirm = AddVerb(noun, "confirm-match", "they are one: links them; prints the link's id",
                              "relais --as ville-paris/steward --reason 'même CNI' person confirm-match "
                              "5f0c…");
  auto confirmed = std::make_shared<LinkOptions>();
  confirm.add_option("candidate", confirmed->id, "as `relais person candidates` prints it")->required();
  AddReceipt(confirm, *confirmed);
  OnRun(confirm, context, confirmed, RunConfirm);

  CLI::App& reject =
      AddVerb(noun, "reject-match", "they are two: never proposed again",
              "relais --as ville-paris/steward --reason 'deux sœurs' person reject-match 5f0c…");
  auto rejected = std::make_shared<LinkOptions>();
  reject.add_option("candidate", rejected->id, "as `relais person candidates` prints it")->required();
  AddReceipt(reject, *rejected);
  OnRun(reject, context, rejected, RunReject);
}

}  // namespace

void AddPersonLinks(CLI::App& noun, Context& context) {
  AddCandidates(noun, context);

  CLI::App& merge =
      AddVerb(noun, "merge", "link two of your records as one person; prints the link's id",
              "relais --as ville-paris/steward --reason doublon person merge rh1_AAE… rh1_AAE…");
  auto merged = std::make_shared<LinkOptions>();
  merge.add_option("handle", merged->handle, "one")->required();
  merge.add_option("other", merged->other, "the other")->required();
  AddReceipt(merge, *merged);
  OnRun(merge, context, merged, RunMerge);

  CLI::App& split = AddVerb(noun, "split", "undo a link; prints what was disclosed under it",
                            "relais --as ville-paris/steward --reason 'deux personnes' person split 77ab…");
  auto apart = std::make_shared<LinkOptions>();
  split.add_option("link", apart->id, "the link's id")->required();
  AddReceipt(split, *apart);
  OnRun(split, context, apart, RunSplit);

  CLI::App& impact =
      AddVerb(noun, "link-impact", "the links of a person and what was disclosed under them",
              "relais --as ville-paris/steward --reason réclamation person link-impact rh1_AAE…");
  auto looked = std::make_shared<LinkOptions>();
  impact.add_option("handle", looked->handle, "her handle");
  impact.add_option("--link", looked->id, "that link alone");
  OnRun(impact, context, looked, RunImpact);
}

}  // namespace relais::cli
