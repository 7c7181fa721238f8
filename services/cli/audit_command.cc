// `relais audit`: the logs, read and checked.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/pki/file.h"
#include "relais/alerting/v1/events.pb.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/cli/audit_verbs.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/export_file.h"
#include "services/cli/interrupt.h"
#include "services/cli/log_keys.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;

constexpr uint32_t kPage = 1000;
constexpr size_t kMostReceiptBytes = size_t{4} << 20;
constexpr size_t kMostCheckpointBytes = size_t{64} << 10;
constexpr size_t kNonceBytes = 16;
constexpr absl::Duration kLongestTail = absl::Hours(24);
constexpr mode_t kPublic = 0644;

struct AuditOptions {
  std::string service;
  std::string file;
  std::vector<std::string> keys;
  std::string state;
  std::string view = "sealed";
  uint64_t from = 0;
  uint64_t limit = 0;
  bool follow = false;
};

absl::StatusOr<std::string> FetchCheckpoint(Session& session, const std::string& service) {
  ASSIGN_OR_RETURN(auto response, session.CallAt<AuditService>(service, &AuditService::Stub::GetCheckpoint,
                                                               audit::v1::GetCheckpointRequest()));
  return std::move(*response.mutable_checkpoint());
}

// Calls `take` with leaves 0 … size-1 in order.
absl::Status FetchLeaves(Session& session, const std::string& service, uint64_t size,
                         const std::function<absl::Status(const std::string&)>& take) {
  const SystemClock clock;
  Progress progress(size, session.json(), clock);
  for (uint64_t next = 0; next < size;) {
    audit::v1::ListLeavesRequest request;
    request.set_from(next);
    request.set_limit(static_cast<uint32_t>(std::min<uint64_t>(kPage, size - next)));
    ASSIGN_OR_RETURN(const auto page,
                     session.CallAt<AuditService>(service, &AuditService::Stub::ListLeaves, request));
    if (page.leaves().empty()) {
      return absl::DataLossError(
          absl::StrCat("leaf count: the service has ", next, " leaves, its checkpoint says ", size));
    }
    for (const std::string& leaf : page.leaves()) {
      if (next == size) {
        break;
      }
      RETURN_IF_ERROR(take(leaf));
      ++next;
      progress.Update(next, next);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunCheckpoint(Context& context, const AuditOptions& options) {
  RETURN_IF_ERROR(CheckAuditService(options.service));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const std::string checkpoint, FetchCheckpoint(*session, options.service));
  Print(context.globals.json, nlohmann::json{{"checkpoint", checkpoint}}, checkpoint);
  return kExitOk;
}

// What was checked, for a human; the same as values for a program.
int PrintVerified(Context& context, const std::vector<std::string>& checks, nlohmann::json facts,
                  const std::string& more) {
  facts["verified"] = true;
  facts["checks"] = checks;
  std::string text;
  for (const std::string& check : checks) {
    absl::StrAppend(&text, "ok  ", check, "\n");
  }
  Print(context.globals.json, facts, text + more);
  return kExitOk;
}

// A check that failed is the answer, not a failure to answer.
int PrintBroken(Context& context, const absl::Status& status) {
  Print(context.globals.json, nlohmann::json{{"verified", false}, {"failed", std::string(status.message())}},
        absl::StrCat("FAILED  ", status.message(), "\n"));
  return kExitFailed;
}

int PrintLog(Context& context, const VerifiedLog& log, std::vector<std::string> checks) {
  std::string more;
  for (const auto& [name, count] : log.by_class) {
    absl::StrAppend(&more, "    ", name, ": ", Grouped(count), "\n");
  }
  return PrintVerified(context, checks,
                       {{"origin", log.checkpoint.origin},
                        {"leaves", log.checkpoint.size},
                        {"root", merkle::HashToHex(log.checkpoint.root)},
                        {"byClass", log.by_class}},
                       more);
}

std::vector<std::string> LogChecks(const VerifiedLog& log) {
  std::vector<std::string> checks = {
      absl::StrCat("checkpoint signature: ", log.checkpoint.origin, ", size ", Grouped(log.checkpoint.size)),
      absl::StrCat("leaves: ", Grouped(log.checkpoint.size), ", well formed, times in order"),
      absl::StrCat("root recomputed from the leaves: ", merkle::HashToHex(log.checkpoint.root))};
  if (log.first.has_value()) {
    checks[1] += absl::StrCat(", ", ParisTime(*log.first), " to ", ParisTime(*log.last));
  }
  return checks;
}

absl::StatusOr<int> VerifyReceipt(Context& context, const std::string& text,
                                  const std::vector<LogKey>& keys) {
  ASSIGN_OR_RETURN(const common::v1::Proof proof, ParseReceipt(text));
  const auto verified = audit::VerifyProof(proof, NamedKeys(keys));
  if (!verified.ok()) {
    return PrintBroken(context, verified.status());
  }
  std::vector<std::string> checks = {
      absl::StrCat("checkpoint signature: ", proof.origin(), ", size ", Grouped(verified->tree_size)),
      absl::StrCat("inclusion: leaf ", verified->index, " is in that tree"), "leaf format: well formed"};
  nlohmann::json facts = {
      {"origin", proof.origin()},
      {"leafIndex", verified->index},
      {"treeSize", verified->tree_size},
      {"time", absl::FormatTime(absl::RFC3339_full, verified->leaf.time, absl::UTCTimeZone())},
      {"header", nlohmann::json::parse(ToJson(verified->leaf.header))}};
  std::string more =
      absl::StrCat("\n", ParisTime(verified->leaf.time), " (Paris)\n", ToText(verified->leaf.header));
  if (verified->details.has_value()) {
    checks.emplace_back("leaf key: opens the sealed part of this leaf");
    facts["details"] = nlohmann::json::parse(ToJson(*verified->details));
    more += ToText(*verified->details);
  }
  return PrintVerified(context, checks, facts, more);
}

absl::StatusOr<int> VerifyFile(Context& context, const AuditOptions& options) {
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  ASSIGN_OR_RETURN(const auto keys, ReadLogKeys(settings, options.keys));
  std::ifstream in(options.file, std::ios::binary);
  std::string first_line;
  if (!in || !std::getline(in, first_line)) {
    return absl::InvalidArgumentError("cannot read " + options.file);
  }
  if (!LooksLikeExport(first_line)) {
    ASSIGN_OR_RETURN(const std::string text, pki::ReadWholeFile(options.file, kMostReceiptBytes));
    return VerifyReceipt(context, text, keys);
  }
  in.clear();
  in.seekg(0);
  const auto log = VerifyExport(in, Verifiers(keys));
  return log.ok() ? PrintLog(context, *log, LogChecks(*log)) : PrintBroken(context, log.status());
}

std::string StatePath(const ClientSettings& settings, const AuditOptions& options) {
  if (!options.state.empty()) {
    return options.state;
  }
  return settings.home.empty() ? ""
                               : absl::StrCat(settings.home, "/auditor/", options.service, ".checkpoint");
}

// NOT_FOUND when none was kept.
absl::StatusOr<merkle::Checkpoint> SeenBefore(const std::string& path, const std::vector<LogKey>& keys) {
  ASSIGN_OR_RETURN(const std::string note, pki::ReadWholeFile(path, kMostCheckpointBytes));
  ASSIGN_OR_RETURN(const LogVerifier opened, LogVerifier::Open(note, Verifiers(keys)));
  return opened.checkpoint();
}

absl::Status CheckOnline(Session& session, const AuditOptions& options, const std::vector<LogKey>& keys,
                         LogVerifier& verifier) {
  bool known = !options.keys.empty();
  for (const LogKey& key : keys) {
    known = known || (key.service == options.service && key.verifier.name == verifier.checkpoint().origin);
  }
  if (!known) {
    return absl::DataLossError("origin: the directory does not name this log for this service");
  }
  RETURN_IF_ERROR(FetchLeaves(session, options.service, verifier.checkpoint().size,
                              [&](const std::string& leaf) { return verifier.Add(leaf); }));
  return verifier.Finish().status();
}

absl::StatusOr<int> VerifyOnline(Context& context, const AuditOptions& options) {
  RETURN_IF_ERROR(CheckAuditService(options.service));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const auto keys, ReadLogKeys(session->settings(), options.keys));
  ASSIGN_OR_RETURN(const std::string note, FetchCheckpoint(*session, options.service));
  auto verifier = LogVerifier::Open(note, Verifiers(keys));
  if (!verifier.ok()) {
    return PrintBroken(context, verifier.status());
  }
  const std::string path = StatePath(session->settings(), options);
  const auto before = path.empty() ? absl::NotFoundError("") : SeenBefore(path, keys);
  if (!before.ok() && !absl::IsNotFound(before.status())) {
    return PrintBroken(context, absl::DataLossError(absl::StrCat("the checkpoint kept in ", path, ": ",
                                                                 before.status().message())));
  }
  absl::Status status = before.ok() ? verifier->MustContain(*before) : absl::OkStatus();
  if (status.ok()) {
    status = CheckOnline(*session, options, keys, *verifier);
  }
  if (absl::IsDataLoss(status)) {
    return PrintBroken(context, status);
  }
  RETURN_IF_ERROR(status);
  ASSIGN_OR_RETURN(const VerifiedLog log, verifier->Finish());
  std::vector<std::string> checks = LogChecks(log);
  if (before.ok()) {
    checks.push_back(
        absl::StrCat("consistency: its first ", Grouped(before->size), " leaves are those seen before"));
  }
  if (!path.empty()) {
    RETURN_IF_ERROR(
        pki::MakeFolder(path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/')), 0700));
    RETURN_IF_ERROR(pki::WriteFileDurably(path, note, kPublic));
  }
  return PrintLog(context, log, checks);
}

absl::StatusOr<int> RunVerify(Context& context, const AuditOptions& options) {
  if (options.service.empty() == options.file.empty()) {
    return absl::InvalidArgumentError("give a receipt or an export, or --service for a live log");
  }
  return options.file.empty() ? VerifyOnline(context, options) : VerifyFile(context, options);
}

class TailPrinter {
 public:
  TailPrinter(bool json, uint64_t limit) : json_(json), limit_(limit) {}

  void Leaves(const audit::v1::TailLeaves& leaves) {
    for (int i = 0; i < leaves.leaves_size() && !Full(); ++i) {
      One(leaves.first() + static_cast<uint64_t>(i), leaves.leaves(i));
      ++printed_;
    }
    next_ = leaves.first() + static_cast<uint64_t>(leaves.leaves_size());
  }
  [[nodiscard]] bool Full() const { return limit_ > 0 && printed_ >= limit_; }
  [[nodiscard]] uint64_t next() const { return next_; }

 private:
  void One(uint64_t index, const audit::v1::TailLeaf& leaf) const {
    const auto parsed = audit::ParseLeaf(leaf.leaf());
    if (json_) {
      nlohmann::json out = {{"index", index}, {"opening", EnumText(leaf.opening())}};
      if (parsed.ok()) {
        out["time"] = absl::FormatTime(absl::RFC3339_full, parsed->time, absl::UTCTimeZone());
        out["header"] = nlohmann::json::parse(ToJson(parsed->header));
      }
      if (leaf.opening() == audit::v1::TailLeaf::OPENING_OPENED) {
        out["details"] = nlohmann::json::parse(ToJson(leaf.details()));
      }
      std::cout << out.dump() << std::endl;
      return;
    }
    std::cout << index << "  " << (parsed.ok() ? ParisTime(parsed->time) : "malformed") << "  "
              << (parsed.ok() ? EnumText(parsed->header.event_class()) : "") << "  "
              << (parsed.ok() ? parsed->header.institution() : "");
    if (leaf.opening() != audit::v1::TailLeaf::OPENING_UNSPECIFIED) {
      std::cout << "  " << EnumText(leaf.opening());
    }
    std::cout << "\n";
    if (leaf.opening() == audit::v1::TailLeaf::OPENING_OPENED) {
      std::istringstream lines(ToText(leaf.details()));
      for (std::string line; std::getline(lines, line);) {
        std::cout << "      " << line << "\n";
      }
    }
    std::cout << std::flush;
  }

  const bool json_;
  const uint64_t limit_;
  uint64_t printed_ = 0;
  uint64_t next_ = 0;
};

absl::StatusOr<int> RunTail(Context& context, const AuditOptions& options) {
  RETURN_IF_ERROR(CheckAuditService(options.service));
  ASSIGN_OR_RETURN(const auto view, ParseEnumOption<audit::v1::TailView>(options.view, "--view"));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const auto channel, session->Channel(options.service));
  channel->WaitForConnected(std::chrono::system_clock::now() +
                            absl::ToChronoMicroseconds(session->timeout()));
  const auto stub = AuditService::NewStub(channel);
  grpc::ClientContext call;
  session->Prepare(call, options.follow ? kLongestTail : absl::Minutes(30));
  const Interrupt interrupt([&call] { call.TryCancel(); });
  const auto stream = stub->Tail(&call);
  audit::v1::TailRequest open;
  open.mutable_open()->set_from(options.from);
  open.mutable_open()->set_view(view);
  audit::v1::TailRequest nonce;
  SystemRandom random;
  nonce.set_nonce(random.Bytes(kNonceBytes));
  TailPrinter printer(context.globals.json, options.limit);
  // The answer to the nonce says where the log ends now.
  std::optional<uint64_t> end;
  audit::v1::TailResponse response;
  bool done = false;
  bool alive = stream->Write(open) && (options.follow || stream->Write(nonce));
  while (alive && !done && stream->Read(&response)) {
    if (response.has_leaves()) {
      printer.Leaves(response.leaves());
    } else {
      end = response.state().size();
    }
    done = printer.Full() || (end.has_value() && (printer.next() >= *end || options.from >= *end));
  }
  if (done) {
    call.TryCancel();
    (void)stream->Finish();
    return kExitOk;
  }
  const grpc::Status status = stream->Finish();
  if (interrupt.raised()) {
    return options.follow ? kExitOk : kExitIncomplete;
  }
  return status.ok() ? absl::StatusOr<int>(kExitOk)
                     : session->Explain(options.service, rpc::FromGrpc(status));
}

// Names every message a leaf may carry, so that the linker keeps them for JSON.
void KeepPayloads() {
  (void)consent::v1::PersonRegistered::descriptor();
  (void)routing::v1::ReferentChanged::descriptor();
  (void)alerting::v1::SignalAccepted::descriptor();
}

void AddKeys(CLI::App& verb, AuditOptions& options) {
  AddRepeated(verb, "--key", options.keys,
              "a log's key, <origin>+<id>+<base64>; default: those of the directory");
}

}  // namespace

void AddAuditCommands(CLI::App& app, Context& context) {
  KeepPayloads();
  CLI::App& noun = AddNoun(app, "audit", "the services' logs: read them, export them, prove them");

  CLI::App& checkpoint = AddVerb(noun, "checkpoint", "the latest signed checkpoint",
                                 "relais --as auditor/suite audit checkpoint --service consent");
  auto checkpoint_options = std::make_shared<AuditOptions>();
  checkpoint.add_option("--service", checkpoint_options->service, "consent, routing or alerting")->required();
  OnRun(checkpoint, context, checkpoint_options, RunCheckpoint);

  CLI::App& tail =
      AddVerb(noun, "tail", "leaves in order; opened ones need --reason, and leave a leaf themselves",
              "relais --as auditor/suite --reason 'contrôle 2026-11' audit tail --service consent --view "
              "opened --from 10 --limit 5");
  auto tail_options = std::make_shared<AuditOptions>();
  tail.add_option("--service", tail_options->service, "consent, routing or alerting")->required();
  tail.add_option("--view", tail_options->view, "sealed or opened")->capture_default_str();
  tail.add_option("--from", tail_options->from, "first index");
  tail.add_option("--limit", tail_options->limit, "at most this many; 0: all there are");
  tail.add_flag("--follow", tail_options->follow, "go on as the log grows");
  OnRun(tail, context, tail_options, RunTail);

  AddAuditExport(noun, context);
  AddAuditQuery(noun, context);
  AddAuditScope(noun, context);

  CLI::App& verify =
      AddVerb(noun, "verify",
              "check a receipt or an export offline, or a live log; exit 1 names the check that failed",
              "relais audit verify receipt.json");
  auto verify_options = std::make_shared<AuditOptions>();
  verify.add_option("file", verify_options->file, "a receipt or an export");
  verify.add_option("--service", verify_options->service, "a live log: consent, routing or alerting");
  verify.add_option("--state", verify_options->state, "where the checkpoint seen last is kept");
  AddKeys(verify, *verify_options);
  OnRun(verify, context, verify_options, RunVerify);
}

}  // namespace relais::cli
