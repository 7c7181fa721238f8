#include "services/cli/output.h"

#include <algorithm>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/base/proto_time.h"
#include "common/calendar/paris.h"
#include "common/crypto/encoding.h"
#include "common/rpc/refusal.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/util/json_util.h"

namespace relais::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kMostBytesShown = 64;
constexpr size_t kIndent = 2;

void AppendMessage(const Message& message, size_t indent, std::string& out);

std::string BytesText(const std::string& bytes) {
  return bytes.size() <= kMostBytesShown ? crypto::HexEncode(bytes)
                                         : absl::StrCat("(", bytes.size(), " bytes)");
}

// The text of a message that fits one line; "" when it does not.
std::string Short(const Message& message) {
  if (message.GetTypeName() == "google.protobuf.Timestamp") {
    google::protobuf::Timestamp time;
    time.CopyFrom(message);
    return ParisTime(FromProto(time));
  }
  if (message.GetTypeName() == "relais.common.v1.Date") {
    common::v1::Date date;
    date.CopyFrom(message);
    return DayText(date);
  }
  if (message.GetTypeName() == "relais.common.v1.Party") {
    common::v1::Party party;
    party.CopyFrom(message);
    return PartyText(party);
  }
  if (message.GetTypeName() == "relais.common.v1.PersonRef") {
    common::v1::PersonRef person;
    person.CopyFrom(message);
    return person.has_handle() ? person.handle() : crypto::HexEncode(person.person_id());
  }
  if (message.GetTypeName() == "relais.common.v1.Money") {
    common::v1::Money money;
    money.CopyFrom(message);
    return absl::StrFormat("%d.%02d %s", money.minor_units() / 100, money.minor_units() % 100,
                           money.currency().empty() ? "EUR" : money.currency());
  }
  return "";
}

std::string ScalarText(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection* r = message.GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(many ? r->GetRepeatedInt32(message, field, index) : r->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(many ? r->GetRepeatedInt64(message, field, index) : r->GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(many ? r->GetRepeatedUInt32(message, field, index) : r->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(many ? r->GetRepeatedUInt64(message, field, index) : r->GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(many ? r->GetRepeatedDouble(message, field, index) : r->GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return absl::StrCat(many ? r->GetRepeatedFloat(message, field, index) : r->GetFloat(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? r->GetRepeatedBool(message, field, index) : r->GetBool(message, field)) ? "yes" : "no";
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(field->enum_type(), many ? r->GetRepeatedEnumValue(message, field, index)
                                               : r->GetEnumValue(message, field));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text =
          many ? r->GetRepeatedString(message, field, index) : r->GetString(message, field);
      return field->type() == FieldDescriptor::TYPE_BYTES ? BytesText(text) : text;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return "";
}

std::string Label(const FieldDescriptor* field) {
  std::string label = field->name();
  std::replace(label.begin(), label.end(), '_', ' ');
  return label;
}

void AppendValue(const Message& message, const FieldDescriptor* field, int index, size_t indent,
                 std::string& out) {
  const std::string pad(indent, ' ');
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    // The lines of a text stand deeper than any label: what somebody wrote does not look like another field.
    const std::string text =
        absl::StrReplaceAll(ScalarText(message, field, index), {{"\n", "\n" + pad + "    "}});
    absl::StrAppend(&out, pad, Label(field), ": ", text, "\n");
    return;
  }
  const Reflection* r = message.GetReflection();
  const Message& child =
      field->is_repeated() ? r->GetRepeatedMessage(message, field, index) : r->GetMessage(message, field);
  if (const std::string text = Short(child); !text.empty()) {
    absl::StrAppend(&out, pad, Label(field), ": ", text, "\n");
    return;
  }
  absl::StrAppend(&out, pad, Label(field), ":\n");
  AppendMessage(child, indent + kIndent, out);
}

void AppendAny(const google::protobuf::Any& any, size_t indent, std::string& out) {
  const std::string type = any.type_url().substr(any.type_url().rfind('/') + 1);
  absl::StrAppend(&out, std::string(indent, ' '), "type: ", type, "\n");
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr) {
    return;
  }
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  if (any.UnpackTo(message.get())) {
    AppendMessage(*message, indent, out);
  }
}

void AppendMessage(const Message& message, size_t indent, std::string& out) {
  if (message.GetTypeName() == "google.protobuf.Any") {
    google::protobuf::Any any;
    any.CopyFrom(message);
    AppendAny(any, indent, out);
    return;
  }
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (!field->is_repeated()) {
      AppendValue(message, field, -1, indent, out);
      continue;
    }
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
      AppendValue(message, field, i, indent, out);
    }
  }
}

// Columns, not bytes: labels are French.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a continuation byte
  }));
}

void PrintTo(std::ostream& out, bool json, const nlohmann::json& value, std::string_view text) {
  if (json) {
    out << value.dump() << std::endl;
  } else {
    out << Printable(text) << std::flush;
  }
}

nlohmann::json ErrorJson(const absl::Status& status) {
  nlohmann::json error = {{"code", absl::StatusCodeToString(status.code())},
                          {"message", std::string(status.message())}};
  if (const auto reason = rpc::ReasonOf(status); reason != common::v1::ERROR_REASON_UNSPECIFIED) {
    error["reason"] = rpc::ReasonName(reason);
  }
  const google::rpc::BadRequest fields = rpc::FieldsOf(status);
  for (const auto& violation : fields.field_violations()) {
    error["fields"].push_back({{"field", violation.field()}, {"description", violation.description()}});
  }
  if (const std::string next = rpc::NextStepOf(status); !next.empty()) {
    error["next_step"] = next;
  }
  return {{"error", error}};
}

}  // namespace

std::string ToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : nlohmann::json({{"unprintable", message.GetTypeName()}}).dump();
}

std::string ToText(const Message& message) {
  std::string out;
  AppendMessage(message, 0, out);
  return Printable(out);
}

std::string ParisTime(absl::Time time) {
  const auto paris = calendar::Paris::Load();
  return paris.ok() ? absl::FormatTime("%Y-%m-%d %H:%M:%S", time, paris->zone())
                    : absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string DayText(const common::v1::Date& date) {
  return date.year() == 0 ? "" : absl::StrFormat("%04d-%02d-%02d", date.year(), date.month(), date.day());
}

std::string EnumText(const google::protobuf::EnumDescriptor* type, int value) {
  const auto* known = type->FindValueByNumber(value);
  if (known == nullptr) {
    return absl::StrCat(value);
  }
  if (value == 0) {
    return "-";
  }
  const std::string& name = known->name();
  const auto* zero = type->FindValueByNumber(0);
  const size_t prefix = zero == nullptr ? std::string::npos : zero->name().rfind("UNSPECIFIED");
  if (prefix != std::string::npos && name.compare(0, prefix, zero->name(), 0, prefix) == 0) {
    return name.substr(prefix);
  }
  return name;
}

std::string PartyText(const common::v1::Party& party) {
  return party.function().empty() ? party.institution()
                                  : absl::StrCat(party.institution(), "/", party.function());
}

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> cells(rows.size());
  std::vector<size_t> widths;
  for (size_t row = 0; row < rows.size(); ++row) {
    widths.resize(std::max(widths.size(), rows[row].size()));
    for (size_t i = 0; i < rows[row].size(); ++i) {
      cells[row].push_back(OneLine(rows[row][i]));
      widths[i] = std::max(widths[i], Width(cells[row][i]));
    }
  }
  std::string out;
  for (const auto& row : cells) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i], std::string(widths[i] - Width(row[i]) + kIndent, ' '));
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&out, line, "\n");
  }
  return out;
}

std::string OneLine(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (c == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
      absl::StrAppendFormat(&out, "\\u%04x", next);
      ++i;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F) {
      absl::StrAppendFormat(&out, "\\x%02x", c);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string Printable(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (c == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
      out += kReplacement;
      ++i;
    } else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      out += kReplacement;
    } else {
      out += text[i];
    }
  }
  return out;
}

void Print(bool json, const Message& message, std::string_view text) {
  if (json) {
    std::cout << ToJson(message) << std::endl;
  } else {
    std::cout << Printable(text) << std::flush;
  }
}

void Print(bool json, const Message& message) { Print(json, message, json ? "" : ToText(message)); }

void Print(bool json, const nlohmann::json& value, std::string_view text) {
  PrintTo(std::cout, json, value, text);
}

void PrintBeside(const std::string& file, bool json, const nlohmann::json& value, std::string_view text) {
  PrintTo(file == "-" ? std::cerr : std::cout, json, value, text);
}

namespace {

// What a service says to a human who typed a command line.
std::string ForHumans(std::string_view text) {
  return absl::StrReplaceAll(Printable(text), {{"metadata relais-agent", "--agent"},
                                               {"metadata relais-function", "--function"},
                                               {"metadata relais-reason", "--reason"},
                                               {"relais-agent", "--agent"},
                                               {"relais-function", "--function"},
                                               {"relais-reason", "--reason"}});
}

}  // namespace

void PrintError(std::ostream& out, const absl::Status& status, bool json) {
  if (json) {
    out << ErrorJson(status).dump() << std::endl;
    return;
  }
  const auto reason = rpc::ReasonOf(status);
  out << "relais: " << (reason == common::v1::ERROR_REASON_UNSPECIFIED ? "" : rpc::ReasonName(reason) + ": ")
      << ForHumans({status.message().data(), status.message().size()}) << "\n";
  const google::rpc::BadRequest fields = rpc::FieldsOf(status);
  for (const auto& violation : fields.field_violations()) {
    out << "  " << Printable(violation.field()) << ": " << ForHumans(violation.description()) << "\n";
  }
  if (const std::string next = rpc::NextStepOf(status); !next.empty()) {
    out << "  " << ForHumans(next) << "\n";
  }
  out << std::flush;
}

}  // namespace relais::cli
