// `relais person`: own identifiers, handles in bulk, status.
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

struct NameOptions {
  std::string handle;
  std::string id;
  std::vector<std::string> names;
  std::vector<std::string> ids;
  std::string change;
  std::string day;
  std::string receipt;
  std::string request_id;
};

template <typename Request>
Request About(const NameOptions& options) {
  Request request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.handle);
  request.set_want_proof(!options.receipt.empty());
  return request;
}

absl::StatusOr<int> RunLink(Context& context, const NameOptions& options) {
  auto request = About<consent::v1::LinkIdentifierRequest>(options);
  request.set_own_identifier(options.id);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::LinkIdentifier, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.written().revision() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunUnlink(Context& context, const NameOptions& options) {
  auto request = About<consent::v1::UnlinkIdentifierRequest>(options);
  request.set_own_identifier(options.id);
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::UnlinkIdentifier, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.written().revision() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunStatus(Context& context, const NameOptions& options) {
  auto request = About<consent::v1::UpdateStatusRequest>(options);
  ASSIGN_OR_RETURN(const auto change, ParseEnumOption<consent::v1::StatusChange>(options.change, "--change"));
  request.set_change(change);
  if (!options.day.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_day(), ParseDateOption(options.day, "--day"));
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::UpdateStatus, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.written().revision() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunTranslate(Context& context, const NameOptions& options) {
  consent::v1::TranslateHandlesRequest request;
  for (const std::string& handle : options.names) {
    request.add_handles(handle);
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::TranslateHandles, request));
  std::string text;
  for (int i = 0; i < response.handles_size(); ++i) {
    const consent::v1::TranslatedHandle& handle = response.handles(i);
    absl::StrAppend(&text, options.names[static_cast<size_t>(i)], " ",
                    handle.error().empty() ? handle.handle() : handle.error(), "\n");
  }
  Print(context.globals.json, response, text);
  return kExitOk;
}

absl::StatusOr<int> RunBatchResolve(Context& context, const NameOptions& options) {
  consent::v1::BatchResolveRequest request;
  for (const std::string& handle : options.names) {
    *request.add_names()->mutable_person() = Person(handle);
  }
  for (const std::string& id : options.ids) {
    request.add_names()->set_own_identifier(id);
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::BatchResolve, request));
  std::string text;
  for (const consent::v1::BatchResolveResult& result : response.results()) {
    absl::StrAppend(&text,
                    result.error().empty()
                        ? absl::StrCat(result.person().handle(), " ", result.own_identifier())
                        : result.error(),
                    "\n");
  }
  Print(context.globals.json, response, text);
  return kExitOk;
}

void AddReceipt(CLI::App& verb, NameOptions& options) {
  AddOutput(verb, "--receipt", options.receipt, "write the proof here, as a JSON receipt");
  verb.add_option("--request-id", options.request_id, "repeat a request under its id");
}

void AddIdentifiers(CLI::App& noun, Context& context) {
  CLI::App& link = AddVerb(noun, "link-identifier", "give your record of her one more own identifier",
                           "relais --as emmaus/maraude person link-identifier rh1_AAE… --id D-4712");
  auto linked = std::make_shared<NameOptions>();
  link.add_option("handle", linked->handle, "her handle")->required();
  link.add_option("--id", linked->id, "your identifier; never a NIR")->required();
  AddReceipt(link, *linked);
  OnRun(link, context, linked, RunLink);

  CLI::App& unlink = AddVerb(noun, "unlink-identifier", "take an own identifier away from her",
                             "relais --as emmaus/maraude person unlink-identifier rh1_AAE… --id D-4712");
  auto unlinked = std::make_shared<NameOptions>();
  unlink.add_option("handle", unlinked->handle, "her handle")->required();
  unlink.add_option("--id", unlinked->id, "your identifier")->required();
  AddReceipt(unlink, *unlinked);
  OnRun(unlink, context, unlinked, RunUnlink);
}

}  // namespace

void AddPersonNames(CLI::App& noun, Context& context) {
  AddIdentifiers(noun, context);

  CLI::App& batch = AddVerb(noun, "batch-resolve", "your own records of many persons at once",
                            "relais --as emmaus/maraude person batch-resolve --id D-4711 --id D-4712");
  auto batched = std::make_shared<NameOptions>();
  batch.add_option("handles", batched->names, "their handles");
  AddRepeated(batch, "--id", batched->ids, "your own identifier");
  OnRun(batch, context, batched, RunBatchResolve);

  CLI::App& translate = AddVerb(noun, "translate",
                                "your handles under the current generation of keys, one a line after the old",
                                "relais --as emmaus/maraude person translate rh1_AAE… rh1_AAE…");
  auto translated = std::make_shared<NameOptions>();
  translate.add_option("handles", translated->names, "handles of yours")->required();
  OnRun(translate, context, translated, RunTranslate);

  CLI::App& status =
      AddVerb(noun, "status", "say that she died, moved, or is not to be grouped",
              "relais --as emmaus/maraude person status rh1_AAE… --change moved --day 2026-11-03");
  auto said = std::make_shared<NameOptions>();
  status.add_option("handle", said->handle, "her handle")->required();
  status.add_option("--change", said->change, "deceased, not-deceased, moved, do-not-group or may-group")
      ->required();
  status.add_option("--day", said->day, "of a death or a move: 2026-11-03 or 03/11/2026");
  AddReceipt(status, *said);
  OnRun(status, context, said, RunStatus);
}

}  // namespace relais::cli
