// `relais dev`: development suites.
#include <filesystem>
#include <iostream>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/directory/lint.h"
#include "common/text/day.h"
#include "services/cli/command.h"
#include "services/cli/dev_init.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

constexpr size_t kMostDirectoryBytes = size_t{4} << 20;

struct InitOptions {
  std::string dir;
  std::string directory;
  std::string test_clock;
};

absl::StatusOr<int> RunInit(Context& context, const InitOptions& options) {
  DevInit init;
  std::error_code error;
  init.dir = std::filesystem::absolute(options.dir, error).lexically_normal().string();
  ASSIGN_OR_RETURN(init.template_yaml, ReadInput(options.directory, kMostDirectoryBytes));
  if (const auto linted = directory::ParseAndLint(init.template_yaml); !linted.ok()) {
    PrintError(std::cerr, linted.status(), context.globals.json);
    return kExitFileRefused;
  }
  init.now = SystemClock().Now();
  if (!options.test_clock.empty()) {
    init.test_start = text::ParseInstant(options.test_clock);
    if (!init.test_start.has_value()) {
      return absl::InvalidArgumentError("--test-clock wants an instant such as 2026-11-10T09:00:00+01:00");
    }
  }
  init.bin_dir = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
  SystemRandom random;
  RETURN_IF_ERROR(InitDevelopment(init, PickLoopbackPorts, random));
  Print(context.globals.json, nlohmann::json{{"home", init.dir}, {"env", init.dir + "/env"}},
        "made " + init.dir + "; next: source " + init.dir + "/env\n");
  return kExitOk;
}

}  // namespace

void AddDevCommands(CLI::App& app, Context& context) {
  CLI::App& dev = AddNoun(app, "dev", "development suites");
  CLI::App& init =
      AddVerb(dev, "init", "make keys, certificates, a signed directory and settings under a folder",
              "relais dev init suite --directory deploy/dev/directory.yaml");
  auto options = std::make_shared<InitOptions>();
  init.add_option("dir", options->dir, "the folder")->required();
  init.add_option("--directory", options->directory, "the directory to sign, YAML")->required();
  init.add_option("--test-clock", options->test_clock, "what the suite's clock shows from now on, RFC 3339");
  OnRun(init, context, options, RunInit);
}

}  // namespace relais::cli
