// From words on the command line to messages.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "google/protobuf/timestamp.pb.h"
#include "relais/common/v1/types.pb.h"

namespace relais::cli {

/// The whole of a file that the command line names, of at most `limit` bytes. INVALID_ARGUMENT.
[[nodiscard]] absl::StatusOr<std::string> ReadInput(const std::string& path, size_t limit);
/// The same for a secret file (crypto::ReadSecretFile). INVALID_ARGUMENT.
[[nodiscard]] absl::StatusOr<Secret> ReadSecretInput(const std::string& path);
/// OK unless `path` cannot be a file to read: it is not there, or is a folder. INVALID_ARGUMENT.
[[nodiscard]] absl::Status CheckInput(const std::string& path);
/// OK when a file can be written there, whole or not at all: its folder is there, takes one, and nothing but
/// a file has that name. Found by trying: nothing stays. INVALID_ARGUMENT.
[[nodiscard]] absl::Status CheckOutput(const std::string& path);
/// True when both name one file, or would: links followed, whether it is there or not.
[[nodiscard]] bool NameOneFile(const std::string& one, const std::string& other);

/// "2026-11-03" or "03/11/2026". INVALID_ARGUMENT names `option`.
[[nodiscard]] absl::StatusOr<common::v1::Date> ParseDateOption(const std::string& text,
                                                               const std::string& option);
/// RFC 3339 with offset.
[[nodiscard]] absl::StatusOr<google::protobuf::Timestamp> ParseTimeOption(const std::string& text,
                                                                          const std::string& option);
/// "ville-paris" or "ville-paris/assistant-social".
[[nodiscard]] common::v1::Party ParseParty(const std::string& text);
[[nodiscard]] common::v1::PersonRef Person(const std::string& handle);

/// "share-document" → SHARE_DOCUMENT: how enum values are written on the command line, either case.
[[nodiscard]] std::string EnumWord(const std::string& text);
/// The value of an enum by its word, INVALID_ARGUMENT listing the words otherwise.
[[nodiscard]] absl::StatusOr<int> ParseEnum(const google::protobuf::EnumDescriptor* type,
                                            const std::string& text, const std::string& option);
template <typename Enum>
[[nodiscard]] absl::StatusOr<Enum> ParseEnumOption(const std::string& text, const std::string& option) {
  const absl::StatusOr<int> value = ParseEnum(google::protobuf::GetEnumDescriptor<Enum>(), text, option);
  if (!value.ok()) {
    return value.status();
  }
  return static_cast<Enum>(*value);
}

}  // namespace relais::cli
