#include "common/directory/edit.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/directory/internal/yaml_value.h"

namespace relais::directory {
namespace {

using internal::YamlValue;

YamlValue Text(std::string text) {
  YamlValue value;
  value.kind = YamlValue::Kind::kText;
  value.text = std::move(text);
  return value;
}

YamlValue List() {
  YamlValue value;
  value.kind = YamlValue::Kind::kList;
  return value;
}

YamlValue& Slot(YamlValue& map, const std::string& key) {
  for (auto& [name, value] : map.map) {
    if (name == key) {
      return value;
    }
  }
  map.map.push_back({key, YamlValue()});
  return map.map.back().value;
}

void SetText(YamlValue& map, const std::string& key, const std::string& text) {
  if (!text.empty()) {
    Slot(map, key) = Text(text);
  }
}

std::string Instant(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

YamlValue LogValue(const LogEntry& log) {
  YamlValue value;
  value.kind = YamlValue::Kind::kMap;
  SetText(value, "service", log.service);
  SetText(value, "origin", log.origin);
  YamlValue keys = List();
  for (const std::string& key : log.keys) {
    keys.list.push_back(Text(absl::Base64Escape(key)));
  }
  Slot(value, "keys") = std::move(keys);
  return value;
}

YamlValue RevocationValue(const Revocation& revocation) {
  YamlValue value;
  value.kind = YamlValue::Kind::kMap;
  SetText(value, "fingerprint", revocation.fingerprint);
  SetText(value, "issuer", revocation.issuer);
  SetText(value, "serial", revocation.serial);
  SetText(value, "revoked_at", Instant(revocation.revoked_at));
  SetText(value, "reason", revocation.reason);
  return value;
}

}  // namespace

absl::StatusOr<std::string> Apply(std::string_view yaml, const Edit& edit) {
  ASSIGN_OR_RETURN(YamlValue root, internal::ParseYaml(yaml));
  if (root.kind != YamlValue::Kind::kMap) {
    return absl::InvalidArgumentError("the directory must be a mapping");
  }
  if (edit.version.has_value()) {
    SetText(root, "version", absl::StrCat(*edit.version));
  }
  if (edit.not_after.has_value()) {
    SetText(root, "not_after", Instant(*edit.not_after));
  }
  if (edit.logs.has_value()) {
    YamlValue logs = List();
    for (const LogEntry& log : *edit.logs) {
      logs.list.push_back(LogValue(log));
    }
    Slot(root, "logs") = std::move(logs);
  }
  if (!edit.add_revocations.empty()) {
    YamlValue& revocations = Slot(root, "revocations");
    revocations.kind = YamlValue::Kind::kList;
    for (const Revocation& revocation : edit.add_revocations) {
      revocations.list.push_back(RevocationValue(revocation));
    }
  }
  return internal::WriteYaml(root);
}

absl::StatusOr<std::string> SetLogs(std::string_view yaml, const std::vector<LogEntry>& logs) {
  Edit edit;
  edit.logs = logs;
  return Apply(yaml, edit);
}

}  // namespace relais::directory
