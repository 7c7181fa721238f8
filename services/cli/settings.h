// Where the services are and who we are: a YAML file, overridden by the environment (RELAIS_HOME for `home`).
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/cli/command.h"

namespace relais::cli {

struct ClientSettings {
  std::string home;         // home: folder of a development suite; "" elsewhere
  std::string pki;          // pki: institutions/<i>/<s>/tls.{crt,key}, ca/
  std::string certificate;  // certificate, key: instead of pki, for one system
  std::string key;
  std::string trust_roots;   // trust_roots: PEM; default <pki>/ca/bundle.pem
  std::string services_ca;   // services_ca: PEM of what signs services; default <pki>/ca/services.pem
  std::string trust_domain;  // trust_domain: "relais.test"
  std::map<std::string, std::string> targets;  // consent, routing, alerting, vault: host:port
  std::string directory;        // directory: signed YAML; default <home>/directory/directory.yaml
  std::string keys;             // keys: public root keys; default <home>/directory/root.pub
  std::string suppression_key;  // suppression_key: the sender's; default in its folder of pki
  std::string test_clock;       // test_clock: START,REAL of a development suite
  std::string as;               // as: institution/system; --as wins
  std::string auditor;          // auditor: what `audit` acts as without --as
  std::string agent;            // agent, function: of the human; --agent, --function win
  std::string function;

  /// False for a vault without address: a suite may be without one. Every other service is there.
  [[nodiscard]] bool Has(const std::string& service) const;
  /// <home>/<name> with `home` set; FAILED_PRECONDITION naming the setting otherwise.
  [[nodiscard]] absl::StatusOr<std::string> InHome(const std::string& name) const;
};

inline constexpr const char* kServices[] = {"consent", "routing", "alerting", "vault"};

/// INVALID_ARGUMENT for a file that cannot be read or has unknown keys.
[[nodiscard]] absl::StatusOr<ClientSettings> ReadClientSettings(const Globals& globals);

/// "edf/billing" in two. INVALID_ARGUMENT when it is not of that form or empty.
struct SystemId {
  std::string institution;
  std::string system;
};
[[nodiscard]] absl::StatusOr<SystemId> ParseSystemId(const std::string& text);

/// The function a development suite proposes for a system (`<home>/functions`); "" when it says none.
[[nodiscard]] std::string ProposedFunction(const ClientSettings& settings, const std::string& as);

/// The suite's instant: the machine's, or what its test clock shows.
[[nodiscard]] absl::Time SuiteNow(const ClientSettings& settings);

}  // namespace relais::cli
