// `relais document request`, `requests`, `decide`: no paper is asked of her twice.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/vault/v1/share_service.grpc.pb.h"
#include "services/cli/document_verbs.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using vault::v1::ShareService;

constexpr uint32_t kPage = 1000;

struct AskOptions {
  std::string person;
  std::vector<std::string> types;
  std::string purpose;
  std::string why;
  std::string until;
  bool with_ended = false;
  std::string id;
  std::vector<std::string> documents;
  bool refused = false;
  std::string consent;
  std::string request_id;
};

std::string Describe(const vault::v1::DocumentRequest& request) {
  return absl::StrCat("request ", request.document_request_id(), ": ", EnumText(request.state()), "\n");
}

absl::StatusOr<int> RunRequest(Context& context, const AskOptions& options) {
  vault::v1::RequestDocumentRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  for (const std::string& type : options.types) {
    ASSIGN_OR_RETURN(const auto value, ParseEnumOption<vault::v1::DocumentType>(type, "--type"));
    request.add_types(value);
  }
  request.set_purpose(options.purpose);
  request.set_why(options.why);
  ASSIGN_OR_RETURN(*request.mutable_until(), ParseTimeOption(options.until, "--until"));
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ShareService>(&ShareService::Stub::RequestDocument, request));
  Print(context.globals.json, response, Describe(response.request()));
  return kExitOk;
}

absl::StatusOr<int> RunRequests(Context& context, const AskOptions& options) {
  vault::v1::ListRequestsRequest request;
  if (!options.person.empty()) {
    *request.mutable_person() = Person(options.person);
  }
  request.set_with_ended(options.with_ended);
  request.set_page_size(kPage);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  vault::v1::ListRequestsResponse all;
  do {
    ASSIGN_OR_RETURN(auto page, session->Call<ShareService>(&ShareService::Stub::ListRequests, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    page.set_unreadable(page.unreadable() + all.unreadable());
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  std::vector<std::vector<std::string>> rows = {
      {"REQUEST", "ASKED BY", "TYPES", "PURPOSE", "ENDS", "STATE", "WHY"}};
  for (const vault::v1::DocumentRequest& each : all.requests()) {
    const std::string types = absl::StrJoin(each.types(), " ", [](std::string* out, int type) {
      out->append(EnumText(static_cast<vault::v1::DocumentType>(type)));
    });
    rows.push_back({each.document_request_id(), PartyText(each.asker()), types, each.purpose(),
                    ParisTime(FromProto(each.expires())), EnumText(each.state()), each.why()});
  }
  Print(context.globals.json, all,
        absl::StrCat(all.requests().empty() ? "nothing was asked for\n" : Table(rows),
                     UnreadableText(all.unreadable())));
  return kExitOk;
}

absl::StatusOr<int> RunDecide(Context& context, const AskOptions& options) {
  if (options.refused != options.documents.empty() || options.refused != options.consent.empty()) {
    return absl::InvalidArgumentError("say either --refused, or --document and --consent");
  }
  vault::v1::DecideRequestRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_document_request_id(options.id);
  request.set_granted(!options.refused);
  request.mutable_document_ids()->Assign(options.documents.begin(), options.documents.end());
  request.set_consent_id(options.consent);
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_until(), ParseTimeOption(options.until, "--until"));
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<ShareService>(&ShareService::Stub::DecideRequest, request));
  std::string text = Describe(response.request());
  for (const vault::v1::Share& share : response.shares()) {
    absl::StrAppend(&text, "share ", share.share_id(), " of ", share.document_id(), "\n");
  }
  Print(context.globals.json, response, text);
  return kExitOk;
}

}  // namespace

void AddDocumentRequests(CLI::App& noun, Context& context) {
  CLI::App& ask =
      AddVerb(noun, "request", "ask her for papers; the answer tells nothing of her vault",
              "relais --as caf/droits document request HANDLE --type tax-notice --purpose "
              "RIGHTS_OPENING --why 'pour calculer votre aide' --until 2027-05-01T00:00:00+02:00");
  auto ask_options = std::make_shared<AskOptions>();
  ask.add_option("person", ask_options->person, "her handle")->required();
  AddRepeated(ask, "--type", ask_options->types, "a type of paper")->required();
  ask.add_option("--purpose", ask_options->purpose, "a purpose of the directory")->required();
  ask.add_option("--why", ask_options->why, "in words she understands")->required();
  ask.add_option("--until", ask_options->until, "until when it would be read, RFC 3339")->required();
  ask.add_option("--request-id", ask_options->request_id, "repeat a request under its id");
  OnRunDocument(ask, context, ask_options, RunRequest);

  CLI::App& list = AddVerb(noun, "requests", "what she was asked for; without a handle what you asked for",
                           "relais --as ville-paris/dsol document requests HANDLE");
  auto list_options = std::make_shared<AskOptions>();
  list.add_option("person", list_options->person, "her handle");
  list.add_flag("--with-ended", list_options->with_ended, "those that are decided or ended too");
  OnRunDocument(list, context, list_options, RunRequests);

  CLI::App& decide =
      AddVerb(noun, "decide", "record what she decided on a request: these papers, or no",
              "relais --as ville-paris/dsol document decide HANDLE REQUEST --document DOCUMENT "
              "--consent CONSENT");
  auto decide_options = std::make_shared<AskOptions>();
  decide.add_option("person", decide_options->person, "her handle")->required();
  decide.add_option("request", decide_options->id, "the request, 32 hexadecimal digits")->required();
  AddRepeated(decide, "--document", decide_options->documents, "a paper she shares");
  decide.add_flag("--refused", decide_options->refused, "she said no");
  decide.add_option("--consent", decide_options->consent, "her agreement, with the act share-document");
  decide.add_option("--until", decide_options->until, "until when; default what was asked");
  decide.add_option("--request-id", decide_options->request_id, "repeat a request under its id");
  OnRunDocument(decide, context, decide_options, RunDecide);
}

}  // namespace relais::cli
