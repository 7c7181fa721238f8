// `relais audit`: the logs, read and checked.
#include "services/cli/audit_command.h"

#include <chrono>
#include <iostream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "relais/alerting/v1/events.pb.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/cli/audit_check.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;

constexpr size_t kNonceBytes = 16;
constexpr absl::Duration kLongestTail = absl::Hours(24);

struct AuditOptions {
  std::string service;
  bool cosigned = false;
  std::string view = "sealed";
  uint64_t from = 0;
  uint64_t limit = 0;
  bool follow = false;
};

absl::StatusOr<int> RunCheckpoint(Context& context, const AuditOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const std::string checkpoint,
                   FetchCheckpoint(*session, options.service,
                                   options.cosigned ? WhichCheckpoint::kCosigned : WhichCheckpoint::kLatest));
  Print(context.globals.json, nlohmann::json{{"checkpoint", checkpoint}}, checkpoint);
  return kExitOk;
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
    if (!leaf.leaf_hash().empty()) {  // not in this reader's scope
      const std::string hash = crypto::HexEncode(leaf.leaf_hash());
      std::cout << (json_
                        ? nlohmann::json{{"index", index}, {"opening", "WITHHELD"}, {"leafHash", hash}}.dump()
                        : absl::StrCat(index, "  withheld  ", hash))
                << std::endl;
      return;
    }
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
  RETURN_IF_ERROR(CheckService(options.service));
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

}  // namespace

void AddAuditCommands(CLI::App& app, Context& context) {
  KeepPayloads();
  CLI::App& noun = AddNoun(app, "audit", "the services' logs: read them, export them, prove them");

  CLI::App& checkpoint = AddVerb(noun, "checkpoint", "the latest signed checkpoint",
                                 "relais --as auditor/suite audit checkpoint --service consent");
  auto checkpoint_options = std::make_shared<AuditOptions>();
  checkpoint.add_option("--service", checkpoint_options->service, "consent, routing, alerting or vault")
      ->required();
  checkpoint.add_flag("--cosigned", checkpoint_options->cosigned, "the newest that witnesses have cosigned");
  OnRun(checkpoint, context, checkpoint_options, RunCheckpoint);

  CLI::App& tail =
      AddVerb(noun, "tail", "leaves in order; opened ones need --reason, and leave a leaf themselves",
              "relais --as auditor/suite --reason 'contrôle 2026-11' audit tail --service consent --view "
              "opened --from 10 --limit 5");
  auto tail_options = std::make_shared<AuditOptions>();
  tail.add_option("--service", tail_options->service, "consent, routing, alerting or vault")->required();
  tail.add_option("--view", tail_options->view, "sealed or opened")->capture_default_str();
  tail.add_option("--from", tail_options->from, "first index");
  tail.add_option("--limit", tail_options->limit, "at most this many; 0: all there are");
  tail.add_flag("--follow", tail_options->follow, "go on as the log grows");
  OnRun(tail, context, tail_options, RunTail);

  AddAuditExport(noun, context);
  AddAuditQuery(noun, context);
  AddAuditScope(noun, context);

  AddAuditVerify(noun, context);
  AddAuditProof(noun, context);
  AddAuditMirror(noun, context);
  AddAuditFsck(noun, context);
  AddAuditWitness(noun, context);
  AddAuditCheck(noun, context);
}

}  // namespace relais::cli
