#include "common/rpc/validate.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/pattern.h"
#include "common/rpc/refusal.h"
#include "common/text/nir.h"
#include "common/text/utf8.h"
#include "google/protobuf/timestamp.pb.h"

namespace relais::rpc {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

namespace internal {

struct FieldPlan {
  const FieldDescriptor* field = nullptr;
  FieldDescriptor::CppType type = FieldDescriptor::CPPTYPE_STRING;
  bool repeated = false;
  bool presence = false;
  bool bytes = false;
  bool required = false;
  bool opaque = false;
  bool timestamp = false;
  size_t max_length = 0;
  int max_items = 0;
  std::optional<int64_t> min;
  std::optional<int64_t> max;
  std::optional<Pattern> pattern;
  std::string pattern_text;
  const MessagePlan* message = nullptr;  // of a message field, but for timestamps
};

struct MessagePlan {
  std::vector<FieldPlan> fields;
};

}  // namespace internal

namespace {

using internal::FieldPlan;
using internal::MessagePlan;

constexpr size_t kDefaultMaxLength = 1000;
constexpr int kDefaultMaxItems = 100;
constexpr int kMostViolations = 50;  // reported; a request can hold thousands
constexpr int kNirDigits = 13;       // the least digits a NIR has (2A and 2B are letters in part)
constexpr size_t kNirCharacters = 15;
constexpr char kHexIdPattern[] = "[0-9a-f]{32}";
constexpr int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

bool IsInteger(FieldDescriptor::CppType type) {
  return type == FieldDescriptor::CPPTYPE_INT32 || type == FieldDescriptor::CPPTYPE_INT64 ||
         type == FieldDescriptor::CPPTYPE_UINT32 || type == FieldDescriptor::CPPTYPE_UINT64;
}

int64_t Clamp(uint64_t value) {
  return static_cast<int64_t>(std::min<uint64_t>(value, std::numeric_limits<int64_t>::max()));
}

// 32 hexadecimal digits, or the same as a UUID: at random, one in some hundred thousand of them holds fifteen
// characters that could be a NIR.
bool IsRandomId(std::string_view text) {
  constexpr size_t kHexDigits = 32;
  constexpr size_t kUuidSize = 36;
  constexpr size_t kUuidDashes[] = {8, 13, 18, 23};
  const bool uuid = text.size() == kUuidSize;
  if (!uuid && text.size() != kHexDigits) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash =
        uuid && std::find(std::begin(kUuidDashes), std::end(kUuidDashes), i) != std::end(kUuidDashes);
    if (dash ? text[i] != '-' : !absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) {
      return false;
    }
  }
  return true;
}

// Cheap look before the real search.
bool MayHoldNir(std::string_view text) {
  if (text.size() < kNirCharacters || IsRandomId(text)) {
    return false;
  }
  return std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) >= kNirDigits;
}

// Where in a message the walk is; rendered only when something is wrong there.
struct Place {
  const Place* above = nullptr;
  const FieldPlan* field = nullptr;
  int index = -1;

  [[nodiscard]] std::string Path() const {
    std::string path = above == nullptr || above->field == nullptr ? "" : above->Path() + ".";
    absl::StrAppend(&path, field->field->name());
    if (index >= 0) {
      absl::StrAppend(&path, "[", index, "]");
    }
    return path;
  }
};

class Walk {
 public:
  void CheckMessage(const MessagePlan& plan, const Message& message, const Place& above) {
    const Reflection& reflection = *message.GetReflection();
    has_unknown_fields_ = has_unknown_fields_ || !reflection.GetUnknownFields(message).empty();
    for (const FieldPlan& field : plan.fields) {
      if (field.repeated) {
        CheckList(field, reflection, message, above);
      } else if (field.presence && !reflection.HasField(message, field.field)) {
        if (field.required) {
          Report({&above, &field}, "is required");
        }
      } else {
        CheckValue(field, reflection, message, {&above, &field});
      }
    }
  }

  Validator::Result Finish() {
    Validator::Result result;
    result.has_unknown_fields = has_unknown_fields_;
    if (fields_.field_violations_size() > 0) {
      result.status = InvalidFields(
          fields_, nir_ ? common::v1::ERROR_REASON_NIR_DETECTED : common::v1::ERROR_REASON_INVALID_FIELDS);
    }
    return result;
  }

 private:
  void Report(const Place& place, const std::string& description) {
    if (fields_.field_violations_size() >= kMostViolations) {
      return;
    }
    auto* violation = fields_.add_field_violations();
    violation->set_field(place.Path());
    violation->set_description(description);
  }

  void CheckList(const FieldPlan& field, const Reflection& reflection, const Message& message,
                 const Place& above) {
    const int size = reflection.FieldSize(message, field.field);
    if (size == 0 && field.required) {
      Report({&above, &field}, "is required");
    }
    if (size > field.max_items) {
      Report({&above, &field}, absl::StrCat("has more than ", field.max_items, " elements"));
      return;
    }
    for (int i = 0; i < size; ++i) {
      CheckValue(field, reflection, message, {&above, &field, i});
    }
  }

  void CheckValue(const FieldPlan& field, const Reflection& reflection, const Message& message,
                  const Place& place) {
    const int i = place.index;
    const FieldDescriptor* f = field.field;
    switch (field.type) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        CheckText(field,
                  i < 0 ? reflection.GetStringReference(message, f, &scratch)
                        : reflection.GetRepeatedStringReference(message, f, i, &scratch),
                  place);
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const Message& inner =
            i < 0 ? reflection.GetMessage(message, f) : reflection.GetRepeatedMessage(message, f, i);
        if (field.timestamp) {
          CheckTimestamp(inner, place);
        } else {
          CheckMessage(*field.message, inner, place);
        }
        break;
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        CheckEnum(
            field,
            i < 0 ? reflection.GetEnumValue(message, f) : reflection.GetRepeatedEnumValue(message, f, i),
            place);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        CheckNumber(field,
                    i < 0 ? reflection.GetInt32(message, f) : reflection.GetRepeatedInt32(message, f, i),
                    place);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        CheckNumber(field,
                    i < 0 ? reflection.GetInt64(message, f) : reflection.GetRepeatedInt64(message, f, i),
                    place);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        CheckNumber(field,
                    i < 0 ? reflection.GetUInt32(message, f) : reflection.GetRepeatedUInt32(message, f, i),
                    place);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        CheckNumber(
            field,
            Clamp(i < 0 ? reflection.GetUInt64(message, f) : reflection.GetRepeatedUInt64(message, f, i)),
            place);
        break;
      default:
        break;  // bool: nothing can be wrong
    }
  }

  void CheckText(const FieldPlan& field, const std::string& value, const Place& place) {
    if (value.empty()) {
      // An empty text in a list says nothing, and an empty member of a oneof was still chosen. Bytes in a
      // list are what somebody else wrote: a cell may well be blank.
      if (field.required || (field.repeated && !field.bytes)) {
        Report(place, field.repeated ? "must not be empty" : "is required");
      }
      return;
    }
    if (field.bytes) {
      if (value.size() > field.max_length) {
        Report(place, absl::StrCat("is longer than ", field.max_length, " bytes"));
      }
      return;
    }
    const bool ascii = text::IsAscii(value);
    if (!ascii && !text::IsUtf8(value)) {
      Report(place, "is not UTF-8");
      return;
    }
    if (value.size() > field.max_length && (ascii || text::CodePoints(value) > field.max_length)) {
      Report(place, absl::StrCat("is longer than ", field.max_length, " characters"));
    }
    if (field.pattern && !field.pattern->Matches(value)) {
      Report(place, absl::StrCat("does not match ", field.pattern_text));
    }
    if (!field.opaque && MayHoldNir(value) && text::ContainsNir(value)) {
      nir_ = true;
      Report(place, "holds a social security number (NIR), which may not be given");
    }
  }

  void CheckEnum(const FieldPlan& field, int value, const Place& place) {
    if (value == 0 && (field.required || field.repeated)) {
      Report(place, "is required");
    } else if (field.field->enum_type()->FindValueByNumber(value) == nullptr) {
      Report(place, "is not a value that this version knows");
    }
  }

  void CheckNumber(const FieldPlan& field, int64_t value, const Place& place) {
    if (value == 0 && field.required && !field.presence && !field.repeated) {
      Report(place, "is required");
    } else if (field.min && value < *field.min) {
      Report(place, absl::StrCat("is less than ", *field.min));
    } else if (field.max && value > *field.max) {
      Report(place, absl::StrCat("is more than ", *field.max));
    }
  }

  void CheckTimestamp(const Message& message, const Place& place) {
    const auto& instant = static_cast<const google::protobuf::Timestamp&>(message);
    constexpr int32_t kMostNanos = 999'999'999;
    if (instant.seconds() < kFirstSecond || instant.seconds() > kLastSecond || instant.nanos() < 0 ||
        instant.nanos() > kMostNanos) {
      Report(place, "is not an instant of the years 1 to 9999");
    }
  }

  google::rpc::BadRequest fields_;
  bool nir_ = false;
  bool has_unknown_fields_ = false;
};

absl::Status CannotKeep(const FieldDescriptor* field, std::string_view why) {
  return absl::InvalidArgumentError(field->full_name() + ": " + std::string(why));
}

absl::Status CheckRulesFit(const FieldDescriptor* field, const common::v1::Rules& rules) {
  const auto type = field->cpp_type();
  const bool text = type == FieldDescriptor::CPPTYPE_STRING;
  if (field->is_map()) {
    return CannotKeep(field, "maps have no rules");
  }
  if ((rules.has_min() || rules.has_max()) && !IsInteger(type)) {
    return CannotKeep(field, "min and max are for integers");
  }
  if (rules.max_length() > 0 && !text) {
    return CannotKeep(field, "max_length is for text and bytes");
  }
  if (!rules.pattern().empty() && field->type() != FieldDescriptor::TYPE_STRING) {
    return CannotKeep(field, "pattern is for text");
  }
  if (rules.max_items() > 0 && !field->is_repeated()) {
    return CannotKeep(field, "max_items is for lists");
  }
  if (rules.required() && type == FieldDescriptor::CPPTYPE_BOOL && !field->has_presence()) {
    return CannotKeep(field, "a bool without presence cannot be required");
  }
  return absl::OkStatus();
}

absl::StatusOr<FieldPlan> PlanOf(const FieldDescriptor* field) {
  const common::v1::Rules& rules = field->options().GetExtension(common::v1::rules);
  RETURN_IF_ERROR(CheckRulesFit(field, rules));
  FieldPlan plan;
  plan.field = field;
  plan.type = field->cpp_type();
  plan.repeated = field->is_repeated();
  plan.presence = field->has_presence();
  plan.bytes = field->type() == FieldDescriptor::TYPE_BYTES;
  plan.required = rules.required();
  // Random hexadecimal ids would now and then look like a NIR, and hold nothing else.
  plan.opaque = rules.opaque() || rules.pattern() == kHexIdPattern;
  plan.max_length = rules.max_length() > 0 ? rules.max_length() : kDefaultMaxLength;
  plan.max_items = rules.max_items() > 0 ? static_cast<int>(rules.max_items()) : kDefaultMaxItems;
  if (rules.has_min()) {
    plan.min = rules.min();
  }
  if (rules.has_max()) {
    plan.max = rules.max();
  }
  if (!rules.pattern().empty()) {
    absl::StatusOr<Pattern> pattern = Pattern::Compile(rules.pattern());
    if (!pattern.ok()) {
      return CannotKeep(field, std::string(pattern.status().message()));
    }
    plan.pattern = *std::move(pattern);
    plan.pattern_text = rules.pattern();
  }
  return plan;
}

}  // namespace

Validator::Validator() = default;
Validator::~Validator() = default;

absl::Status Validator::Prepare(const Descriptor* type) {
  MessagePlan* plan = nullptr;
  return Compile(type, plan);
}

absl::Status Validator::Compile(const Descriptor* type, MessagePlan*& plan) {
  const auto [at, fresh] = plans_.try_emplace(type);
  if (!fresh) {
    plan = at->second.get();  // known, or being compiled further up: a recursive type
    return absl::OkStatus();
  }
  at->second = std::make_unique<MessagePlan>();
  plan = at->second.get();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    ASSIGN_OR_RETURN(FieldPlan field_plan, PlanOf(field));
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      field_plan.timestamp = field->message_type() == google::protobuf::Timestamp::descriptor();
      if (!field_plan.timestamp) {
        if (field->message_type()->file()->package() == "google.protobuf") {
          return CannotKeep(field, "no rules are known for " + field->message_type()->full_name());
        }
        MessagePlan* inner = nullptr;
        RETURN_IF_ERROR(Compile(field->message_type(), inner));
        field_plan.message = inner;
      }
    }
    plan->fields.push_back(std::move(field_plan));
  }
  return absl::OkStatus();
}

Validator::Result Validator::Check(const Message& message) const {
  Walk walk;
  walk.CheckMessage(*plans_.at(message.GetDescriptor()), message, Place());
  return walk.Finish();
}

}  // namespace relais::rpc
