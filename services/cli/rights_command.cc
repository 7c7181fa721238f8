// `relais rights`: her requests under RGPD art. 12 to 21, and what the registry can do about them.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/pki/file.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/rights_service.grpc.pb.h"
#include "services/cli/archive_pages.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using consent::v1::ConsentService;
using consent::v1::RightsService;

constexpr mode_t kPrivate = 0600;

struct RightsOptions {
  std::string person;
  std::string rights_id;
  std::string right;
  std::string received;
  std::string reference;
  std::string outcome;
  std::string reasons;
  std::string informed_on;
  std::string surname;
  std::string first_names;
  std::string birth_date;
  std::string birthplace;
  std::string phone;
  std::string address;
  std::string postal_code;
  std::string town;
  std::vector<std::string> clear;
  std::string output;
  std::string receipt;
  std::string request_id;
  std::string keep_until;
  uint64_t leaf_index = 0;
  bool due_only = false;
  bool show = false;
};

template <typename Request>
Request About(const RightsOptions& options) {
  Request request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_want_proof(!options.receipt.empty());
  return request;
}

std::string LineOf(const consent::v1::RightsRequest& request) {
  return absl::StrCat(request.rights_id(), " ", EnumText(request.right()), " ", EnumText(request.status()),
                      " received ", DayText(request.received()), " due ", DayText(request.due()), "\n");
}

absl::StatusOr<int> RunOpen(Context& context, const RightsOptions& options) {
  auto request = About<consent::v1::OpenRequest>(options);
  ASSIGN_OR_RETURN(const auto right, ParseEnumOption<consent::v1::Right>(options.right, "--right"));
  request.set_right(right);
  if (!options.received.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_received(), ParseDateOption(options.received, "--received"));
  }
  request.set_reference(options.reference);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<RightsService>(&RightsService::Stub::Open, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, LineOf(response.request()));
  return kExitOk;
}

absl::StatusOr<int> RunAnswer(Context& context, const RightsOptions& options) {
  auto request = About<consent::v1::AnswerRequest>(options);
  request.set_rights_id(options.rights_id);
  ASSIGN_OR_RETURN(const auto outcome,
                   ParseEnumOption<consent::v1::RightsOutcome>(options.outcome, "--outcome"));
  request.set_outcome(outcome);
  request.set_reasons(options.reasons);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<RightsService>(&RightsService::Stub::Answer, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, LineOf(response.request()));
  return kExitOk;
}

absl::StatusOr<int> RunRectify(Context& context, const RightsOptions& options) {
  auto request = About<consent::v1::RectifyRequest>(options);
  consent::v1::Traits& traits = *request.mutable_traits();
  traits.set_surname(options.surname);
  traits.set_first_names(options.first_names);
  if (!options.birth_date.empty()) {
    ASSIGN_OR_RETURN(*traits.mutable_birth_date(), ParseDateOption(options.birth_date, "--birth-date"));
  }
  traits.set_birthplace(options.birthplace);
  traits.set_phone(options.phone);
  traits.set_address(options.address);
  traits.set_postal_code(options.postal_code);
  traits.set_town(options.town);
  request.mutable_clear()->Assign(options.clear.begin(), options.clear.end());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<RightsService>(&RightsService::Stub::Rectify, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response,
        absl::StrCat(
            "changed: ", response.changed().empty() ? "nothing" : absl::StrJoin(response.changed(), " "),
            "\nto tell: ", response.to_tell().empty() ? "nobody" : absl::StrJoin(response.to_tell(), " "),
            "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunRestrict(Context& context, const RightsOptions& options) {
  const auto request = About<consent::v1::RestrictRequest>(options);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<RightsService>(&RightsService::Stub::Restrict, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, absl::StrCat("restricted ", response.restriction_id(), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunUnrestrict(Context& context, const RightsOptions& options) {
  auto request = About<consent::v1::UnrestrictRequest>(options);
  ASSIGN_OR_RETURN(*request.mutable_informed_on(), ParseDateOption(options.informed_on, "--informed-on"));
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<RightsService>(&RightsService::Stub::Unrestrict, request));
  Print(context.globals.json, response, absl::StrCat("unrestricted ", response.restriction_id(), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunExport(Context& context, const RightsOptions& options) {
  consent::v1::ExportRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_rights_id(options.rights_id);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  consent::v1::ExportResponse response;
  std::vector<std::string> pages;
  do {
    ASSIGN_OR_RETURN(response, session->Call<RightsService>(&RightsService::Stub::Export, request));
    pages.push_back(response.archive_json());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  ASSIGN_OR_RETURN(*response.mutable_archive_json(), JoinArchivePages(pages));
  if (options.output.empty()) {
    Print(context.globals.json, response, Printable(response.archive_json()));
    return kExitOk;
  }
  RETURN_IF_ERROR(pki::WriteFileDurably(options.output, response.archive_json(), kPrivate));
  Print(context.globals.json, response, absl::StrCat("written: ", options.output, "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunOverdue(Context& context, const RightsOptions& /*options*/) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  consent::v1::ListOverdueRequest request;
  consent::v1::ListOverdueResponse all;
  do {
    ASSIGN_OR_RETURN(auto page, session->Call<RightsService>(&RightsService::Stub::ListOverdue, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  std::string text;
  for (const consent::v1::RightsRequest& each : all.requests()) {
    absl::StrAppend(&text, LineOf(each), "    ", each.person().handle(), "\n");
  }
  Print(context.globals.json, all, text.empty() ? "nothing is overdue\n" : text);
  return kExitOk;
}

absl::StatusOr<int> RunWithheld(Context& context, const RightsOptions& options) {
  consent::v1::ListWithheldRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_due_only(options.due_only);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  consent::v1::ListWithheldResponse all;
  do {
    ASSIGN_OR_RETURN(auto page, session->Call<ConsentService>(&ConsentService::Stub::ListWithheld, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    page.set_unreadable(all.unreadable() + page.unreadable());
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  std::string text;
  for (const consent::v1::WithheldEntry& entry : all.entries()) {
    absl::StrAppend(&text, entry.leaf_index(), " withheld ", DayText(entry.decided_on()), " review ",
                    DayText(entry.review_on()), entry.review_due() ? ", due" : "",
                    entry.may_show() ? "" : ", not to be shown", "\n");
  }
  absl::StrAppend(&text, text.empty() ? "nothing to review\n" : "");
  if (all.unreadable() > 0) {
    absl::StrAppend(&text, all.unreadable(), " entries of her log do not read; tell the operators\n");
  }
  Print(context.globals.json, all, text);
  return kExitOk;
}

absl::StatusOr<int> RunReview(Context& context, const RightsOptions& options) {
  consent::v1::ReviewWithheldRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_leaf_index(options.leaf_index);
  request.set_reasons(options.reasons);
  request.set_decision(options.show ? consent::v1::WITHHELD_DECISION_SHOW
                                    : consent::v1::WITHHELD_DECISION_KEEP);
  if (!options.keep_until.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_keep_until(), ParseDateOption(options.keep_until, "--keep-until"));
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::ReviewWithheld, request));
  Print(context.globals.json, response,
        options.show ? std::string("shown to her from now on\n")
                     : absl::StrCat("withheld until ", DayText(request.keep_until()), "\n"));
  return kExitOk;
}

CLI::App& AddAbout(CLI::App& noun, const std::string& name, const std::string& description,
                   const std::string& example, RightsOptions& options) {
  CLI::App& verb = AddVerb(noun, name, description, example);
  verb.add_option("person", options.person, "her handle")->required();
  return verb;
}

void AddWrite(CLI::App& verb, RightsOptions& options) {
  AddOutput(verb, "--receipt", options.receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options.request_id, "repeat a request under its id");
}

void AddRequests(CLI::App& noun, Context& context) {
  auto options = std::make_shared<RightsOptions>();
  CLI::App& open = AddAbout(
      noun, "open", "note a request of hers; it is due in a month",
      "relais --as ville-paris/dsol rights open HANDLE --right access --received 2026-11-03", *options);
  open.add_option("--right", options->right,
                  "access, rectification, erasure, restriction, portability or objection")
      ->required();
  open.add_option("--received", options->received, "the day it was received; default today");
  open.add_option("--reference", options->reference, "your own reference of it");
  AddWrite(open, *options);
  OnRun(open, context, options, RunOpen);

  auto answer_options = std::make_shared<RightsOptions>();
  CLI::App& answer =
      AddAbout(noun, "answer", "answer a request, or extend its time by two months, once",
               "relais --as ville-paris/dsol rights answer HANDLE ID --outcome refused --reasons "
               "'déjà effacé'",
               *answer_options);
  answer.add_option("id", answer_options->rights_id, "the request, 32 hexadecimal digits")->required();
  answer
      .add_option("--outcome", answer_options->outcome,
                  "granted, partly-granted, refused, taken-back or extended")
      ->required();
  answer.add_option("--reasons", answer_options->reasons, "why, unless granted whole or taken back");
  AddWrite(answer, *answer_options);
  OnRun(answer, context, answer_options, RunAnswer);

  CLI::App& overdue = AddVerb(noun, "overdue", "your institution's requests past their deadline",
                              "relais --as ville-paris/dpo rights overdue");
  OnRun(overdue, context, std::make_shared<RightsOptions>(), RunOverdue);
}

void AddRectify(CLI::App& noun, Context& context) {
  auto options = std::make_shared<RightsOptions>();
  CLI::App& verb = AddAbout(
      noun, "rectify", "change your own traits of her; says who has to be told",
      "relais --as ville-paris/dsol rights rectify HANDLE --address '3 rue Neuve' --clear phone", *options);
  verb.add_option("--surname", options->surname, "family name");
  verb.add_option("--first-names", options->first_names, "all first names");
  verb.add_option("--birth-date", options->birth_date, "2026-11-03 or 03/11/2026");
  verb.add_option("--birthplace", options->birthplace, "town or country");
  verb.add_option("--phone", options->phone, "telephone");
  verb.add_option("--address", options->address, "street and number");
  verb.add_option("--postal-code", options->postal_code, "five digits");
  verb.add_option("--town", options->town, "town");
  AddRepeated(verb, "--clear", options->clear, "a trait to empty, such as phone");
  AddWrite(verb, *options);
  OnRun(verb, context, options, RunRectify);
}

void AddWithheld(CLI::App& noun, Context& context) {
  auto list_options = std::make_shared<RightsOptions>();
  CLI::App& list =
      AddAbout(noun, "withheld", "what is withheld of her access history and is yours to review, by leaf",
               "relais --as ville-paris/dpo --reason 'revue semestrielle' rights withheld "
               "HANDLE --due",
               *list_options);
  list.add_flag("--due", list_options->due_only, "only those whose day of review has come");
  OnRun(list, context, list_options, RunWithheld);

  auto options = std::make_shared<RightsOptions>();
  CLI::App& review = AddAbout(
      noun, "review", "review an entry that is withheld: keep it back until a day, or show it to her",
      "relais --as ville-paris/dpo --reason 'revue semestrielle' rights review HANDLE 4711 "
      "--keep-until 2027-11-03 --reasons 'enquête en cours'",
      *options);
  review.add_option("leaf", options->leaf_index, "the entry, as `rights withheld` names it")->required();
  CLI::Option* keep =
      review.add_option("--keep-until", options->keep_until, "when to look at it again, 12 months at most");
  CLI::Option* show = review.add_flag("--show", options->show, "show it to her, for good")->excludes(keep);
  keep->excludes(show);
  review.add_option("--reasons", options->reasons, "why")->required();
  review.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(review, context, options, RunReview);
}

void AddOthers(CLI::App& noun, Context& context) {
  auto restrict_options = std::make_shared<RightsOptions>();
  CLI::App& restrict_verb =
      AddAbout(noun, "restrict", "keep her data and use them no more (RGPD art. 18)",
               "relais --as ville-paris/dsol rights restrict HANDLE", *restrict_options);
  AddWrite(restrict_verb, *restrict_options);
  OnRun(restrict_verb, context, restrict_options, RunRestrict);

  auto unrestrict_options = std::make_shared<RightsOptions>();
  CLI::App& unrestrict =
      AddAbout(noun, "unrestrict", "end your restriction, after she was told",
               "relais --as ville-paris/dsol --reason 'exactitude vérifiée' rights unrestrict "
               "HANDLE --informed-on 2026-11-03",
               *unrestrict_options);
  unrestrict.add_option("--informed-on", unrestrict_options->informed_on, "the day she was told")->required();
  unrestrict.add_option("--request-id", unrestrict_options->request_id, "repeat a request under its id");
  OnRun(unrestrict, context, unrestrict_options, RunUnrestrict);

  auto export_options = std::make_shared<RightsOptions>();
  CLI::App& export_verb =
      AddAbout(noun, "export", "what the registry holds about her, as plain JSON",
               "relais --as ville-paris/dsol --reason 'sa demande' rights export HANDLE ID "
               "--output export.json",
               *export_options);
  export_verb.add_option("id", export_options->rights_id, "her request for a copy")->required();
  AddOutput(export_verb, "--output", export_options->output, "write it here instead of the terminal");
  OnRun(export_verb, context, export_options, RunExport);
}

}  // namespace

void AddRightsCommands(CLI::App& app, Context& context) {
  CLI::App& noun =
      AddNoun(app, "rights", "her rights: access, rectification, restriction, export, deadlines");
  AddRequests(noun, context);
  AddRectify(noun, context);
  AddWithheld(noun, context);
  AddOthers(noun, context);
}

}  // namespace relais::cli
