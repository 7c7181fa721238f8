// `relais consent`: what she decides.
#include <cctype>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/emergency_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/consent_options.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/cli/receipt_command.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using consent::v1::ConsentService;
using consent::v1::EmergencyService;

struct ConsentOptions {
  std::string person;
  std::vector<std::string> purposes;
  std::vector<std::string> categories;
  std::vector<std::string> recipients;
  std::vector<std::string> acts;
  std::string basis = "public-task";
  bool is_explicit = false;
  std::string from;
  std::string until;
  std::string method;
  std::string notice;
  std::string language;
  std::string notice_sha256;
  std::vector<std::string> aids;
  std::string evidence;
  std::string source_reference;
  std::string consent_id;
  bool everything = false;
  std::vector<std::string> suppliers;
  std::string nom;
  std::string prenoms;
  std::string adresse;
  std::string code_postal;
  std::string recipient;
  std::string facts;
  uint32_t hours = 0;
  bool unable = false;
  bool serious = false;
  std::string receipt;
  std::string request_id;
  std::string said_by;
  std::string end;
  std::string decision;
  RepresentativeOptions representative;
};

absl::StatusOr<consent::v1::ConsentLine> LineOf(const ConsentOptions& options) {
  consent::v1::ConsentLine line;
  line.mutable_purposes()->Assign(options.purposes.begin(), options.purposes.end());
  line.mutable_categories()->Assign(options.categories.begin(), options.categories.end());
  for (const std::string& recipient : options.recipients) {
    // Kinds are written in capitals, institutions never are.
    if (!recipient.empty() && std::isupper(static_cast<unsigned char>(recipient[0])) != 0) {
      line.add_recipients()->set_kind(recipient);
    } else {
      line.add_recipients()->set_institution(recipient);
    }
  }
  for (const std::string& act : options.acts) {
    ASSIGN_OR_RETURN(const auto value, ParseEnumOption<common::v1::Act>(act, "--act"));
    line.add_acts(value);
  }
  return line;
}

bool IsEmpty(const consent::v1::ConsentLine& line) { return line.ByteSizeLong() == 0; }

// The receipt, if wanted, then the answer.
template <typename Response>
absl::StatusOr<int> Finish(Context& context, const ConsentOptions& options, const Response& response,
                           const std::string& text) {
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  const std::string receipt = options.receipt.empty()
                                  ? ""
                                  : absl::StrCat("Reçu à remettre à la personne : ", options.receipt,
                                                 "\nreceipt for the person: ", options.receipt, "\n");
  Print(context.globals.json, response,
        absl::StrCat(text, "revision ", response.written().revision(), "\n", receipt));
  return kExitOk;
}

absl::Status FillNotice(const ConsentOptions& options, consent::v1::Notice& notice) {
  ASSIGN_OR_RETURN(notice, ParseNotice(options.notice, options.language));
  if (!options.notice_sha256.empty()) {
    ASSIGN_OR_RETURN(*notice.mutable_sha256(), crypto::HexDecode(options.notice_sha256));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunRecord(Context& context, const ConsentOptions& options) {
  consent::v1::RecordConsentRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  ASSIGN_OR_RETURN(*request.add_lines(), LineOf(options));
  if (request.lines(0).acts().empty()) {
    request.mutable_lines(0)->add_acts(common::v1::ACT_TRANSMIT);
  }
  ASSIGN_OR_RETURN(const auto basis, ParseEnumOption<consent::v1::LegalBasis>(options.basis, "--basis"));
  request.set_legal_basis(basis);
  request.set_explicit_(options.is_explicit);
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_valid_from(), ParseTimeOption(options.from, "--from"));
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_valid_until(), ParseTimeOption(options.until, "--until"));
  }
  ASSIGN_OR_RETURN(const auto method, ParseEnumOption<consent::v1::Method>(options.method, "--method"));
  request.set_method(method);
  RETURN_IF_ERROR(FillNotice(options, *request.mutable_notice()));
  for (const std::string& aid : options.aids) {
    ASSIGN_OR_RETURN(const auto value, ParseEnumOption<consent::v1::Aid>(aid, "--aid"));
    request.add_aids(value);
  }
  request.set_evidence(options.evidence);
  request.set_source_reference(options.source_reference);
  if (!options.representative.kind.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_representative(), ParseRepresentative(options.representative));
  }
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::RecordConsent, request));
  return Finish(context, options, response, absl::StrCat("consent ", response.consent_id(), "\n"));
}

absl::StatusOr<int> RunRefuse(Context& context, const ConsentOptions& options) {
  consent::v1::RecordRefusalRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  ASSIGN_OR_RETURN(*request.add_lines(), LineOf(options));
  if (IsEmpty(request.lines(0)) && !options.everything) {
    return absl::InvalidArgumentError("say what she refuses, or --everything");
  }
  if (!options.method.empty()) {
    ASSIGN_OR_RETURN(const auto method, ParseEnumOption<consent::v1::Method>(options.method, "--method"));
    request.set_method(method);
  }
  ASSIGN_OR_RETURN(const auto said_by, ParseSaidBy(options.said_by));
  request.set_said_by(said_by);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::RecordRefusal, request));
  return Finish(context, options, response, absl::StrCat("refusal ", response.refusal_id(), "\n"));
}

absl::StatusOr<int> RunWithdraw(Context& context, const ConsentOptions& options) {
  consent::v1::WithdrawConsentRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_consent_id(options.consent_id);
  ASSIGN_OR_RETURN(const consent::v1::ConsentLine line, LineOf(options));
  if (!IsEmpty(line) || options.everything) {
    *request.add_lines() = line;
  } else if (options.consent_id.empty()) {
    return absl::InvalidArgumentError(
        "say what she withdraws: --consent, some of --purpose …, or --everything");
  }
  ASSIGN_OR_RETURN(const auto said_by, ParseSaidBy(options.said_by));
  request.set_said_by(said_by);
  if (!options.end.empty()) {
    ASSIGN_OR_RETURN(const auto end, ParseEnumOption<consent::v1::ConsentEnd>(options.end, "--end"));
    request.set_end(end);
    request.set_decision_reference(options.decision);
  }
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::WithdrawConsent, request));
  return Finish(
      context, options, response,
      absl::StrCat(
          "withdrawn: ", response.consent_ids().empty() ? "no agreement of this desk's was in force" : "",
          absl::StrJoin(response.consent_ids(), " "), "\nwithdrawal ", response.withdrawal_id(), "\n"));
}

void FillIdentity(const ConsentOptions& options, consent::v1::RecordIdentity& identity) {
  identity.set_nom(options.nom);
  identity.set_prenoms(options.prenoms);
  identity.set_adresse(options.adresse);
  identity.set_code_postal(options.code_postal);
}

absl::StatusOr<int> RunObject(Context& context, const ConsentOptions& options) {
  consent::v1::RecordObjectionRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.mutable_suppliers()->Assign(options.suppliers.begin(), options.suppliers.end());
  if (!options.nom.empty() || options.person.empty()) {
    FillIdentity(options, *request.mutable_identity());
  }
  if (!options.person.empty()) {
    *request.mutable_person() = Person(options.person);
  }
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::RecordObjection, request));
  return Finish(context, options, response,
                absl::StrCat("objection kept until ", ParisTime(FromProto(response.kept_until())), "\n"));
}

absl::StatusOr<int> RunLift(Context& context, const ConsentOptions& options) {
  consent::v1::LiftObjectionRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.mutable_suppliers()->Assign(options.suppliers.begin(), options.suppliers.end());
  if (!options.nom.empty() || options.person.empty()) {
    FillIdentity(options, *request.mutable_identity());
  }
  if (!options.person.empty()) {
    *request.mutable_person() = Person(options.person);
  }
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::LiftObjection, request));
  return Finish(context, options, response, "objection lifted\n");
}

absl::StatusOr<int> RunEmergency(Context& context, const ConsentOptions& options) {
  consent::v1::DeclareRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  *request.mutable_recipient() = ParseParty(options.recipient);
  request.mutable_categories()->Assign(options.categories.begin(), options.categories.end());
  request.set_facts(options.facts);
  request.set_person_unable(options.unable);
  request.set_danger_serious(options.serious);
  request.set_hours(options.hours);
  request.set_source_reference(options.source_reference);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<EmergencyService>(&EmergencyService::Stub::Declare, request));
  return Finish(context, options, response,
                absl::StrCat("emergency ", response.emergency_id(), " until ",
                             ParisTime(FromProto(response.expires())), "\n"));
}

void AddCommon(CLI::App& verb, ConsentOptions& options) {
  AddOutput(verb, "--receipt", options.receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options.request_id, "repeat a request under its id");
}

void AddLine(CLI::App& verb, ConsentOptions& options) {
  AddRepeated(verb, "--purpose", options.purposes, "a purpose of the directory");
  AddRepeated(verb, "--category", options.categories, "a category of the directory");
  AddRepeated(verb, "--recipient", options.recipients, "an institution, or a kind in capitals");
  AddRepeated(verb, "--act", options.acts, "transmit, consult, store, share-document or host");
}

void AddIdentity(CLI::App& verb, ConsentOptions& options) {
  AddRepeated(verb, "--supplier", options.suppliers, "a supplier; none: all of the directory");
  verb.add_option("--nom", options.nom, "family name, as the supplier's file has it");
  verb.add_option("--prenoms", options.prenoms, "first names");
  verb.add_option("--adresse", options.adresse, "street and number");
  verb.add_option("--code-postal", options.code_postal, "five digits");
  verb.add_option("--person", options.person, "her handle, where she is known");
}

void AddRecord(CLI::App& noun, Context& context) {
  CLI::App& verb =
      AddVerb(noun, "record", "record her agreement",
              "relais --as ville-paris/dsol consent record HANDLE --purpose SOCIAL_ASSESSMENT --category "
              "IDENTITY --recipient emmaus --method signed-paper --notice accord-partage/3 --receipt "
              "recu.json");
  auto options = std::make_shared<ConsentOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  AddLine(verb, *options);
  verb.add_option("--basis", options->basis,
                  "public-task, consent, legal-obligation, vital-interest, legitimate-interest")
      ->capture_default_str();
  verb.add_flag("--explicit", options->is_explicit, "consentement explicite: needed for special categories");
  verb.add_option("--from", options->from, "from when, RFC 3339; default now");
  verb.add_option("--until", options->until, "until when; default 12 months");
  verb.add_option("--method", options->method, "signed-paper, spoken-witnessed, electronic or spoken-on-site")
      ->required();
  verb.add_option("--notice", options->notice, "the text she was given, ID/VERSION")->required();
  verb.add_option("--notice-sha256", options->notice_sha256, "of the text, 64 hexadecimal digits");
  verb.add_option("--language", options->language, "in which it was given; default fr");
  AddRepeated(verb, "--aid", options->aids, "read-aloud, interpreter or pictograms");
  verb.add_option("--evidence", options->evidence, "your reference of the signed paper");
  verb.add_option("--source-reference", options->source_reference, "limit it to what comes from this report");
  AddRepresentative(verb, options->representative);
  AddCommon(verb, *options);
  OnRun(verb, context, options, RunRecord);
}

void AddRefuseAndWithdraw(CLI::App& noun, Context& context) {
  CLI::App& refuse = AddVerb(noun, "refuse", "record her no; a list left out means all",
                             "relais --as ville-paris/dsol consent refuse HANDLE --recipient caf");
  auto options = std::make_shared<ConsentOptions>();
  refuse.add_option("person", options->person, "her handle")->required();
  AddLine(refuse, *options);
  refuse.add_flag("--everything", options->everything, "she refuses everything");
  refuse.add_option("--method", options->method, "how she said it");
  refuse.add_option("--said-by", options->said_by,
                    "who said it for her, such as one-parent; none: she herself");
  AddCommon(refuse, *options);
  OnRun(refuse, context, options, RunRefuse);

  CLI::App& withdraw = AddVerb(noun, "withdraw", "end an agreement, whoever collected it",
                               "relais --as emmaus/maraude consent withdraw HANDLE --everything");
  auto withdraw_options = std::make_shared<ConsentOptions>();
  withdraw.add_option("person", withdraw_options->person, "her handle")->required();
  withdraw.add_option("--consent", withdraw_options->consent_id, "one agreement");
  AddLine(withdraw, *withdraw_options);
  withdraw.add_flag("--everything", withdraw_options->everything, "all she agreed to");
  withdraw.add_option("--said-by", withdraw_options->said_by, "who said it for her; none: she herself");
  withdraw.add_option(
      "--end", withdraw_options->end,
      "terminated (by you, who collected it) or invalidated (by an authority): no word of hers");
  withdraw.add_option("--decision", withdraw_options->decision,
                      "the authority's decision, with --end invalidated");
  AddCommon(withdraw, *withdraw_options);
  OnRun(withdraw, context, withdraw_options, RunWithdraw);
}

void AddObjections(CLI::App& noun, Context& context) {
  CLI::App& object =
      AddVerb(noun, "object", "record her objection to what suppliers may otherwise transmit",
              "relais --as ville-paris/dsol consent object --supplier edf --nom MARTIN --prenoms JEANNE "
              "--adresse '12 bd de l Hopital' --code-postal 75013");
  auto options = std::make_shared<ConsentOptions>();
  AddIdentity(object, *options);
  AddCommon(object, *options);
  OnRun(object, context, options, RunObject);

  CLI::App& lift =
      AddVerb(noun, "lift", "lift her objection, at her word",
              "relais --as ville-paris/dsol consent lift --supplier edf --nom MARTIN --prenoms JEANNE "
              "--adresse '12 bd de l Hopital' --code-postal 75013");
  auto lift_options = std::make_shared<ConsentOptions>();
  AddIdentity(lift, *lift_options);
  lift.get_option("--supplier")->required()->description("a supplier");
  AddCommon(lift, *lift_options);
  OnRun(lift, context, lift_options, RunLift);
}

void AddEmergency(CLI::App& noun, Context& context) {
  CLI::App& verb =
      AddVerb(noun, "emergency", "declare that a vital interest is at stake and she is unable to say",
              "relais --as samusocial/115 consent emergency HANDLE --recipient aphp --category HEALTH "
              "--facts 'trouvée inconsciente' --unable --serious --hours 24");
  auto options = std::make_shared<ConsentOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  verb.add_option("--recipient", options->recipient, "the one recipient: institution or institution/function")
      ->required();
  AddRepeated(verb, "--category", options->categories, "what it needs")->required();
  verb.add_option("--facts", options->facts, "why: facts, not judgements")->required();
  verb.add_flag("--unable", options->unable, "she was unable to say");
  verb.add_flag("--serious", options->serious, "the danger is serious");
  verb.add_option("--hours", options->hours, "1 to 72; default 72");
  verb.add_option("--source-reference", options->source_reference, "the report it comes from");
  AddCommon(verb, *options);
  OnRun(verb, context, options, RunEmergency);
}

}  // namespace

void AddConsentCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "consent", "agreements, refusals, withdrawals, objections, emergencies");
  AddRecord(noun, context);
  AddRefuseAndWithdraw(noun, context);
  AddObjections(noun, context);
  AddEmergency(noun, context);
  AddConsentFollowUp(noun, context);
  AddConsentReceipt(noun, context);
}

}  // namespace relais::cli
