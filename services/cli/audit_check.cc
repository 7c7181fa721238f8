#include "services/cli/audit_check.h"

#include <chrono>
#include <functional>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/clock.h"
#include "common/base/proto_time.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/calendar/paris.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "services/cli/check_report.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"
#include "services/cli/output.h"
#include "services/cli/past_directories.h"
#include "services/cli/progress.h"
#include "services/cli/questions/run.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;

constexpr size_t kNonceBytes = 16;
constexpr uint32_t kPage = 1000;
constexpr absl::Duration kLongest = absl::Hours(24);

struct CheckOptions {
  bool list = false;
  std::vector<std::string> names;
  std::string service;
  uint64_t from = 0;
  std::string period;
  std::string since;
  std::string until;
  std::string institution;
  std::string certificate;
  std::string agreement;
  std::string leaf;
  std::string share;
  uint64_t most_held = questions::RunOptions().most_held;
};

// A Paris day or an instant; of a day its start, or its end.
absl::StatusOr<absl::Time> ParseInstant(const std::string& text, const std::string& option, bool end) {
  if (text.find('T') != std::string::npos) {
    ASSIGN_OR_RETURN(const google::protobuf::Timestamp time, ParseTimeOption(text, option));
    return FromProto(time);
  }
  ASSIGN_OR_RETURN(const common::v1::Date date, ParseDateOption(text, option));
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  const absl::CivilDay day(date.year(), date.month(), date.day());
  return end ? paris.EndOf(day) : paris.StartOf(day);
}

absl::Status ReadPeriod(const CheckOptions& options, questions::RunOptions& run) {
  std::string since = options.since;
  std::string until = options.until;
  if (!options.period.empty()) {
    const std::vector<std::string> days = absl::StrSplit(options.period, "..");
    if (days.size() != 2 || !since.empty() || !until.empty()) {
      return absl::InvalidArgumentError("--period wants FIRST..LAST, two days, without --since and --until");
    }
    since = days[0];
    until = days[1];
  }
  if (!since.empty()) {
    ASSIGN_OR_RETURN(run.since, ParseInstant(since, "--since", false));
  }
  if (!until.empty()) {
    ASSIGN_OR_RETURN(run.until, ParseInstant(until, "--until", true));
  }
  return run.since < run.until ? absl::OkStatus() : absl::InvalidArgumentError("the period is empty");
}

absl::StatusOr<questions::RunOptions> ReadRun(const CheckOptions& options) {
  questions::RunOptions run;
  run.most_held = options.most_held;
  run.complete = options.from == 0;
  RETURN_IF_ERROR(ReadPeriod(options, run));
  if (options.from != 0 && options.service.empty()) {
    return absl::InvalidArgumentError("--from is an index of one log: give --service");
  }
  if (!options.share.empty()) {
    const std::vector<std::string> parts = absl::StrSplit(options.share, '/');
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &run.share) ||
        !absl::SimpleAtoi(parts[1], &run.shares) || run.share < 1 || run.share > run.shares) {
      return absl::InvalidArgumentError("--share wants K/N, such as 1/4");
    }
  }
  return run;
}

absl::StatusOr<questions::Options> ReadAsked(const CheckOptions& options) {
  questions::Options asked;
  asked.institution = options.institution;
  asked.certificate = options.certificate;
  if (!options.certificate.empty() && options.names != std::vector<std::string>{"breach-notice"}) {
    return absl::InvalidArgumentError("--certificate is for --question breach-notice, alone");
  }
  asked.agreement = options.agreement;
  if (!options.leaf.empty()) {
    const std::vector<std::string> parts = absl::StrSplit(options.leaf, ':');
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &asked.leaf.index)) {
      return absl::InvalidArgumentError("--leaf wants SERVICE:INDEX, such as consent:120");
    }
    asked.leaf.service = parts[0];
  }
  return asked;
}

// One log, opened, from where the questions want it to where it ends now.
class LogReader {
 public:
  LogReader(Session& session, std::string service, questions::CheckRun& run, PastDirectories& directories)
      : session_(session), service_(std::move(service)), run_(run), directories_(directories) {}

  absl::Status Read(uint64_t from) {
    const questions::Range wanted = run_.Wanted(service_);
    next_ = std::max(from, wanted.first);
    end_ = wanted.end;
    ASSIGN_OR_RETURN(const auto channel, session_.Channel(service_));
    channel->WaitForConnected(std::chrono::system_clock::now() +
                              absl::ToChronoMicroseconds(session_.timeout()));
    const auto stub = AuditService::NewStub(channel);
    grpc::ClientContext call;
    session_.Prepare(call, kLongest);
    const Interrupt interrupt([&call] { call.TryCancel(); });
    const auto stream = stub->Tail(&call);
    absl::Status taken = Pump(*stream);
    if (done_ || !taken.ok()) {
      call.TryCancel();  // else the service ended it, and says why
    }
    const grpc::Status status = stream->Finish();
    if (interrupt.raised()) {
      return absl::CancelledError("interrupted");
    }
    if (done_ || !taken.ok()) {
      return taken;
    }
    return session_.Explain(
        service_, status.ok() ? absl::UnavailableError("the log ended too soon") : rpc::FromGrpc(status));
  }

 private:
  using Stream = grpc::ClientReaderWriterInterface<audit::v1::TailRequest, audit::v1::TailResponse>;

  // `done_` once everything wanted is read.
  absl::Status Pump(Stream& stream) {
    audit::v1::TailRequest open;
    open.mutable_open()->set_from(next_);
    open.mutable_open()->set_view(audit::v1::TAIL_VIEW_OPENED);
    audit::v1::TailRequest nonce;  // its answer says where the log ends now
    SystemRandom random;
    nonce.set_nonce(random.Bytes(kNonceBytes));
    const SystemClock clock;
    std::optional<Progress> progress;
    audit::v1::TailResponse response;
    bool alive = stream.Write(open) && stream.Write(nonce);
    while (alive && !done_ && stream.Read(&response)) {
      if (response.has_leaves()) {
        RETURN_IF_ERROR(Take(response.leaves()));
      } else {
        end_ = std::min(end_, response.state().size());
        progress.emplace(end_, session_.json(), clock);
        known_ = true;
      }
      if (progress) {
        progress->Update(next_, next_);
      }
      done_ = next_ >= end_ && (known_ || end_ != UINT64_MAX);
    }
    return absl::OkStatus();
  }

  absl::Status Take(const audit::v1::TailLeaves& leaves) {
    for (int i = 0; i < leaves.leaves_size(); ++i) {
      const uint64_t index = leaves.first() + static_cast<uint64_t>(i);
      if (index != next_) {
        return absl::DataLossError(absl::StrCat("leaf ", next_, " of ", service_, " is missing"));
      }
      if (next_ >= end_) {
        break;
      }
      RETURN_IF_ERROR(run_.Add(service_, index, leaves.leaves(i)));
      RETURN_IF_ERROR(directories_.status());
      ++next_;
    }
    return absl::OkStatus();
  }

  Session& session_;
  const std::string service_;
  questions::CheckRun& run_;
  PastDirectories& directories_;
  uint64_t next_ = 0;
  uint64_t end_ = 0;
  bool known_ = false;
  bool done_ = false;
};

// What the log finds by a certificate, which only it can open, is shown as a tail would show it.
audit::v1::TailLeaf AsTailed(const audit::v1::QueriedLeaf& queried) {
  audit::v1::TailLeaf leaf;
  leaf.set_leaf(queried.leaf());
  const bool opened = queried.opening() == audit::v1::QueriedLeaf::OPENING_OPENED;
  leaf.set_opening(opened ? audit::v1::TailLeaf::OPENING_OPENED : audit::v1::TailLeaf::OPENING_ERASED);
  *leaf.mutable_details() = queried.details();
  return leaf;
}

absl::Status ReadByCertificate(Session& session, const std::string& service, const std::string& certificate,
                               const questions::RunOptions& options, questions::CheckRun& run) {
  audit::v1::QueryRequest request;
  request.set_order(audit::v1::QUERY_ORDER_OLDEST_FIRST);
  request.set_page_size(kPage);
  request.mutable_filters()->set_certificate(certificate);
  if (options.since > absl::InfinitePast()) {
    *request.mutable_filters()->mutable_from() = ToProto(options.since);
  }
  if (options.until < absl::InfiniteFuture()) {
    *request.mutable_filters()->mutable_to() = ToProto(options.until);
  }
  do {
    ASSIGN_OR_RETURN(const audit::v1::QueryResponse page,
                     session.CallAt<AuditService>(service, &AuditService::Stub::Query, request));
    for (const audit::v1::QueriedLeaf& leaf : page.leaves()) {
      RETURN_IF_ERROR(run.Add(service, leaf.index(), AsTailed(leaf)));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && !run.overflowed());
  return absl::OkStatus();
}

int ExitOf(const questions::Report& report) {
  if (!report.complete()) {
    return kExitIncomplete;
  }
  return report.wrong() > 0 ? kExitFindings : kExitOk;
}

absl::StatusOr<int> RunCheck(Context& context, const CheckOptions& options) {
  if (options.list) {
    Print(context.globals.json, CatalogJson(), CatalogText());
    return kExitOk;
  }
  ASSIGN_OR_RETURN(const questions::Options asked, ReadAsked(options));
  ASSIGN_OR_RETURN(auto chosen, questions::ChooseQuestions(options.names, asked));
  ASSIGN_OR_RETURN(const questions::RunOptions run_options, ReadRun(options));
  if (context.globals.reason.empty()) {
    return absl::InvalidArgumentError(
        "opened leaves are read for a reason, which the logs keep: give --reason");
  }
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const auto directories, PastDirectories::Open(*session));
  questions::CheckRun run(std::move(chosen), *directories, run_options);
  for (const std::string& service : run.Services()) {
    const bool asked =
        options.service.empty() ? session->settings().Has(service) : service == options.service;
    if (!asked) {
      continue;
    }
    const absl::Status read =
        options.certificate.empty()
            ? LogReader(*session, service, run, *directories).Read(options.from)
            : ReadByCertificate(*session, service, options.certificate, run_options, run);
    RETURN_IF_ERROR(read);
    if (run.overflowed()) {
      break;
    }
  }
  const questions::Report report = run.Finish(SuiteNow(session->settings()));
  Print(context.globals.json, ReportJson(report), ReportText(report));
  return ExitOf(report);
}

}  // namespace

void AddAuditCheck(CLI::App& audit, Context& context) {
  CLI::App& verb =
      AddVerb(audit, "check",
              "ask the standing questions of the logs; exit 3 when something is found, 5 when the "
              "answer is not complete",
              "relais --as auditor/suite --reason 'contrôle 2026-11' audit check --period "
              "2026-11-01..2026-11-30");
  auto options = std::make_shared<CheckOptions>();
  verb.add_flag("--list", options->list, "what questions there are");
  AddRepeated(verb, "--question", options->names, "only this one; default: all but those on demand");
  verb.add_option("--service", options->service, "only the log of consent, routing, alerting or vault");
  verb.add_option("--from", options->from,
                  "first index read, with --service; what she said before it is not known");
  verb.add_option("--period", options->period,
                  "FIRST..LAST: acts of these Paris days, held against all before");
  verb.add_option("--since", options->since, "acts from this day or instant on");
  verb.add_option("--until", options->until, "acts until the end of this day, or before this instant");
  verb.add_option("--institution", options->institution, "breach-notice: whose acts");
  verb.add_option("--certificate", options->certificate, "breach-notice: of what, SHA-256 in hexadecimal");
  verb.add_option("--agreement", options->agreement, "notice-given: the agreement's id");
  verb.add_option("--leaf", options->leaf, "in-force: the act, as SERVICE:INDEX");
  verb.add_option("--share", options->share, "K/N: only the K-th of N shares of the persons");
  verb.add_option("--most-held", options->most_held, "bound on memory, in entries of about 300 bytes")
      ->capture_default_str();
  OnRun(verb, context, options, RunCheck);
}

}  // namespace relais::cli
