#include "services/cli/command.h"

#include "services/cli/values.h"

namespace relais::cli {

CLI::App& AddNoun(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* noun = app.add_subcommand(name, description);
  noun->require_subcommand(1);
  noun->footer("`relais " + name + " VERB --help` shows a verb's options, with an example.");
  return *noun;
}

CLI::App& AddVerb(CLI::App& noun, const std::string& name, const std::string& description,
                  const std::string& example) {
  CLI::App* verb = noun.add_subcommand(name, description);
  verb->footer("Example:\n  " + example);
  return *verb;
}

CLI::Option* AddRepeated(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                         const std::string& description) {
  return verb.add_option(name, values, description + " (may be repeated)")->allow_extra_args(false);
}

CLI::Option* AddOutput(CLI::App& verb, const std::string& name, std::string& path,
                       const std::string& description, Dash dash) {
  return verb.add_option(name, path, description)->check([dash](const std::string& given) {
    const bool out = given == "-" && dash == Dash::kStandardOutput;
    return out ? std::string() : std::string(CheckOutput(given).message());
  });
}

void BuildApp(CLI::App& app, Context& context) {
  app.description(
      "Relais: institutions that help people in great hardship exchange what they may, and only what they "
      "may.");
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 usage, 3 some rows refused, 4 file refused, 5 interrupted or "
      "incomplete,\n"
      "6 not permitted, 7 not found, 8 unavailable, 9 not authorised, 10 alarm: a log was caught.\n"
      "Settings: --config FILE (YAML), or RELAIS_HOME, RELAIS_PKI, RELAIS_CONSENT, RELAIS_ROUTING, "
      "RELAIS_ALERTING, RELAIS_VAULT,\n"
      "RELAIS_TRUST_ROOTS, RELAIS_KEYS, RELAIS_AS and their like (docs/integrate.md).\n"
      "`relais help NOUN VERB` is `relais NOUN VERB --help`.\n"
      "Example:\n  relais --as edf/billing signal import --type edf impayes.csv --results outcomes.csv");
  Globals& globals = context.globals;
  app.add_option("--as", globals.as, "act as this system: institution/system");
  app.add_flag("--json", globals.json, "print JSON (protobuf's mapping), one value a line");
  app.add_option("--config", globals.config, "settings, YAML");
  app.add_option("--timeout", globals.timeout, "longest wait for one answer")->capture_default_str();
  app.add_option("--agent", globals.agent, "the human who acts: a stable pseudonymous id");
  app.add_option("--function", globals.function, "her function, as the directory names it");
  app.add_option("--reason", globals.reason, "why, where a motive is required");
  app.set_version_flag("--version", "relais " RELAIS_VERSION);
  app.fallthrough();
  app.require_subcommand(1);
  AddDirectoryCommands(app, context);
  AddPersonCommands(app, context);
  AddConsentCommands(app, context);
  AddCheckCommand(app, context);
  AddReferentCommands(app, context);
  AddInboxCommands(app, context);
  AddSignalCommands(app, context);
  AddAlertCommands(app, context);
  AddDocumentCommands(app, context);
  AddVaultCommands(app, context);
  AddAuditCommands(app, context);
  AddHoldCommands(app, context);
  AddMaintenanceCommands(app, context);
  AddBackupCommands(app, context);
  AddPkiCommands(app, context);
  AddRightsCommands(app, context);
  AddStatusCommand(app, context);
  AddDevCommands(app, context);
  AddCompletionCommand(app, context);
}

}  // namespace relais::cli
