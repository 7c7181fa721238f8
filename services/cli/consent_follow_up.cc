// `relais consent`: what comes after an agreement.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/emergency_service.grpc.pb.h"
#include "services/cli/consent_options.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using consent::v1::ConsentService;
using consent::v1::EmergencyService;

constexpr size_t kMostNoticeBytes = 200'000;

struct FollowUpOptions {
  std::string person;
  std::string id;
  std::string etag;
  std::string until;
  std::string method;
  std::string notice;
  std::string language;
  std::vector<std::string> aids;
  std::string evidence;
  RepresentativeOptions representative;
  std::string occasion;
  std::vector<std::string> purposes;
  std::vector<std::string> categories;
  std::vector<std::string> recipients;
  std::string emergency;
  std::string outcome;
  std::string reasons;
  std::string kind;
  std::string file;
  bool overdue = false;
  uint32_t page_size = 0;
  std::string page_token;
  std::string receipt;
  std::string request_id;
};

std::string More(const std::string& token) {
  return token.empty() ? "" : absl::StrCat("more: --page-token ", token, "\n");
}

absl::StatusOr<int> RunRenew(Context& context, const FollowUpOptions& options) {
  consent::v1::RenewConsentRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_consent_id(options.id);
  request.set_etag(options.etag);
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_valid_until(), ParseTimeOption(options.until, "--until"));
  }
  ASSIGN_OR_RETURN(const auto method, ParseEnumOption<consent::v1::Method>(options.method, "--method"));
  request.set_method(method);
  ASSIGN_OR_RETURN(*request.mutable_notice(), ParseNotice(options.notice, options.language));
  for (const std::string& aid : options.aids) {
    ASSIGN_OR_RETURN(const auto value, ParseEnumOption<consent::v1::Aid>(aid, "--aid"));
    request.add_aids(value);
  }
  request.set_evidence(options.evidence);
  if (!options.representative.kind.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_representative(), ParseRepresentative(options.representative));
  }
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::RenewConsent, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response,
        absl::StrCat("renewed until ", ParisTime(FromProto(response.valid_until())), "\nrevision ",
                     response.written().revision(), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunShow(Context& context, const FollowUpOptions& options) {
  consent::v1::GetConsentRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_consent_id(options.id);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::GetConsent, request));
  Print(context.globals.json, response, ToText(response.consent()));
  return kExitOk;
}

std::string WhoText(const consent::v1::Consent& consent) {
  std::vector<std::string> names;
  for (const consent::v1::ConsentLine& line : consent.lines()) {
    for (const consent::v1::Recipient& recipient : line.recipients()) {
      names.push_back(recipient.institution().empty() ? recipient.kind() : recipient.institution());
    }
  }
  return absl::StrJoin(names, ",");
}

absl::StatusOr<int> RunList(Context& context, const FollowUpOptions& options) {
  consent::v1::ListConsentsRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::ListConsents, request));
  std::vector<std::vector<std::string>> rows = {{"CONSENT", "STATE", "UNTIL", "RECIPIENTS", "BY"}};
  for (const consent::v1::Consent& consent : response.consents()) {
    rows.push_back({consent.consent_id(), EnumText(consent.state()),
                    ParisTime(FromProto(consent.valid_until())), WhoText(consent),
                    consent.has_representative() ? EnumText(consent.representative().kind()) : "HERSELF"});
  }
  Print(context.globals.json, response,
        (rows.size() == 1 ? "no agreement\n" : Table(rows)) + More(response.next_page_token()));
  return kExitOk;
}

absl::StatusOr<int> RunInform(Context& context, const FollowUpOptions& options) {
  consent::v1::RecordInformationRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  ASSIGN_OR_RETURN(const auto occasion,
                   ParseEnumOption<consent::v1::InformationOccasion>(options.occasion, "--occasion"));
  request.set_occasion(occasion);
  if (!options.purposes.empty() || !options.categories.empty() || !options.recipients.empty()) {
    consent::v1::ConsentLine* line = request.add_lines();
    line->mutable_purposes()->Assign(options.purposes.begin(), options.purposes.end());
    line->mutable_categories()->Assign(options.categories.begin(), options.categories.end());
    for (const std::string& recipient : options.recipients) {
      line->add_recipients()->set_institution(recipient);
    }
  }
  request.set_emergency_id(options.emergency);
  if (!options.notice.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_notice(), ParseNotice(options.notice, options.language));
  }
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::RecordInformation, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response,
        absl::StrCat("information ", response.information_id(), ", duties met: ", response.duties_met(),
                     "\nrevision ", response.written().revision(), "\n"));
  return kExitOk;
}

std::string ErasureText(const consent::v1::WithdrawnRecipient& recipient) {
  if (!recipient.has_erasure_asked()) {
    return "-";
  }
  return recipient.has_erasure_answered() ? absl::StrCat(EnumText(recipient.erasure_outcome()), " ",
                                                         ParisTime(FromProto(recipient.erasure_answered())))
                                          : "asked, no answer";
}

absl::StatusOr<int> RunWithdrawal(Context& context, const FollowUpOptions& options) {
  consent::v1::GetWithdrawalStatusRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_withdrawal_id(options.id);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::GetWithdrawalStatus, request));
  std::vector<std::vector<std::string>> rows = {
      {"INSTITUTION", "PERMITS", "LAST PERMIT", "DELIVERED", "PULLED BACK", "ERASURE"}};
  for (const consent::v1::WithdrawnRecipient& recipient : response.recipients()) {
    rows.push_back({recipient.institution(), absl::StrCat(recipient.permits()),
                    ParisTime(FromProto(recipient.last_permit())), absl::StrCat(recipient.delivered()),
                    absl::StrCat(recipient.pulled_back()), ErasureText(recipient)});
  }
  Print(context.globals.json, response,
        absl::StrCat("withdrawn ", ParisTime(FromProto(response.withdrawn())), "\n",
                     rows.size() == 1 ? "nobody was permitted anything on it\n" : Table(rows),
                     response.routing_known() ? "" : "messages: not known up to now\n"));
  return kExitOk;
}

// What the next verb is given: the notice, or the emergency.
std::string WhatFor(const consent::v1::Duty& duty) {
  if (!duty.notice_id().empty()) {
    std::vector<std::string> items;
    for (const consent::v1::ErasureItem& item : duty.erase()) {
      items.push_back(absl::StrCat(item.purpose(), ": ", absl::StrJoin(item.categories(), ",")));
    }
    if (duty.has_rectify()) {
      items.push_back(
          absl::StrCat(duty.rectify().institution(), ": ", absl::StrJoin(duty.rectify().fields(), ",")));
    }
    return absl::StrCat("notice ", duty.notice_id(), " (", absl::StrJoin(items, "; "), ")");
  }
  return duty.emergency_id().empty() ? "-" : absl::StrCat("emergency ", duty.emergency_id());
}

// To a notice: of one kind as of the other.
template <typename Outcome, typename Request, typename Response>
absl::StatusOr<int> AnswerNotice(Context& context, const FollowUpOptions& options,
                                 grpc::Status (ConsentService::Stub::*method)(grpc::ClientContext*,
                                                                              const Request&, Response*)) {
  Request request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_notice_id(options.id);
  ASSIGN_OR_RETURN(const auto outcome, ParseEnumOption<Outcome>(options.outcome, "--outcome"));
  request.set_outcome(outcome);
  request.set_reasons(options.reasons);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<ConsentService>(method, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response,
        absl::StrCat("answered: ", EnumText(outcome), "\nrevision ", response.written().revision(), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunErased(Context& context, const FollowUpOptions& options) {
  return AnswerNotice<consent::v1::ErasureOutcome>(context, options,
                                                   &ConsentService::Stub::AnswerErasureNotice);
}

absl::StatusOr<int> RunRectified(Context& context, const FollowUpOptions& options) {
  return AnswerNotice<consent::v1::RectificationOutcome>(context, options,
                                                         &ConsentService::Stub::AnswerRectificationNotice);
}

absl::StatusOr<int> RunObligations(Context& context, const FollowUpOptions& options) {
  consent::v1::ListObligationsRequest request;
  request.set_overdue_only(options.overdue);
  if (!options.kind.empty()) {
    ASSIGN_OR_RETURN(const auto kind, ParseEnumOption<consent::v1::DutyKind>(options.kind, "--kind"));
    request.set_kind(kind);
  }
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::ListObligations, request));
  std::vector<std::vector<std::string>> rows = {{"DUTY", "DUE", "OVERDUE", "PERSON", "OF"}};
  for (const consent::v1::Duty& duty : response.obligations()) {
    rows.push_back({EnumText(duty.kind()), ParisTime(FromProto(duty.due())), duty.overdue() ? "yes" : "no",
                    duty.person().handle(), WhatFor(duty)});
  }
  Print(context.globals.json, response,
        (rows.size() == 1 ? "nothing is owed\n" : Table(rows)) + More(response.next_page_token()));
  return kExitOk;
}

absl::StatusOr<int> RunReview(Context& context, const FollowUpOptions& options) {
  consent::v1::ReviewRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_emergency_id(options.id);
  ASSIGN_OR_RETURN(const auto outcome,
                   ParseEnumOption<consent::v1::ReviewOutcome>(options.outcome, "--outcome"));
  request.set_outcome(outcome);
  request.set_reasons(options.reasons);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<EmergencyService>(&EmergencyService::Stub::Review, request));
  Print(context.globals.json, response,
        absl::StrCat("reviewed: ", EnumText(outcome), "\n",
                     outcome == consent::v1::REVIEW_OUTCOME_NOT_JUSTIFIED
                         ? "Effacez ce qui a été reçu et informez la personne.\n"
                           "erase what was received and tell the person\n"
                         : "",
                     "revision ", response.written().revision(), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunPending(Context& context, const FollowUpOptions& options) {
  consent::v1::ListPendingRequest request;
  request.set_overdue_only(options.overdue);
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<EmergencyService>(&EmergencyService::Stub::ListPending, request));
  std::vector<std::vector<std::string>> rows = {{"EMERGENCY", "DUE", "ESCALATED", "DECLARED BY", "PERSON"}};
  for (const consent::v1::PendingReview& pending : response.pending()) {
    rows.push_back({pending.emergency_id(), ParisTime(FromProto(pending.due())),
                    pending.escalated() ? "yes" : "no", pending.declared_by(), pending.person().handle()});
  }
  Print(context.globals.json, response,
        (rows.size() == 1 ? "no emergency waits\n" : Table(rows)) + More(response.next_page_token()));
  return kExitOk;
}

absl::StatusOr<int> RunNotice(Context& context, const FollowUpOptions& options) {
  ASSIGN_OR_RETURN(const consent::v1::Notice name, ParseNotice(options.notice, options.language));
  consent::v1::GetNoticeRequest request;
  request.set_id(name.id());
  request.set_version(name.version());
  request.set_language(name.language());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::GetNotice, request));
  Print(context.globals.json, response,
        absl::StrCat("sha256 ", crypto::HexEncode(response.notice().sha256()), "\n\n",
                     Printable(response.text()), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunRegisterNotice(Context& context, const FollowUpOptions& options) {
  ASSIGN_OR_RETURN(const consent::v1::Notice name, ParseNotice(options.notice, options.language));
  consent::v1::RegisterNoticeRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_id(name.id());
  request.set_version(name.version());
  request.set_language(name.language());
  ASSIGN_OR_RETURN(*request.mutable_text(), ReadInput(options.file, kMostNoticeBytes));
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::RegisterNotice, request));
  Print(context.globals.json, response,
        absl::StrCat("notice ", response.notice().id(), "/", response.notice().version(), " ",
                     response.notice().language(), "\nsha256 ", crypto::HexEncode(response.notice().sha256()),
                     "\n"));
  return kExitOk;
}

constexpr char kId[] = "32 hexadecimal digits";

void AddPages(CLI::App& verb, FollowUpOptions& options) {
  verb.add_option("--page-size", options.page_size, "default 50, most 1000");
  verb.add_option("--page-token", options.page_token, "from the previous page");
}

void AddNoticeWords(CLI::App& verb, FollowUpOptions& options) {
  verb.add_option("--notice", options.notice, "the text she was given, ID/VERSION");
  verb.add_option("--language", options.language, "in which it was given; default fr");
}

void AddRenewal(CLI::App& noun, Context& context) {
  CLI::App& verb =
      AddVerb(noun, "renew", "prolong an agreement at her word: the same lines",
              "relais --as ville-paris/dsol consent renew HANDLE 0123456789abcdef0123456789abcdef "
              "--method signed-paper --notice accord-partage/3");
  auto options = std::make_shared<FollowUpOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  verb.add_option("consent", options->id, kId)->required();
  verb.add_option("--etag", options->etag, "the state it was read in");
  verb.add_option("--until", options->until, "until when, RFC 3339; default 12 months from now");
  verb.add_option("--method", options->method, "signed-paper, spoken-witnessed or electronic")->required();
  AddNoticeWords(verb, *options);
  AddRepeated(verb, "--aid", options->aids, "read-aloud, interpreter or pictograms");
  verb.add_option("--evidence", options->evidence, "your reference of the signed paper");
  AddRepresentative(verb, options->representative);
  AddOutput(verb, "--receipt", options->receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(verb, context, options, RunRenew);
}

void AddReading(CLI::App& noun, Context& context) {
  CLI::App& show =
      AddVerb(noun, "show", "one agreement that you collected, with its state and renewals",
              "relais --as ville-paris/dsol consent show HANDLE 0123456789abcdef0123456789abcdef");
  auto show_options = std::make_shared<FollowUpOptions>();
  show.add_option("person", show_options->person, "her handle")->required();
  show.add_option("consent", show_options->id, kId)->required();
  OnRun(show, context, show_options, RunShow);

  CLI::App& list = AddVerb(noun, "list", "her agreements that you collected",
                           "relais --as ville-paris/dsol consent list HANDLE");
  auto list_options = std::make_shared<FollowUpOptions>();
  list.add_option("person", list_options->person, "her handle")->required();
  AddPages(list, *list_options);
  OnRun(list, context, list_options, RunList);

  CLI::App& status = AddVerb(
      noun, "withdrawal", "who had permits on what a withdrawal took back, for the desk that recorded it",
      "relais --as ville-paris/dsol consent withdrawal HANDLE 0123456789abcdef0123456789abcdef");
  auto status_options = std::make_shared<FollowUpOptions>();
  status.add_option("person", status_options->person, "her handle")->required();
  status.add_option("withdrawal", status_options->id, "as `consent withdraw` printed it")->required();
  OnRun(status, context, status_options, RunWithdrawal);
}

void AddDuties(CLI::App& noun, Context& context) {
  CLI::App& inform =
      AddVerb(noun, "inform", "record that she was told: beforehand, after-emergency or first-contact",
              "relais --as ville-paris/dsol consent inform HANDLE --occasion beforehand --purpose "
              "SOCIAL_ASSESSMENT --category IDENTITY --recipient emmaus");
  auto options = std::make_shared<FollowUpOptions>();
  inform.add_option("person", options->person, "her handle")->required();
  inform.add_option("--occasion", options->occasion, "beforehand, after-emergency or first-contact")
      ->required();
  AddRepeated(inform, "--purpose", options->purposes, "beforehand: for what");
  AddRepeated(inform, "--category", options->categories, "beforehand: what is shared");
  AddRepeated(inform, "--recipient", options->recipients, "beforehand: with which institution");
  inform.add_option("--emergency", options->emergency, "after an emergency: which");
  AddNoticeWords(inform, *options);
  AddOutput(inform, "--receipt", options->receipt, "write the proof here, as a JSON receipt");
  inform.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(inform, context, options, RunInform);

  const auto add_answer = [&](const char* verb, const char* what, const char* example, const char* outcomes,
                              auto run) {
    CLI::App& answer = AddVerb(noun, verb, what, example);
    auto answer_options = std::make_shared<FollowUpOptions>();
    answer.add_option("person", answer_options->person, "her handle")->required();
    answer.add_option("notice", answer_options->id, kId)->required();
    answer.add_option("--outcome", answer_options->outcome, outcomes)->required();
    answer.add_option("--reasons", answer_options->reasons, "of what is kept: on which ground");
    AddOutput(answer, "--receipt", answer_options->receipt, "write the proof here, as a JSON receipt");
    answer.add_option("--request-id", answer_options->request_id, "repeat a request under its id");
    OnRun(answer, context, answer_options, run);
  };
  add_answer("erased", "answer a notice to erase, listed by `consent obligations`",
             "relais --as caf/droits consent erased HANDLE 0123456789abcdef0123456789abcdef --outcome erased",
             "erased, kept or not-held", RunErased);
  add_answer("rectified", "answer a notice of a rectification, listed by `consent obligations`",
             "relais --as caf/droits consent rectified HANDLE 0123456789abcdef0123456789abcdef --outcome "
             "rectified",
             "rectified, kept or not-held", RunRectified);

  CLI::App& duties =
      AddVerb(noun, "obligations", "what your institution still owes: information, reviews, answers",
              "relais --as ville-paris/dsol consent obligations --overdue");
  auto duties_options = std::make_shared<FollowUpOptions>();
  duties.add_flag("--overdue", duties_options->overdue, "only those past due");
  duties.add_option("--kind", duties_options->kind,
                    "inform-first-contact, review-emergency, inform-after-emergency, answer-erasure or "
                    "answer-rectification");
  AddPages(duties, *duties_options);
  OnRun(duties, context, duties_options, RunObligations);
}

void AddReviews(CLI::App& noun, Context& context) {
  CLI::App& pending = AddVerb(noun, "pending", "emergencies you received and nobody has judged",
                              "relais --as aphp/pass consent pending");
  auto pending_options = std::make_shared<FollowUpOptions>();
  pending.add_flag("--overdue", pending_options->overdue, "only those past due");
  AddPages(pending, *pending_options);
  OnRun(pending, context, pending_options, RunPending);

  CLI::App& review = AddVerb(
      noun, "review", "judge an emergency that you received and did not declare yourself",
      "relais --as aphp/pass consent review HANDLE 0123456789abcdef0123456789abcdef --outcome justified "
      "--reasons 'vue au service, inconsciente'");
  auto options = std::make_shared<FollowUpOptions>();
  review.add_option("person", options->person, "her handle")->required();
  review.add_option("emergency", options->id, kId)->required();
  review.add_option("--outcome", options->outcome, "justified or not-justified")->required();
  review.add_option("--reasons", options->reasons, "why: facts, not judgements")->required();
  review.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(review, context, options, RunReview);
}

void AddNotices(CLI::App& noun, Context& context) {
  CLI::App& show = AddVerb(noun, "notice", "the exact text of a notice and its SHA-256",
                           "relais --as ville-paris/dsol consent notice accord-partage/3");
  auto show_options = std::make_shared<FollowUpOptions>();
  show.add_option("notice", show_options->notice, "ID/VERSION")->required();
  show.add_option("--language", show_options->language, "default fr");
  OnRun(show, context, show_options, RunNotice);

  CLI::App& put =
      AddVerb(noun, "register-notice", "put a notice's text into the register, for ever",
              "relais --as ville-paris/steward consent register-notice accord-partage/3 accord.txt");
  auto put_options = std::make_shared<FollowUpOptions>();
  put.add_option("notice", put_options->notice, "ID/VERSION")->required();
  put.add_option("file", put_options->file, "the text, UTF-8, exactly as persons are given it")->required();
  put.add_option("--language", put_options->language, "default fr");
  put.add_option("--request-id", put_options->request_id, "repeat a request under its id");
  OnRun(put, context, put_options, RunRegisterNotice);
}

}  // namespace

void AddConsentFollowUp(CLI::App& noun, Context& context) {
  AddRenewal(noun, context);
  AddReading(noun, context);
  AddDuties(noun, context);
  AddReviews(noun, context);
  AddNotices(noun, context);
}

}  // namespace relais::cli
