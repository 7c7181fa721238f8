// What the log remembers of itself: rows of table meta (docs/formats.md, "Log tables"). Private to
// common/audit.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/status.h"
#include "common/storage/store.h"
#include "google/protobuf/message_lite.h"
#include "relais/audit/v1/state.pb.h"

namespace relais::audit::internal {

inline constexpr std::string_view kErasingPrefix = "erasing/";
inline constexpr std::string_view kErasedPrefix = "erased/";
inline constexpr std::string_view kMonthPrefix = "month/";
inline constexpr std::string_view kDonePrefix = "done/";
inline constexpr std::string_view kRotationKey = "rotation";
inline constexpr std::string_view kJournalKey = "journal";
inline constexpr std::string_view kOriginKey = "origin";
inline constexpr std::string_view kEarlierPrefix = "origin-before/";

[[nodiscard]] inline std::string MetaKey(std::string_view prefix, std::string_view rest) {
  return std::string(prefix) + std::string(rest);
}
[[nodiscard]] inline storage::LogRow MetaRow(std::string key, std::optional<std::string> value) {
  return {storage::LogTable::kMeta, std::move(key), std::move(value)};
}
[[nodiscard]] inline storage::LogRow MetaRow(std::string key, const google::protobuf::MessageLite& value) {
  return MetaRow(std::move(key), value.SerializeAsString());
}
/// A draft that is no leaf: rows alone.
[[nodiscard]] inline storage::LeafDraft RowsOnly(std::vector<storage::LogRow> rows) {
  storage::LeafDraft draft;
  draft.rows = std::move(rows);
  return draft;
}

/// The default message when there is no such row. DATA_LOSS when it does not parse.
template <typename Message>
absl::StatusOr<Message> ReadMeta(const storage::Store& store, std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, store.LogGet(storage::LogTable::kMeta, key));
  Message message;
  if (value.has_value() && !message.ParseFromString(*value)) {
    return absl::DataLossError("log: a meta row does not parse");
  }
  return message;
}

}  // namespace relais::audit::internal
