// How nouns and verbs are declared: each verb has its options, an example, and one function that runs it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::cli {

/// Options that stand before or after any verb.
struct Globals {
  std::string as;  // institution/system
  bool json = false;
  std::string config;  // settings file
  std::string timeout = "10s";
  std::string agent;  // metadata relais-agent, relais-function, relais-reason
  std::string function;
  std::string reason;
};

/// One invocation. `command` is set by the verb that was parsed; it returns the exit code, or an error whose
/// exit code is ExitCodeOf's to say.
struct Context {
  Globals globals;
  std::function<absl::StatusOr<int>()> command;
};

/// The whole command tree over `context`, which outlives it.
void BuildApp(CLI::App& app, Context& context);

CLI::App& AddNoun(CLI::App& app, const std::string& name, const std::string& description);
/// `example` is a whole command line.
CLI::App& AddVerb(CLI::App& noun, const std::string& name, const std::string& description,
                  const std::string& example);

template <typename Options>
void OnRun(CLI::App& verb, Context& context, std::shared_ptr<Options> options,
           absl::StatusOr<int> (*run)(Context&, const Options&)) {
  verb.callback([&context, options = std::move(options), run] {
    context.command = [&context, options, run] { return run(context, *options); };
  });
}

/// An option that may be given several times, one value each.
CLI::Option* AddRepeated(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                         const std::string& description);

/// What `-` is to a file that is written.
enum class Dash { kNoFile, kStandardOutput };
/// An option, or an argument, that names a file which a verb writes: receipts and whatever else. A line that
/// names one that cannot be written (values.h, CheckOutput) does not parse, so nothing was sent.
CLI::Option* AddOutput(CLI::App& verb, const std::string& name, std::string& path,
                       const std::string& description, Dash dash = Dash::kNoFile);

void AddDirectoryCommands(CLI::App& app, Context& context);
void AddPersonCommands(CLI::App& app, Context& context);
void AddConsentCommands(CLI::App& app, Context& context);
void AddCheckCommand(CLI::App& app, Context& context);
void AddReferentCommands(CLI::App& app, Context& context);
void AddInboxCommands(CLI::App& app, Context& context);
void AddSignalCommands(CLI::App& app, Context& context);
void AddAlertCommands(CLI::App& app, Context& context);
void AddDocumentCommands(CLI::App& app, Context& context);
void AddVaultCommands(CLI::App& app, Context& context);
void AddAuditCommands(CLI::App& app, Context& context);
void AddHoldCommands(CLI::App& app, Context& context);
void AddMaintenanceCommands(CLI::App& app, Context& context);
void AddBackupCommands(CLI::App& app, Context& context);
void AddPkiCommands(CLI::App& app, Context& context);
void AddRightsCommands(CLI::App& app, Context& context);
void AddStatusCommand(CLI::App& app, Context& context);
void AddDevCommands(CLI::App& app, Context& context);
void AddCompletionCommand(CLI::App& app, Context& context);

}  // namespace relais::cli
