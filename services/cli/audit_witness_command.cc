// `relais audit witness`: vouches that a log only grew.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/audit/witness.h"
#include "common/base/status.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;

constexpr absl::Duration kLook = absl::Milliseconds(100);

struct WitnessCommand {
  std::string service;
  std::string key;
  std::string state;
  std::vector<std::string> keys;
  bool submit = false;
  bool follow = false;
  std::string interval = "30s";
};

struct Watch {
  std::unique_ptr<Session> session;
  std::vector<LogKey> keys;
  std::unique_ptr<audit::LogSource> source;
  std::unique_ptr<audit::Witness> witness;
};

// Fetches, cosigns, hands in; prints what was done.
absl::Status CosignOnce(const Context& context, const WitnessCommand& options, Watch& watch) {
  ASSIGN_OR_RETURN(const std::string note,
                   FetchCheckpoint(*watch.session, options.service, WhichCheckpoint::kToCosign));
  std::vector<merkle::NoteVerifier> verifiers;
  for (const LogKey& key : watch.keys) {
    if (key.service.empty() || key.service == options.service) {
      verifiers.push_back(key.verifier);
    }
  }
  ASSIGN_OR_RETURN(
      const audit::Witness::Cosigned cosigned,
      watch.witness->Cosign(note, verifiers, *watch.source, SuiteNow(watch.session->settings())));
  nlohmann::json facts = {{"origin", cosigned.checkpoint.origin},
                          {"size", cosigned.checkpoint.size},
                          {"before", cosigned.before},
                          {"checkpoint", cosigned.note},
                          {"submitted", options.submit}};
  std::string text = options.submit ? "" : cosigned.note;
  if (options.submit) {
    audit::v1::AddCosignatureRequest request;
    request.set_checkpoint(cosigned.note);
    ASSIGN_OR_RETURN(const auto response, watch.session->CallAt<AuditService>(
                                              options.service, &AuditService::Stub::AddCosignature, request));
    facts["witnesses"] = std::vector<std::string>(response.witnesses().begin(), response.witnesses().end());
    facts["quorum"] = response.quorum();
    text = absl::StrCat("cosigned ", cosigned.checkpoint.origin, " at ", Grouped(cosigned.checkpoint.size),
                        " leaves; by now: ", absl::StrJoin(response.witnesses(), ", "),
                        response.quorum() ? ", a quorum\n" : "\n");
  }
  Print(context.globals.json, facts, text);
  std::cout << std::flush;
  return absl::OkStatus();
}

absl::StatusOr<int> RunWitness(Context& context, const WitnessCommand& options) {
  absl::Duration interval;
  if (!absl::ParseDuration(options.interval, &interval) || interval <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--interval wants a duration such as 30s");
  }
  RETURN_IF_ERROR(CheckService(options.service));
  Watch watch;
  ASSIGN_OR_RETURN(watch.session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(watch.keys, ReadLogKeys(watch.session->settings(), options.keys));
  ASSIGN_OR_RETURN(audit::WitnessKey key, audit::ReadWitnessKey(options.key));
  ASSIGN_OR_RETURN(watch.witness, audit::Witness::Open(options.state, std::move(key)));
  watch.source = MakeLogSource(*watch.session, options.service);
  const Interrupt interrupt([] {});
  while (true) {
    const absl::Status status = CosignOnce(context, options, watch);
    if (absl::IsAborted(status)) {
      return PrintAlarm(context, status);
    }
    if (!options.follow) {
      RETURN_IF_ERROR(status);
      return kExitOk;
    }
    if (!status.ok()) {
      std::cerr << "relais: " << status.message() << "; trying again" << std::endl;
    }
    const absl::Time until = absl::Now() + interval;
    while (!interrupt.raised() && absl::Now() < until) {
      absl::SleepFor(kLook);
    }
    if (interrupt.raised()) {
      return kExitOk;
    }
  }
}

}  // namespace

void AddAuditWitness(CLI::App& noun, Context& context) {
  CLI::App& witness = AddVerb(
      noun, "witness",
      "cosign a log's checkpoint once it is proven to contain the one cosigned before; exit 10 when the "
      "log is caught",
      "relais --as auditor/suite audit witness --service consent --key witness.key --state state --submit");
  auto options = std::make_shared<WitnessCommand>();
  witness.add_option("--service", options->service, "consent, routing, alerting or vault")->required();
  witness.add_option("--key", options->key, "the witness's key file (relais pki witness-key)")->required();
  witness.add_option("--state", options->state, "folder for what was cosigned last; never lose it")
      ->required();
  witness.add_flag("--submit", options->submit, "hand the cosignature in to the log; else print it");
  witness.add_flag("--follow", options->follow, "go on until stopped");
  witness.add_option("--interval", options->interval, "with --follow: how often")->capture_default_str();
  AddRepeated(witness, "--log-key", options->keys,
              "the log's key, <origin>+<id>+<base64>; default: those of the directory");
  OnRun(witness, context, options, RunWitness);
}

}  // namespace relais::cli
