// What is printed: JSON for programs, indented text for humans.
#pragma once

#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"
#include "relais/common/v1/types.pb.h"

namespace relais::cli {

/// Protobuf's JSON mapping, on one line, with fields that have their default value.
[[nodiscard]] std::string ToJson(const google::protobuf::Message& message);
/// A line per field that is set, nested messages indented: instants and days as Paris shows them, enums
/// without their prefix, bytes in hexadecimal. Printable.
[[nodiscard]] std::string ToText(const google::protobuf::Message& message);

/// The text without control characters, but for tabs and ends of lines: what others wrote tells a terminal
/// nothing. UTF-8 stays UTF-8.
[[nodiscard]] std::string Printable(std::string_view text);

/// The text on one line: control characters, ends of lines and tabs among them, as `\n`, `\t`, `\x1b`,
/// `\u0085`.
[[nodiscard]] std::string OneLine(std::string_view text);

/// "2026-11-03 14:05:10" as Paris clocks show it.
[[nodiscard]] std::string ParisTime(absl::Time time);
/// "2026-11-03"; "" for an absent date.
[[nodiscard]] std::string DayText(const common::v1::Date& date);
/// "PERMIT" for DECISION_PERMIT; "-" for *_UNSPECIFIED.
[[nodiscard]] std::string EnumText(const google::protobuf::EnumDescriptor* type, int value);
template <typename Enum>
[[nodiscard]] std::string EnumText(Enum value) {
  return EnumText(google::protobuf::GetEnumDescriptor<Enum>(), static_cast<int>(value));
}
/// "ville-paris/assistant-social", or the institution alone.
[[nodiscard]] std::string PartyText(const common::v1::Party& party);

/// Rows in columns, each cell OneLine; the first row is the heading.
[[nodiscard]] std::string Table(const std::vector<std::vector<std::string>>& rows);

/// `message` as JSON, or `text`.
void Print(bool json, const google::protobuf::Message& message, std::string_view text);
/// `message` as JSON, or as ToText.
void Print(bool json, const google::protobuf::Message& message);
void Print(bool json, const nlohmann::json& value, std::string_view text);

/// Of a file that was written: the same, on standard error when that file, `-`, was standard output.
void PrintBeside(const std::string& file, bool json, const nlohmann::json& value, std::string_view text);

/// One error with what the service said beside it: reason, fields, what to do instead. For humans the
/// metadata of the API are the options that set them: `--reason`, not `relais-reason`.
void PrintError(std::ostream& out, const absl::Status& status, bool json);

}  // namespace relais::cli
