// `relais document`: the papers of her vault (NF Z42-020, docs/integrate.md "The vault").
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/calendar/paris.h"
#include "common/crypto/encoding.h"
#include "common/rpc/refusal.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "services/cli/document_verbs.h"
#include "services/cli/exit_code.h"
#include "services/cli/journal_text.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using vault::v1::DocumentService;

constexpr uint32_t kPage = 1000;
constexpr absl::Duration kVerifyPatience = absl::Minutes(10);

struct PaperOptions {
  std::string person;
  std::string document;
  std::vector<std::string> types;
  bool with_destroyed = false;
  DescriptionOptions description;
  std::string etag;
  std::string receipt;
  uint32_t version = 0;
  std::string request_id;
  std::string from;
  std::string until;
  uint32_t limit = 50;
  bool all = false;
  bool sentences = false;
  std::string page_token;
};

std::string ExpiresText(const vault::v1::Document& document) {
  return document.has_expires() ? DayText(document.expires()) : "-";
}

absl::StatusOr<int> RunInfo(Context& context, const PaperOptions& options) {
  vault::v1::GetMetadataRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_document_id(options.document);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DocumentService>(&DocumentService::Stub::GetMetadata, request));
  Print(context.globals.json, response, ToText(response.document()));
  return kExitOk;
}

absl::StatusOr<int> RunUpdate(Context& context, const PaperOptions& options) {
  vault::v1::UpdateMetadataRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_document_id(options.document);
  ASSIGN_OR_RETURN(*request.mutable_description(), ParseDescription(options.description));
  request.set_etag(options.etag);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DocumentService>(&DocumentService::Stub::UpdateMetadata, request));
  Print(context.globals.json, response, ToText(response.document()));
  SayIfExpired(session->settings(), request.description());
  return kExitOk;
}

absl::StatusOr<int> RunList(Context& context, const PaperOptions& options) {
  vault::v1::ListRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_with_destroyed(options.with_destroyed);
  request.set_page_size(kPage);
  for (const std::string& type : options.types) {
    ASSIGN_OR_RETURN(const auto value, ParseEnumOption<vault::v1::DocumentType>(type, "--type"));
    request.add_types(value);
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  vault::v1::ListResponse all;
  do {
    ASSIGN_OR_RETURN(auto page, session->Call<DocumentService>(&DocumentService::Stub::List, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    page.set_unreadable(page.unreadable() + all.unreadable());
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  std::vector<std::vector<std::string>> rows = {
      {"ID", "TYPE", "TITLE", "EXPIRES", "VERSIONS", "BYTES", "STATE"}};
  for (const vault::v1::Document& document : all.documents()) {
    const bool any = document.versions_size() > 0;
    rows.push_back({document.document_id(), EnumText(document.type()), document.title(),
                    ExpiresText(document), absl::StrCat(any ? document.versions().rbegin()->version() : 0),
                    Grouped(any ? document.versions().rbegin()->size() : 0), EnumText(document.state())});
  }
  Print(context.globals.json, all,
        absl::StrCat(all.documents().empty() ? "no paper\n" : Table(rows), UnreadableText(all.unreadable())));
  return kExitOk;
}

absl::StatusOr<int> RunCount(Context& context, const PaperOptions& options) {
  vault::v1::CountRequest request;
  *request.mutable_person() = Person(options.person);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DocumentService>(&DocumentService::Stub::Count, request));
  std::string text = absl::StrCat(response.documents(), " papers, ", response.versions(), " versions, ",
                                  BytesText(response.bytes()), "\n");
  for (const vault::v1::TypeCount& count : response.types()) {
    absl::StrAppend(&text, "  ", EnumText(count.type()), ": ", count.documents(), "\n");
  }
  absl::StrAppend(&text, "under way: ", response.open_uploads(), " uploads, ",
                  BytesText(response.reserved_bytes()), "\nleft: ", response.documents_left(), " papers, ",
                  BytesText(response.bytes_left()), "\n");
  Print(context.globals.json, response, text + UnreadableText(response.unreadable()));
  return kExitOk;
}

// A paper that is not intact is the answer, not a failure to answer: exit 3.
absl::StatusOr<int> RunVerify(Context& context, const PaperOptions& options) {
  vault::v1::VerifyRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_document_id(options.document);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DocumentService>(&DocumentService::Stub::Verify, request, kVerifyPatience));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  bool intact = true;
  std::string text;
  for (const vault::v1::VersionCheck& check : response.versions()) {
    const bool good = check.finding() == vault::v1::VersionCheck::FINDING_INTACT;
    intact = intact && good;
    absl::StrAppend(&text, "version ", check.version(), ": ", EnumText(check.finding()),
                    good ? "" : absl::StrCat(", from byte ", check.offset()), "\n");
  }
  Print(context.globals.json, response, text);
  return intact ? kExitOk : kExitFindings;
}

absl::StatusOr<int> RunDestroy(Context& context, const PaperOptions& options) {
  vault::v1::DestroyRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_document_id(options.document);
  request.set_etag(options.etag);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DocumentService>(&DocumentService::Stub::Destroy, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response,
        absl::StrCat("destroyed; copies in backups end with epoch ", response.copies_end_with_epoch(), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunReceipt(Context& context, const PaperOptions& options) {
  vault::v1::GetReceiptRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_document_id(options.document);
  request.set_version(options.version);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DocumentService>(&DocumentService::Stub::GetReceipt, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.proof()));
  const std::string what = response.version() == 0
                               ? std::string("the certificate of its destruction")
                               : absl::StrCat("the receipt of the deposit of version ", response.version());
  Print(context.globals.json, response,
        absl::StrCat(what, ", ", ParisTime(FromProto(response.time())), ": ", options.receipt, "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunJournal(Context& context, const PaperOptions& options) {
  vault::v1::ReadJournalRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_document_id(options.document);
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_from(), ParseTimeOption(options.from, "--from"));
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_to(), ParseTimeOption(options.until, "--until"));
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  request.set_page_token(options.page_token);
  const uint32_t limit = options.all ? 0 : options.limit;
  vault::v1::ReadJournalResponse all;
  do {
    const auto left = limit - static_cast<uint32_t>(all.entries_size());
    request.set_page_size(limit == 0 ? kPage : std::min(kPage, left));
    ASSIGN_OR_RETURN(auto page, session->Call<DocumentService>(&DocumentService::Stub::ReadJournal, request));
    request.set_page_token(page.next_page_token());
    all.clear_next_page_token();
    page.set_unreadable(page.unreadable() + all.unreadable());
    all.MergeFrom(page);
  } while (!request.page_token().empty() &&
           (limit == 0 || static_cast<uint32_t>(all.entries_size()) < limit));
  std::string text = JournalText(all);
  if (options.sentences) {
    ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
    text = JournalSentences(all, paris);
  }
  Print(context.globals.json, all, text + UnreadableText(all.unreadable()));
  return kExitOk;
}

CLI::App& AddPaperVerb(CLI::App& noun, const std::string& name, const std::string& description,
                       const std::string& example, PaperOptions& options) {
  CLI::App& verb = AddVerb(noun, name, description, example);
  verb.add_option("person", options.person, "her handle")->required();
  verb.add_option("document", options.document, "the paper, 32 hexadecimal digits")->required();
  return verb;
}

void AddReading(CLI::App& noun, Context& context) {
  auto info_options = std::make_shared<PaperOptions>();
  CLI::App& info = AddPaperVerb(noun, "info", "what is known of a paper (lire les métadonnées)",
                                "relais --as ville-paris/dsol document info HANDLE DOCUMENT", *info_options);
  OnRunDocument(info, context, info_options, RunInfo);

  auto receipt_options = std::make_shared<PaperOptions>();
  CLI::App& receipt = AddPaperVerb(
      noun, "receipt", "the signed receipt of a deposit, or the certificate of a destruction, after the fact",
      "relais --as ville-paris/dsol document receipt HANDLE DOCUMENT --out recu.json", *receipt_options);
  receipt.add_option("--text-version", receipt_options->version,
                     "which version's deposit; without: the latest, or the certificate of a destroyed paper");
  AddOutput(receipt, "--out", receipt_options->receipt, "write it here, as a JSON receipt")->required();
  OnRunDocument(receipt, context, receipt_options, RunReceipt);

  CLI::App& list = AddVerb(noun, "list", "her papers; for who they are shared with, those it may read now",
                           "relais --as ville-paris/dsol document list HANDLE --type tax-notice");
  auto list_options = std::make_shared<PaperOptions>();
  list.add_option("person", list_options->person, "her handle")->required();
  AddRepeated(list, "--type", list_options->types, "these types only");
  list.add_flag("--with-destroyed", list_options->with_destroyed, "those destroyed too");
  OnRunDocument(list, context, list_options, RunList);

  CLI::App& count = AddVerb(noun, "count", "how many papers and bytes she has, and what is left of her quota",
                            "relais --as ville-paris/dsol document count HANDLE");
  auto count_options = std::make_shared<PaperOptions>();
  count.add_option("person", count_options->person, "her handle")->required();
  OnRunDocument(count, context, count_options, RunCount);

  CLI::App& journal = AddVerb(noun, "journal", "who read, tried and changed what in her vault, newest first",
                              "relais --as ville-paris/dsol document journal HANDLE --limit 20");
  auto journal_options = std::make_shared<PaperOptions>();
  journal.add_option("person", journal_options->person, "her handle")->required();
  journal.add_option("document", journal_options->document, "of one paper only");
  journal.add_option("--from", journal_options->from, "from when, RFC 3339");
  journal.add_option("--until", journal_options->until, "until when, excluded");
  journal.add_option("--limit", journal_options->limit, "entries; 0: all")->capture_default_str();
  journal.add_flag("--all", journal_options->all, "all there are");
  journal.add_option("--page-token", journal_options->page_token, "from where the last answer ended");
  journal.add_flag("--sentences", journal_options->sentences, "for her: in sentences, French, then English");
  OnRunDocument(journal, context, journal_options, RunJournal);
}

void AddChanging(CLI::App& noun, Context& context) {
  auto update_options = std::make_shared<PaperOptions>();
  CLI::App& update =
      AddPaperVerb(noun, "update", "say anew what a paper is: type, title, end of validity",
                   "relais --as ville-paris/dsol document update HANDLE DOCUMENT --type passport --title "
                   "'Mon passeport' --expires 2031-05-02",
                   *update_options);
  AddDescription(update, update_options->description);
  update.add_option("--etag", update_options->etag, "the state it was read in");
  update.add_option("--request-id", update_options->request_id, "repeat a request under its id");
  OnRunDocument(update, context, update_options, RunUpdate);

  auto verify_options = std::make_shared<PaperOptions>();
  CLI::App& verify = AddPaperVerb(
      noun, "verify", "read a paper whole and compare it with its hash and the log; exit 3 when not intact",
      "relais --as ville-paris/dsol document verify HANDLE DOCUMENT", *verify_options);
  AddOutput(verify, "--receipt", verify_options->receipt, "write the proof here, as a JSON receipt");
  OnRunDocument(verify, context, verify_options, RunVerify);

  auto destroy_options = std::make_shared<PaperOptions>();
  CLI::App& destroy =
      AddPaperVerb(noun, "destroy", "destroy a paper, all its versions; --reason says why",
                   "relais --as ville-paris/dsol --reason 'à sa demande' document destroy HANDLE DOCUMENT "
                   "--receipt certificat.json",
                   *destroy_options);
  destroy.add_option("--etag", destroy_options->etag, "the state it was read in");
  AddOutput(destroy, "--receipt", destroy_options->receipt, "write the certificate here, as a JSON receipt");
  destroy.add_option("--request-id", destroy_options->request_id, "repeat a request under its id");
  OnRunDocument(destroy, context, destroy_options, RunDestroy);
}

}  // namespace

void AddDescription(CLI::App& verb, DescriptionOptions& options) {
  verb.add_option("--type", options.type,
                  "identity-card, passport, residence-permit, birth-certificate, family-book, tax-notice, "
                  "benefit-attestation, health-cover, payslip, lease, bank-details, domiciliation, medical, "
                  "judgment, criminal-judgment, diploma or other")
      ->required();
  verb.add_option("--title", options.title, "her name for it")->required();
  verb.add_option("--expires", options.expires, "the last day on which it is valid");
}

absl::StatusOr<vault::v1::Description> ParseDescription(const DescriptionOptions& options) {
  vault::v1::Description description;
  ASSIGN_OR_RETURN(const auto type, ParseEnumOption<vault::v1::DocumentType>(options.type, "--type"));
  description.set_type(type);
  description.set_title(options.title);
  if (!options.expires.empty()) {
    ASSIGN_OR_RETURN(*description.mutable_expires(), ParseDateOption(options.expires, "--expires"));
  }
  return description;
}

std::string ExpiredNote(const vault::v1::Description& description, absl::CivilDay today) {
  const common::v1::Date& last = description.expires();
  if (!description.has_expires() || absl::CivilDay(last.year(), last.month(), last.day()) >= today) {
    return "";
  }
  return absl::StrCat("note: its last day, ", DayText(last), ", is past: nobody is reminded of this paper\n");
}

void SayIfExpired(const ClientSettings& settings, const vault::v1::Description& description) {
  const auto paris = calendar::Paris::Load();
  if (paris.ok()) {
    std::cerr << ExpiredNote(description, paris->DayOf(SuiteNow(settings))) << std::flush;
  }
}

std::string UnreadableText(uint32_t rows) {
  return rows == 0 ? "" : absl::StrCat("not shown: at least ", rows, " that do not open\n");
}

bool MayHelpAgain(const absl::Status& status) {
  return absl::IsUnavailable(status) || rpc::ReasonOf(status) == common::v1::ERROR_REASON_OVERLOADED;
}

std::string BytesText(uint64_t bytes) { return Grouped(bytes) + (bytes == 1 ? " byte" : " bytes"); }

int PrintIncomplete(const Context& context, const std::string& name, const std::string& value, uint64_t done,
                    uint64_t size, const std::string& how_to_go_on) {
  if (context.globals.json) {
    std::cout << nlohmann::json{{"complete", false}, {name, value}, {"done", done}, {"size", size}}.dump()
              << std::endl;
  } else {
    std::cerr << "relais: " << Grouped(done) << " of " << BytesText(size) << " are there; " << how_to_go_on
              << std::endl;
  }
  return kExitIncomplete;
}

absl::StatusOr<int> WithWayIn(absl::StatusOr<int> result) {
  if (rpc::ReasonOf(result.status()) != common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) {
    return result;
  }
  return rpc::WithNextStep(
      result.status(),
      "Her papers are read and kept by her hosts, on her agreement with the act host (`relais "
      "document link-host`), and read by whom one is shared with while that share lasts.");
}

void AddDocumentCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "document", "the papers of her vault: deposit, read, share, export");
  AddDocumentPut(noun, context);
  AddDocumentGet(noun, context);
  AddReading(noun, context);
  AddChanging(noun, context);
  AddDocumentShares(noun, context);
  AddDocumentRequests(noun, context);
  AddDocumentExport(noun, context);
}

}  // namespace relais::cli
