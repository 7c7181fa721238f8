#include "common/base/config.h"

#include <yaml-cpp/yaml.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"

namespace relais {
namespace {

constexpr int64_t kMostMonths = 1200;

absl::Status Flatten(const YAML::Node& node, const std::string& prefix,
                     std::map<std::string, std::string>& out) {
  if (node.IsScalar()) {
    out[prefix] = node.Scalar();
    return absl::OkStatus();
  }
  if (!node.IsMap()) {
    return absl::InvalidArgumentError(absl::StrCat("setting '", prefix, "' must be a value or a mapping"));
  }
  for (const auto& item : node) {
    const std::string name = item.first.Scalar();
    RETURN_IF_ERROR(Flatten(item.second, prefix.empty() ? name : absl::StrCat(prefix, ".", name), out));
  }
  return absl::OkStatus();
}

std::string EnvironmentName(const std::string& key) {
  std::string name = "RELAIS_";
  for (char c : key) {
    name.push_back(std::isalnum(static_cast<unsigned char>(c)) != 0
                       ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                       : '_');
  }
  return name;
}

}  // namespace

absl::StatusOr<Config> Config::Load(const std::string& path, const std::vector<std::string>& overrides) {
  std::ifstream in(path);
  if (!in) {
    return absl::NotFoundError(absl::StrCat("cannot read settings file ", path));
  }
  std::ostringstream text;
  text << in.rdbuf();
  return Parse(text.str(), overrides);
}

absl::StatusOr<Config> Config::Parse(std::string_view yaml, const std::vector<std::string>& overrides) {
  Config config;
  // yaml-cpp reports by exception; it ends here.
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsNull()) {
      RETURN_IF_ERROR(Flatten(root, "", config.values_));
    }
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(absl::StrCat("settings are not YAML: ", e.what()));
  }
  for (const std::string& item : overrides) {
    const size_t eq = item.find('=');
    if (eq == std::string::npos || eq == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--set wants key=value, got '", item, "'"));
    }
    config.values_[item.substr(0, eq)] = item.substr(eq + 1);
    config.known_.insert("--set " + item.substr(0, eq));
  }
  return config;
}

const std::string* Config::Find(const std::string& key) {
  known_.insert(key);
  const bool from_flag = known_.contains("--set " + key);
  if (!from_flag) {
    if (const char* env = std::getenv(EnvironmentName(key).c_str()); env != nullptr) {
      values_[key] = env;
    }
  }
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

std::string Config::String(const std::string& key) {
  if (const std::string* value = Find(key)) {
    return *value;
  }
  errors_.push_back(absl::StrCat("'", key, "' is missing"));
  return "";
}

std::string Config::String(const std::string& key, const std::string& fallback) {
  const std::string* value = Find(key);
  return value != nullptr ? *value : fallback;
}

int64_t Config::Int(const std::string& key, int64_t fallback, int64_t min, int64_t max) {
  const std::string* value = Find(key);
  if (value == nullptr) {
    return fallback;
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(*value, &number) || number < min || number > max) {
    errors_.push_back(absl::StrCat("'", key, "' must be an integer from ", min, " to ", max));
    return fallback;
  }
  return number;
}

int Config::Months(const std::string& key, int fallback) {
  return static_cast<int>(Int(key, fallback, 1, kMostMonths));
}

bool Config::Bool(const std::string& key, bool fallback) {
  const std::string* value = Find(key);
  if (value == nullptr) {
    return fallback;
  }
  if (*value == "true" || *value == "false") {
    return *value == "true";
  }
  errors_.push_back(absl::StrCat("'", key, "' must be true or false"));
  return fallback;
}

absl::Duration Config::Duration(const std::string& key, absl::Duration fallback) {
  const std::string* value = Find(key);
  if (value == nullptr) {
    return fallback;
  }
  absl::Duration duration;
  if (!absl::ParseDuration(*value, &duration) || duration < absl::ZeroDuration()) {
    errors_.push_back(absl::StrCat("'", key, "' must be a duration such as 250ms or 2s"));
    return fallback;
  }
  return duration;
}

absl::Duration Config::Duration(const std::string& key, absl::Duration fallback, absl::Duration min,
                                absl::Duration max) {
  const absl::Duration duration = Duration(key, fallback);
  if (duration < min || duration > max) {
    errors_.push_back(absl::StrCat("'", key, "' must be a duration from ", absl::FormatDuration(min), " to ",
                                   absl::FormatDuration(max)));
    return fallback;
  }
  return duration;
}

std::vector<std::string> Config::Children(const std::string& prefix) const {
  std::set<std::string> names;
  const std::string start = prefix + ".";
  for (auto it = values_.lower_bound(start); it != values_.end() && it->first.starts_with(start); ++it) {
    const std::string rest = it->first.substr(start.size());
    names.insert(rest.substr(0, rest.find('.')));
  }
  return {names.begin(), names.end()};
}

absl::Status Config::Finish() const {
  std::vector<std::string> errors = errors_;
  for (const auto& [key, value] : values_) {
    if (!known_.contains(key)) {
      errors.push_back(absl::StrCat("'", key, "' is not a setting"));
    }
  }
  if (errors.empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("settings: ", absl::StrJoin(errors, "; ")));
}

}  // namespace relais
