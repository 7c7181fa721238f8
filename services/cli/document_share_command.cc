// `relais document share` and what belongs to it: who else may read, and who acts for her (D-3.1, D-3.6).
#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/vault/v1/host_service.grpc.pb.h"
#include "relais/vault/v1/share_service.grpc.pb.h"
#include "services/cli/document_verbs.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using vault::v1::HostService;
using vault::v1::ShareService;

constexpr uint32_t kPage = 1000;

struct ShareOptions {
  std::string person;
  std::string document;
  std::string type;
  std::string recipient;
  std::string purpose;
  std::string until;
  std::string consent;
  std::string share;
  std::string institution;
  bool with_ended = false;
  std::string receipt;
  std::string request_id;
};

std::string WhatText(const vault::v1::Share& share) {
  return share.what_case() == vault::v1::Share::kType ? absl::StrCat("all ", EnumText(share.type()))
                                                      : share.document_id();
}

absl::StatusOr<int> RunShare(Context& context, const ShareOptions& options) {
  if (options.document.empty() == options.type.empty()) {
    return absl::InvalidArgumentError("say what is shared: either --document or --type");
  }
  vault::v1::ShareRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  if (options.type.empty()) {
    request.set_document_id(options.document);
  } else {
    ASSIGN_OR_RETURN(const auto type, ParseEnumOption<vault::v1::DocumentType>(options.type, "--type"));
    request.set_type(type);
  }
  *request.mutable_recipient() = ParseParty(options.recipient);
  request.set_purpose(options.purpose);
  ASSIGN_OR_RETURN(*request.mutable_until(), ParseTimeOption(options.until, "--until"));
  request.set_consent_id(options.consent);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<ShareService>(&ShareService::Stub::Share, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response,
        absl::StrCat("share ", response.share().share_id(), " with ", PartyText(response.share().recipient()),
                     " until ", ParisTime(FromProto(response.share().until())), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunUnshare(Context& context, const ShareOptions& options) {
  vault::v1::RevokeRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_share_id(options.share);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<ShareService>(&ShareService::Stub::Revoke, request));
  Print(context.globals.json, response,
        absl::StrCat("share ", response.share().share_id(), ": ", EnumText(response.share().state()), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunShares(Context& context, const ShareOptions& options) {
  vault::v1::ShareServiceListRequest request;
  if (!options.person.empty()) {
    *request.mutable_person() = Person(options.person);
  }
  request.set_with_ended(options.with_ended);
  request.set_page_size(kPage);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  vault::v1::ShareServiceListResponse all;
  do {
    ASSIGN_OR_RETURN(auto page, session->Call<ShareService>(&ShareService::Stub::List, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    page.set_unreadable(page.unreadable() + all.unreadable());
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  std::vector<std::vector<std::string>> rows = {
      {"SHARE", "PERSON", "WHAT", "WITH", "PURPOSE", "UNTIL", "STATE"}};
  for (const vault::v1::Share& share : all.shares()) {
    rows.push_back({share.share_id(), share.person().handle(), WhatText(share), PartyText(share.recipient()),
                    share.purpose(), ParisTime(FromProto(share.until())), EnumText(share.state())});
  }
  Print(context.globals.json, all,
        absl::StrCat(all.shares().empty() ? "nothing is shared\n" : Table(rows),
                     UnreadableText(all.unreadable())));
  return kExitOk;
}

absl::StatusOr<int> RunLinkHost(Context& context, const ShareOptions& options) {
  vault::v1::LinkHostRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_consent_id(options.consent);
  request.set_purpose(options.purpose);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<HostService>(&HostService::Stub::LinkHost, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response,
        absl::StrCat(response.host().institution(), " acts for her until ",
                     ParisTime(FromProto(response.host().until())), "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunUnlinkHost(Context& context, const ShareOptions& options) {
  vault::v1::UnlinkHostRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  request.set_institution(options.institution);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<HostService>(&HostService::Stub::UnlinkHost, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, absl::StrCat(options.institution, " does not act for her\n"));
  return kExitOk;
}

absl::StatusOr<int> RunHosts(Context& context, const ShareOptions& options) {
  vault::v1::ListHostsRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_with_ended(options.with_ended);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<HostService>(&HostService::Stub::ListHosts, request));
  Print(context.globals.json, response, HostsText(response));
  return kExitOk;
}

void AddReceipt(CLI::App& verb, ShareOptions& options) {
  AddOutput(verb, "--receipt", options.receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options.request_id, "repeat a request under its id");
}

void AddShares(CLI::App& noun, Context& context) {
  CLI::App& share =
      AddVerb(noun, "share", "let one institution read one paper, or all of a type, until a date",
              "relais --as ville-paris/dsol document share HANDLE --document DOCUMENT --with caf "
              "--purpose RIGHTS_OPENING --until 2027-05-01T00:00:00+02:00 --consent CONSENT");
  auto share_options = std::make_shared<ShareOptions>();
  share.add_option("person", share_options->person, "her handle")->required();
  share.add_option("--document", share_options->document, "one paper");
  share.add_option("--type", share_options->type, "every paper of that type, later ones too");
  share.add_option("--with", share_options->recipient, "institution or institution/function")->required();
  share.add_option("--purpose", share_options->purpose, "a purpose of the directory")->required();
  share.add_option("--until", share_options->until, "until when, RFC 3339; at most a year")->required();
  share.add_option("--consent", share_options->consent, "her agreement, with the act share-document")
      ->required();
  AddReceipt(share, *share_options);
  OnRunDocument(share, context, share_options, RunShare);

  CLI::App& unshare = AddVerb(noun, "unshare", "end a share at once; what is open under it is cut",
                              "relais --as ville-paris/dsol document unshare HANDLE SHARE");
  auto unshare_options = std::make_shared<ShareOptions>();
  unshare.add_option("person", unshare_options->person, "her handle")->required();
  unshare.add_option("share", unshare_options->share, "the share, 32 hexadecimal digits")->required();
  unshare.add_option("--request-id", unshare_options->request_id, "repeat a request under its id");
  OnRunDocument(unshare, context, unshare_options, RunUnshare);

  CLI::App& shares = AddVerb(noun, "shares", "her shares; without a handle what is shared with you",
                             "relais --as caf/droits document shares");
  auto shares_options = std::make_shared<ShareOptions>();
  shares.add_option("person", shares_options->person, "her handle");
  shares.add_flag("--with-ended", shares_options->with_ended, "those that ended too");
  OnRunDocument(shares, context, shares_options, RunShares);
}

void AddHosts(CLI::App& noun, Context& context) {
  CLI::App& link =
      AddVerb(noun, "link-host", "become her host: act for her in her vault, on her agreement",
              "relais --as ville-paris/dsol document link-host HANDLE --consent CONSENT --purpose "
              "RIGHTS_OPENING");
  auto link_options = std::make_shared<ShareOptions>();
  link.add_option("person", link_options->person, "her handle")->required();
  link.add_option("--consent", link_options->consent, "her agreement, with the act host")->required();
  link.add_option("--purpose", link_options->purpose, "a purpose of that agreement")->required();
  AddReceipt(link, *link_options);
  OnRunDocument(link, context, link_options, RunLinkHost);

  CLI::App& unlink = AddVerb(noun, "unlink-host", "end a host's authority, at any desk that knows her",
                             "relais --as emmaus/maraude document unlink-host HANDLE ville-paris");
  auto unlink_options = std::make_shared<ShareOptions>();
  unlink.add_option("person", unlink_options->person, "her handle")->required();
  unlink.add_option("institution", unlink_options->institution, "the host")->required();
  AddReceipt(unlink, *unlink_options);
  OnRunDocument(unlink, context, unlink_options, RunUnlinkHost);

  CLI::App& hosts = AddVerb(noun, "hosts", "who acts for her in her vault",
                            "relais --as ville-paris/dsol document hosts HANDLE");
  auto hosts_options = std::make_shared<ShareOptions>();
  hosts.add_option("person", hosts_options->person, "her handle")->required();
  hosts.add_flag("--with-ended", hosts_options->with_ended, "those that ended too");
  OnRunDocument(hosts, context, hosts_options, RunHosts);
}

}  // namespace

std::string HostsText(const vault::v1::ListHostsResponse& response) {
  std::vector<std::vector<std::string>> rows = {{"INSTITUTION", "SINCE", "UNTIL", "STATE", "AGREEMENT"}};
  for (const vault::v1::Host& host : response.hosts()) {
    rows.push_back({host.institution(), ParisTime(FromProto(host.since())),
                    ParisTime(FromProto(host.until())), EnumText(host.state()), host.consent_id()});
  }
  return Table(rows) + UnreadableText(response.unreadable());
}

void AddDocumentShares(CLI::App& noun, Context& context) {
  AddShares(noun, context);
  AddHosts(noun, context);
}

}  // namespace relais::cli
