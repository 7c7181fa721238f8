// Everything a development suite needs, under one folder (`relais dev init`, used by scripts/up.sh).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/random.h"
#include "common/directory/directory.h"

namespace relais::cli {

struct DevInit {
  std::string dir;                       // absolute
  std::string template_yaml;             // text of the directory; its logs are filled in
  std::string bin_dir;                   // put in PATH by the env file; "" leaves PATH alone
  std::optional<absl::Time> test_start;  // what the suite's clock shows at `now`
  absl::Time now;                        // the real instant
};

/// `n` different free TCP ports of 127.0.0.1, free when asked.
using PickPorts = std::function<absl::StatusOr<std::vector<int>>(size_t n)>;
[[nodiscard]] absl::StatusOr<std::vector<int>> PickLoopbackPorts(size_t n);

/// Makes under `dir` (keys 0600, folders 0700):
///   pki/                            development PKI for all systems and services (common/pki/development.h)
///   pki/institutions/<i>/suppression.key   of each institution that sends signals
///   keys/{master,ring}              what services share: "handle", "match", "suppression/<institution>"
///   directory/{directory.yaml,directory.yaml.sig,root.key,root.pub}
///   <service>/{config.yaml,flags,master,signer.key}   one flag a line
///   functions                       institution/system and the function its humans act in
///   env                             last: its presence says that the rest is there
/// ALREADY_EXISTS, touching nothing, when any of it is there.
absl::Status InitDevelopment(const DevInit& init, const PickPorts& pick_ports, Random& random);

/// The function by which a human of that system can do most of what the system's roles are for; "" when none
/// fits.
[[nodiscard]] std::string FunctionFor(const directory::Directory& directory,
                                      const directory::Institution& institution,
                                      const directory::System& system);

/// In single quotes, for a shell.
[[nodiscard]] std::string ShellQuote(const std::string& text);

}  // namespace relais::cli
