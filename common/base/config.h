// Settings: one YAML file per service, each value overridable by environment and flag. Unknown keys are
// errors.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais {

/// A flat view of a YAML mapping: `tls.certificate: x` is key "tls.certificate". Precedence, highest first:
/// flag `--set tls.certificate=x`, environment `RELAIS_TLS_CERTIFICATE`, file. Typed reads remember which
/// keys were asked for; `Finish` then refuses every key that no one knows, naming it.
class Config {
 public:
  static absl::StatusOr<Config> Load(const std::string& path, const std::vector<std::string>& overrides);
  static absl::StatusOr<Config> Parse(std::string_view yaml, const std::vector<std::string>& overrides);

  /// Reads; a missing key without default, or a value of the wrong form, is recorded and reported by Finish.
  std::string String(const std::string& key);
  std::string String(const std::string& key, const std::string& fallback);
  int64_t Int(const std::string& key, int64_t fallback, int64_t min, int64_t max);
  /// How long something is kept: 1 to 1200.
  int Months(const std::string& key, int fallback);
  bool Bool(const std::string& key, bool fallback);
  /// absl duration syntax: "250ms", "2s", "1h".
  absl::Duration Duration(const std::string& key, absl::Duration fallback);
  absl::Duration Duration(const std::string& key, absl::Duration fallback, absl::Duration min,
                          absl::Duration max);
  /// The names directly under `prefix`, sorted: for "peers" with "peers.consent.target", {"consent"}.
  [[nodiscard]] std::vector<std::string> Children(const std::string& prefix) const;

  /// OK, or INVALID_ARGUMENT naming every missing, malformed or unknown key.
  [[nodiscard]] absl::Status Finish() const;

 private:
  const std::string* Find(const std::string& key);

  std::map<std::string, std::string> values_;
  std::set<std::string> known_;
  std::vector<std::string> errors_;
};

}  // namespace relais
