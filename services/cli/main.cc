// The `relais` command.
#include <iostream>

#include "common/rpc/process.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"
#include "services/cli/output.h"

int main(int argc, char** argv) {
  using namespace relais;  // NOLINT(google-build-using-namespace)
  cli::Interrupt::Install();
  cli::Context context;
  CLI::App app("", "relais");
  cli::BuildApp(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kExitOk : cli::kExitUsage;
  }
  const absl::Status tls = rpc::ConfigureProcess();
  const absl::StatusOr<int> code = tls.ok() ? context.command() : absl::StatusOr<int>(tls);
  if (!code.ok()) {
    cli::PrintError(std::cerr, code.status(), context.globals.json);
    return cli::ExitCodeOf(code.status());
  }
  return *code;
}
