#include "common/audit/meta.h"

#include <optional>

#include "common/audit/meta_rows.h"
#include "common/audit/retention.h"
#include "common/merkle/note.h"

namespace relais::audit {
namespace {
constexpr char kFormat = 0x01;

absl::Status Check(bool right) {
  return right ? absl::OkStatus() : absl::DataLossError("log: a row about itself is damaged");
}

template <typename Message>
absl::Status CheckMessage(std::string_view value) {
  Message message;
  return Check(message.ParseFromString(std::string(value)) && message.GetReflection() != nullptr &&
               message.GetReflection()->GetUnknownFields(message).empty());
}

// nullopt: not one of these rows.
std::optional<absl::Status> CheckMaintenanceRow(std::string_view key, std::string_view value) {
  for (const std::string_view prefix : {internal::kErasingPrefix, internal::kErasedPrefix}) {
    if (key.starts_with(prefix)) {
      audit::v1::StoredErasure stored;
      return Check(stored.ParseFromString(std::string(value)) &&
                   stored.erasure_id() == key.substr(prefix.size()));
    }
  }
  if (key == internal::kRotationKey) {
    return CheckMessage<audit::v1::StoredRotation>(value);
  }
  if (key == internal::kJournalKey) {
    return CheckMessage<audit::v1::StoredJournal>(value);
  }
  if (key.starts_with(internal::kDonePrefix)) {
    return CheckMessage<audit::v1::StoredDone>(value);
  }
  if (key.starts_with(internal::kMonthPrefix)) {
    return Check(value.empty() && ParseMonth(key.substr(internal::kMonthPrefix.size())).ok());
  }
  if (key == internal::kOriginKey) {
    return Check(!value.empty());
  }
  if (key.starts_with(internal::kEarlierPrefix)) {
    return Check(!value.empty() && key.size() == internal::kEarlierPrefix.size() + sizeof(uint64_t));
  }
  return std::nullopt;
}
}  // namespace

std::string EncodeSigners(const std::vector<std::string>& keys) {
  std::string value(1, kFormat);
  for (const std::string& key : keys) {
    value.append(key).append("\n");
  }
  return value;
}

absl::StatusOr<std::vector<std::string>> DecodeSigners(std::string_view value) {
  absl::Status damaged = absl::DataLossError("log: the row of its signers is damaged");
  if (value.size() < 2 || value.front() != kFormat || value.back() != '\n') {
    return damaged;
  }
  value.remove_prefix(1);
  std::vector<std::string> keys;
  while (!value.empty()) {
    const size_t end = value.find('\n');
    if (!merkle::ParseVerifierKey(value.substr(0, end)).ok()) {
      return damaged;
    }
    keys.emplace_back(value.substr(0, end));
    value.remove_prefix(end + 1);
  }
  return keys;
}

absl::Status CheckMetaRow(std::string_view key, std::string_view value) {
  if (key == kMetaSigners) {
    return DecodeSigners(value).status();
  }
  if (const std::optional<absl::Status> checked = CheckMaintenanceRow(key, value)) {
    return *checked;
  }
  return absl::DataLossError("log: a row about itself that this program does not know");
}

}  // namespace relais::audit
