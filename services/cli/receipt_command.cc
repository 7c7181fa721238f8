#include "services/cli/receipt_command.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/calendar/paris.h"
#include "common/pki/file.h"
#include "common/receipt/catalog.h"
#include "common/receipt/code.h"
#include "common/receipt/page.h"
#include "google/protobuf/util/message_differencer.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "services/cli/exit_code.h"
#include "services/cli/log_keys.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using consent::v1::ConsentService;

constexpr mode_t kPrivate = 0600;  // it opens its leaf
constexpr size_t kMostCatalogBytes = size_t{1} << 20;

struct PageOptions {
  std::string person;
  std::string consent;
  std::string language = "fr";
  std::string catalog;
  std::string html;
  std::string text;
  std::string json;
};

// What the service says must be what its log proves: the page is printed from nothing else.
absl::Status CheckProven(const ClientSettings& settings, const consent::v1::Receipt& receipt) {
  ASSIGN_OR_RETURN(const std::vector<LogKey> keys, ReadLogKeys(settings, {}));
  ASSIGN_OR_RETURN(const audit::VerifiedProof proven, audit::VerifyProof(receipt.proof(), NamedKeys(keys)));
  consent::v1::ConsentRecorded recorded;
  const bool same =
      proven.details.has_value() && proven.details->payload().UnpackTo(&recorded) &&
      google::protobuf::util::MessageDifferencer::Equals(recorded.consent(), receipt.consent()) &&
      FromProto(receipt.recorded()) == proven.leaf.time;
  return same ? absl::OkStatus() : absl::DataLossError("the receipt says something else than its proof");
}

absl::Status Write(const std::string& path, const std::string& content) {
  return path.empty() ? absl::OkStatus() : pki::WriteFileDurably(path, content, kPrivate);
}

absl::StatusOr<int> RunReceipt(Context& context, const PageOptions& options) {
  receipt::Catalog own;
  const receipt::Catalog* catalog = &own;
  if (options.catalog.empty()) {
    const auto found = receipt::FindCatalog(options.language);
    if (!found.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--language: ", std::string(found.status().message())));
    }
    catalog = *found;
  } else {
    ASSIGN_OR_RETURN(const std::string file, ReadInput(options.catalog, kMostCatalogBytes));
    ASSIGN_OR_RETURN(own, receipt::ParseCatalog(file));
    if (const auto missing = receipt::Differences(own, receipt::Catalogs().front()); !missing.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--catalog: ", absl::StrJoin(missing, "; ")));
    }
  }
  consent::v1::GetReceiptRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_consent_id(options.consent);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ConsentService>(&ConsentService::Stub::GetReceipt, request));
  RETURN_IF_ERROR(CheckProven(session->settings(), response.receipt()));
  ASSIGN_OR_RETURN(const std::string code, receipt::MakeCode(response.receipt().proof()));
  ASSIGN_OR_RETURN(const std::vector<LogKey> keys, ReadLogKeys(session->settings(), {}));
  ASSIGN_OR_RETURN(const receipt::ReadCode read, receipt::ParseCode(code, Verifiers(keys)));
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  const std::vector<receipt::Page> pages =
      receipt::PagesIn(*catalog, response.receipt(), paris, read.whole_leaf);
  const std::string text = receipt::WriteText(pages, code);
  if (!options.html.empty()) {
    ASSIGN_OR_RETURN(const std::string html, receipt::WriteHtml(pages, code));
    RETURN_IF_ERROR(Write(options.html, html));
  }
  RETURN_IF_ERROR(Write(options.text, text));
  RETURN_IF_ERROR(Write(options.json, response.record_json()));
  const bool to_files = !options.html.empty() || !options.text.empty() || !options.json.empty();
  Print(context.globals.json, response,
        to_files ? absl::StrCat("receipt of ", options.consent, ", proven\n") : Printable(text));
  return kExitOk;
}

struct HistoryOptions {
  std::string person;
  std::string from;
  std::string until;
};

absl::StatusOr<int> RunHistory(Context& context, const HistoryOptions& options) {
  consent::v1::ListDisclosuresRequest request;
  *request.mutable_person() = Person(options.person);
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_from(), ParseTimeOption(options.from, "--from"));
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_until(), ParseTimeOption(options.until, "--until"));
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  consent::v1::ListDisclosuresResponse all;
  do {
    ASSIGN_OR_RETURN(auto page,
                     session->Call<ConsentService>(&ConsentService::Stub::ListDisclosures, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    page.set_unreadable(all.unreadable() + page.unreadable());
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  std::string text;
  for (const consent::v1::Disclosure& disclosure : all.disclosures()) {
    absl::StrAppend(&text, Printable(disclosure.fr()), "\n");
  }
  for (const consent::v1::WithheldDisclosure& withheld : all.withheld()) {
    absl::StrAppend(&text, Printable(withheld.fr()), "\n");
  }
  if (all.unreadable() > 0) {
    absl::StrAppend(&text, "Entrées illisibles : ", all.unreadable(), ". Unreadable entries.\n");
  }
  absl::StrAppend(
      &text, text.empty() ? "Personne n'a rien demandé.\n" : "",
      "Ce qui a été remis ensuite, et les papiers du coffre-fort, sont dans d'autres journaux.\n");
  Print(context.globals.json, all, text);
  return kExitOk;
}

}  // namespace

void AddConsentReceipt(CLI::App& noun, Context& context) {
  CLI::App& verb = AddVerb(
      noun, "receipt", "the receipt of an agreement: a page for her, proven; without files, on the terminal",
      "relais --as ville-paris/dsol consent receipt HANDLE CONSENT --html page.html "
      "--text page.txt --json receipt.json --language ar");
  auto options = std::make_shared<PageOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  verb.add_option("consent", options->consent, "the agreement, 32 hexadecimal digits")->required();
  verb.add_option("--language", options->language, "fr, en, or a draft: ar, es, ro, ru")
      ->capture_default_str();
  verb.add_option("--catalog", options->catalog, "a message catalogue of your own instead");
  AddOutput(verb, "--html", options->html, "write a page to print, with a QR code");
  AddOutput(verb, "--text", options->text, "write the page as plain text");
  AddOutput(verb, "--json", options->json,
            "write the record (ISO/IEC TS 27560), a receipt for `audit verify`");
  OnRun(verb, context, options, RunReceipt);
}

void AddPersonHistory(CLI::App& noun, Context& context) {
  CLI::App& verb = AddVerb(noun, "history",
                           "who asked to give what about her to whom, in plain French; for who acts for her",
                           "relais --as ville-paris/dsol --reason 'sa demande' person history HANDLE");
  auto options = std::make_shared<HistoryOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  verb.add_option("--from", options->from, "from when, RFC 3339");
  verb.add_option("--until", options->until, "until when, excluded");
  OnRun(verb, context, options, RunHistory);
}

}  // namespace relais::cli
