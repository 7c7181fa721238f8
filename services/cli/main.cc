// The `relais` command.
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "common/rpc/process.h"
#include "google/protobuf/stubs/logging.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"
#include "services/cli/output.h"
#include "services/cli/usage.h"

int main(int argc, char** argv) {
  using namespace relais;  // NOLINT(google-build-using-namespace)
  // What gRPC and protobuf would write on stderr of their own is in the errors that are printed.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  google::protobuf::SetLogHandler(nullptr);
  cli::Interrupt::Install();
  cli::Context context;
  CLI::App app("", "relais");
  cli::BuildApp(app, context);
  std::vector<std::string> words = cli::Arguments(argc, argv);
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  if (const absl::Status read = cli::CheckWords(words); !read.ok()) {
    cli::PrintError(std::cerr, read, json);
    return cli::kExitUsage;
  }
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;  // --help, --version
    const std::string wrong = asked ? cli::ExplainUnknownTopic(app) : cli::ExplainParseError(app, error);
    if (wrong.empty()) {
      return app.exit(error);
    }
    cli::PrintError(std::cerr, absl::InvalidArgumentError(wrong), json);
    return cli::kExitUsage;
  }
  const absl::Status tls = rpc::ConfigureProcess();
  const absl::StatusOr<int> code = tls.ok() ? context.command() : absl::StatusOr<int>(tls);
  if (!code.ok()) {
    cli::PrintError(std::cerr, code.status(), context.globals.json);
    return cli::ExitCodeOf(code.status());
  }
  return *code;
}
