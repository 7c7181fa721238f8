#include "services/cli/settings.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/config.h"
#include "common/base/status.h"
#include "common/pki/spiffe.h"

namespace relais::cli {
namespace {

// What goes with a call as metadata; gRPC ends the process over anything else.
absl::Status CheckAsMetadata(const char* option, const std::string& value) {
  if (std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7F'; })) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      option, " holds something else than letters without accents, digits and signs",
      option == std::string("--agent") ? ": it is a stable pseudonymous id, such as as-0042, not a name"
                                       : ""));
}

}  // namespace

absl::StatusOr<std::string> ClientSettings::InHome(const std::string& name) const {
  if (home.empty()) {
    return absl::FailedPreconditionError("RELAIS_HOME is not set: source the suite's env file first");
  }
  return absl::StrCat(home, "/", name);
}

absl::StatusOr<ClientSettings> ReadClientSettings(const Globals& globals) {
  absl::StatusOr<Config> config =
      globals.config.empty() ? Config::Parse("", {}) : Config::Load(globals.config, {});
  if (!config.ok()) {
    return absl::InvalidArgumentError(config.status().message());
  }
  ClientSettings s;
  s.home = config->String("home", "");
  s.pki = config->String("pki", s.home.empty() ? "" : s.home + "/pki");
  s.certificate = config->String("certificate", "");
  s.key = config->String("key", "");
  s.trust_roots = config->String("trust_roots", s.pki.empty() ? "" : s.pki + "/ca/bundle.pem");
  s.services_ca = config->String("services_ca", s.pki.empty() ? "" : s.pki + "/ca/services.pem");
  s.trust_domain = config->String("trust_domain", "");
  for (const char* service : kServices) {
    s.targets[service] = config->String(service, "");
  }
  s.directory = config->String("directory", s.home.empty() ? "" : s.home + "/directory/directory.yaml");
  s.keys = config->String("keys", s.home.empty() ? "" : s.home + "/directory/root.pub");
  s.suppression_key = config->String("suppression_key", "");
  s.test_clock = config->String("test_clock", "");
  s.as = config->String("as", "");
  s.auditor = config->String("auditor", "");
  s.agent = config->String("agent", "");
  s.function = config->String("function", "");
  RETURN_IF_ERROR(config->Finish());
  if (!globals.as.empty()) {
    s.as = globals.as;
  }
  if (!globals.agent.empty()) {
    s.agent = globals.agent;
  }
  if (!globals.function.empty()) {
    s.function = globals.function;
  }
  RETURN_IF_ERROR(CheckAsMetadata("--agent", s.agent));
  RETURN_IF_ERROR(CheckAsMetadata("--function", s.function));
  return s;
}

bool ClientSettings::Has(const std::string& service) const {
  const auto target = targets.find(service);
  return service != "vault" || (target != targets.end() && !target->second.empty());
}

absl::StatusOr<SystemId> ParseSystemId(const std::string& text) {
  if (text.empty()) {
    return absl::InvalidArgumentError("say who acts with --as institution/system (or RELAIS_AS)");
  }
  const size_t slash = text.find('/');
  if (slash == std::string::npos || !pki::IsValidId(text.substr(0, slash)) ||
      !pki::IsValidId(text.substr(slash + 1))) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not institution/system, such as edf/billing"));
  }
  return SystemId{text.substr(0, slash), text.substr(slash + 1)};
}

std::string ProposedFunction(const ClientSettings& settings, const std::string& as) {
  if (settings.home.empty()) {
    return "";
  }
  std::ifstream file(settings.home + "/functions");
  std::string system;
  std::string function;
  while (file >> system >> function) {
    if (system == as) {
      return function;
    }
  }
  return "";
}

absl::Time SuiteNow(const ClientSettings& settings) {
  const absl::Time now = SystemClock().Now();
  const size_t comma = settings.test_clock.find(',');
  absl::Time start;
  absl::Time real;
  std::string error;
  if (comma == std::string::npos ||
      !absl::ParseTime(absl::RFC3339_full, settings.test_clock.substr(0, comma), &start, &error) ||
      !absl::ParseTime(absl::RFC3339_full, settings.test_clock.substr(comma + 1), &real, &error)) {
    return now;
  }
  return start + (now - real);
}

}  // namespace relais::cli
