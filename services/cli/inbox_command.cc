// `relais inbox`: a desk's messages.
#include <chrono>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/routing/v1/inbox_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"
#include "services/cli/output.h"
#include "services/cli/session.h"

namespace relais::cli {
namespace {

using routing::v1::InboxService;

constexpr char kNothingWaits[] = "nothing waits\n";
constexpr absl::Duration kLongestWatch = absl::Hours(24);

struct InboxOptions {
  std::string desk;
  std::vector<std::string> ids;
  uint32_t max = 0;
  uint32_t page_size = 0;
  std::string page_token;
  bool ack = false;
  uint64_t limit = 0;
  std::string request_id;
};

std::string Describe(const routing::v1::Message& message) { return ToText(message) + "\n"; }

absl::StatusOr<int> RunList(Context& context, const InboxOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  routing::v1::ListByDeskRequest request;
  request.set_desk(options.desk);
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<InboxService>(&InboxService::Stub::ListByDesk, request));
  std::vector<std::vector<std::string>> rows = {
      {"MESSAGE", "STATE", "URGENCY", "SUBMITTED", "DEADLINE", "ATTEMPTS", ""}};
  for (const routing::v1::Waiting& waiting : response.messages()) {
    rows.push_back({waiting.message_id(), EnumText(waiting.state()), EnumText(waiting.urgency()),
                    ParisTime(FromProto(waiting.submitted())), ParisTime(FromProto(waiting.deadline())),
                    absl::StrCat(waiting.attempts()), waiting.escalated() ? "escalated" : ""});
  }
  const std::string more = response.next_page_token().empty()
                               ? ""
                               : absl::StrCat("more: --page-token ", response.next_page_token(), "\n");
  Print(context.globals.json, response, rows.size() == 1 ? kNothingWaits : Table(rows) + more);
  return kExitOk;
}

absl::StatusOr<int> RunPull(Context& context, const InboxOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  routing::v1::PullRequest request;
  request.set_desk(options.desk);
  request.set_max_messages(options.max);
  ASSIGN_OR_RETURN(const auto response, session->Call<InboxService>(&InboxService::Stub::Pull, request));
  std::string text;
  for (const routing::v1::Message& message : response.messages()) {
    text += Describe(message);
  }
  Print(context.globals.json, response, text.empty() ? kNothingWaits : text);
  // Printed first: an acknowledged message does not come again.
  for (const routing::v1::Message& message : response.messages()) {
    if (options.ack) {
      routing::v1::AckRequest ack;
      ack.set_message_id(message.message_id());
      RETURN_IF_ERROR(session->Call<InboxService>(&InboxService::Stub::Ack, ack).status());
    }
  }
  return kExitOk;
}

absl::StatusOr<int> RunWatch(Context& context, const InboxOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto channel, session->Channel("routing"));
  channel->WaitForConnected(std::chrono::system_clock::now() +
                            absl::ToChronoMicroseconds(session->timeout()));
  const auto stub = InboxService::NewStub(channel);
  grpc::ClientContext call;
  session->Prepare(call, kLongestWatch);
  const Interrupt interrupt([&call] { call.TryCancel(); });
  const auto stream = stub->Subscribe(&call);
  routing::v1::SubscribeRequest request;
  request.mutable_open()->set_desk(options.desk);
  request.mutable_open()->set_max_in_flight(options.max);
  bool alive = stream->Write(request);
  routing::v1::SubscribeResponse response;
  for (uint64_t count = 0; alive && stream->Read(&response);) {
    Print(context.globals.json, response.message(), Describe(response.message()));
    if (options.ack) {
      request.set_ack(response.message().message_id());
      alive = stream->Write(request);
    }
    if (++count == options.limit) {
      stream->WritesDone();  // what was acknowledged is taken in before the stream ends
      while (stream->Read(&response)) {
      }
      (void)stream->Finish();
      return kExitOk;
    }
  }
  const grpc::Status status = stream->Finish();
  if (interrupt.raised() || status.ok()) {
    return kExitOk;
  }
  return session->Explain("routing", rpc::FromGrpc(status));
}

absl::StatusOr<int> RunAck(Context& context, const InboxOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  for (const std::string& id : options.ids) {
    routing::v1::AckRequest request;
    request.set_message_id(id);
    ASSIGN_OR_RETURN(const auto response, session->Call<InboxService>(&InboxService::Stub::Ack, request));
    Print(context.globals.json, response, absl::StrCat(id, " acknowledged\n"));
  }
  return kExitOk;
}

absl::StatusOr<int> RunNack(Context& context, const InboxOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  for (const std::string& id : options.ids) {
    routing::v1::NackRequest request;
    request.set_message_id(id);
    ASSIGN_OR_RETURN(const auto response, session->Call<InboxService>(&InboxService::Stub::Nack, request));
    const std::string next =
        response.has_next_attempt()
            ? absl::StrCat(" comes again ", ParisTime(FromProto(response.next_attempt())))
            : " is given up: dead letter";
    Print(context.globals.json, response, absl::StrCat(id, next, "\n"));
  }
  return kExitOk;
}

absl::StatusOr<int> RunTake(Context& context, const InboxOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  routing::v1::TakeRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_message_id(options.ids.front());
  ASSIGN_OR_RETURN(const auto response, session->Call<InboxService>(&InboxService::Stub::Take, request));
  Print(context.globals.json, response, absl::StrCat(options.ids.front(), " taken\n"));
  return kExitOk;
}

CLI::App& AddDeskVerb(CLI::App& noun, const std::string& name, const std::string& description,
                      const std::string& example, InboxOptions& options) {
  CLI::App& verb = AddVerb(noun, name, description, example);
  verb.add_option("desk", options.desk, "a desk of your institution")->required();
  return verb;
}

CLI::App& AddIdVerb(CLI::App& noun, const std::string& name, const std::string& description,
                    const std::string& example, InboxOptions& options) {
  CLI::App& verb = AddVerb(noun, name, description, example);
  verb.add_option("id", options.ids, "messages, 32 hexadecimal digits each")->required();
  return verb;
}

}  // namespace

void AddInboxCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "inbox", "a desk's messages: delivered to its system, taken by a human");

  auto list_options = std::make_shared<InboxOptions>();
  CLI::App& list = AddDeskVerb(noun, "list", "what waits, without content",
                               "relais --as ville-paris/dsol inbox list dsol-75113", *list_options);
  list.add_option("--page-size", list_options->page_size, "default 50, most 1000");
  list.add_option("--page-token", list_options->page_token, "from the previous page");
  OnRun(list, context, list_options, RunList);

  auto pull_options = std::make_shared<InboxOptions>();
  CLI::App& pull = AddDeskVerb(noun, "pull", "messages that wait now",
                               "relais --as ville-paris/dsol inbox pull dsol-75113 --max 10", *pull_options);
  pull.add_option("--max", pull_options->max, "at most this many; default 50");
  pull.add_flag("--ack", pull_options->ack, "acknowledge what was printed");
  OnRun(pull, context, pull_options, RunPull);

  auto watch_options = std::make_shared<InboxOptions>();
  CLI::App& watch = AddDeskVerb(noun, "watch", "messages as they come, until interrupted",
                                "relais --as ville-paris/dsol inbox watch dsol-75113 --ack", *watch_options);
  watch.add_option("--max", watch_options->max, "at most this many unacknowledged; default 50");
  watch.add_flag("--ack", watch_options->ack, "acknowledge each message once it is printed");
  watch.add_option("--limit", watch_options->limit, "end after this many");
  OnRun(watch, context, watch_options, RunWatch);

  auto ack_options = std::make_shared<InboxOptions>();
  CLI::App& ack =
      AddIdVerb(noun, "ack", "your system has stored them",
                "relais --as ville-paris/dsol inbox ack 0123456789abcdef0123456789abcdef", *ack_options);
  OnRun(ack, context, ack_options, RunAck);

  auto nack_options = std::make_shared<InboxOptions>();
  CLI::App& nack =
      AddIdVerb(noun, "nack", "your system could not: deliver again later",
                "relais --as ville-paris/dsol inbox nack 0123456789abcdef0123456789abcdef", *nack_options);
  OnRun(nack, context, nack_options, RunNack);

  auto take_options = std::make_shared<InboxOptions>();
  CLI::App& take = AddIdVerb(noun, "take", "a named human takes it: escalation stops",
                             "relais --as ville-paris/dsol --agent as-0042 inbox take "
                             "0123456789abcdef0123456789abcdef",
                             *take_options);
  take.get_option("id")->expected(1);
  take.add_option("--request-id", take_options->request_id, "repeat a request under its id");
  OnRun(take, context, take_options, RunTake);
}

}  // namespace relais::cli
