#include "tests/fuzz/checks.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/rpc/refusal.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/walk.h"

namespace relais::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kTellingLength = 6;  // shorter texts stand in any sentence

// errors.proto: the code of each reason that a request can bring about. All others are the service's own
// failures: no input may cause them.
std::optional<absl::StatusCode> CodeOf(common::v1::ErrorReason reason) {
  static const auto* const kCodes = new std::map<common::v1::ErrorReason, absl::StatusCode>{
      {common::v1::ERROR_REASON_INVALID_FIELDS, absl::StatusCode::kInvalidArgument},
      {common::v1::ERROR_REASON_NIR_DETECTED, absl::StatusCode::kInvalidArgument},
      {common::v1::ERROR_REASON_NOT_YOUR_HANDLE, absl::StatusCode::kInvalidArgument},
      {common::v1::ERROR_REASON_UNKNOWN_CODE, absl::StatusCode::kInvalidArgument},
      {common::v1::ERROR_REASON_IMMEDIATE_DANGER, absl::StatusCode::kInvalidArgument},
      {common::v1::ERROR_REASON_AGENT_REQUIRED, absl::StatusCode::kInvalidArgument},
      {common::v1::ERROR_REASON_REASON_REQUIRED, absl::StatusCode::kInvalidArgument},
      {common::v1::ERROR_REASON_MISSING_ROLE, absl::StatusCode::kPermissionDenied},
      {common::v1::ERROR_REASON_MISSING_CAPABILITY, absl::StatusCode::kPermissionDenied},
      {common::v1::ERROR_REASON_NOT_PERMITTED, absl::StatusCode::kPermissionDenied},
      {common::v1::ERROR_REASON_NOT_A_PARTY, absl::StatusCode::kPermissionDenied},
      {common::v1::ERROR_REASON_SECOND_PERSON_REQUIRED, absl::StatusCode::kPermissionDenied},
      {common::v1::ERROR_REASON_REQUEST_ID_REUSED, absl::StatusCode::kAlreadyExists},
      {common::v1::ERROR_REASON_ETAG_MISMATCH, absl::StatusCode::kAborted},
      {common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS, absl::StatusCode::kNotFound},
      {common::v1::ERROR_REASON_PEER_BEHIND, absl::StatusCode::kUnavailable},
      {common::v1::ERROR_REASON_WRONG_STATE, absl::StatusCode::kFailedPrecondition},
      {common::v1::ERROR_REASON_QUOTA_EXCEEDED, absl::StatusCode::kResourceExhausted},
      {common::v1::ERROR_REASON_DIRECTORY_EXPIRED, absl::StatusCode::kFailedPrecondition}};
  const auto at = kCodes->find(reason);
  return at == kCodes->end() ? std::nullopt : std::optional(at->second);
}

bool InMetadata(common::v1::ErrorReason reason) {
  return reason == common::v1::ERROR_REASON_AGENT_REQUIRED ||
         reason == common::v1::ERROR_REASON_REASON_REQUIRED;
}

struct Segment {
  std::string name;
  int index = -1;
};

std::optional<Segment> SegmentOf(absl::string_view text) {
  Segment segment;
  const size_t bracket = text.find('[');
  segment.name = std::string(text.substr(0, bracket));
  if (bracket == absl::string_view::npos) {
    return segment;
  }
  if (text.back() != ']' ||
      !absl::SimpleAtoi(text.substr(bracket + 1, text.size() - bracket - 2), &segment.index) ||
      segment.index < 0) {
    return std::nullopt;
  }
  return segment;
}

std::string WrongFields(const Message& request, const google::rpc::BadRequest& fields) {
  if (fields.field_violations().empty()) {
    return "INVALID_ARGUMENT names no field";
  }
  for (const auto& violation : fields.field_violations()) {
    if (!NamesField(request, violation.field())) {
      return absl::StrCat("the refusal names ", violation.field(), ", which the request does not have");
    }
    if (violation.description().empty()) {
      return absl::StrCat("nothing is said of ", violation.field());
    }
  }
  return "";
}

// A word of ours, such as a field's name, may stand in a message whatever the request says.
bool IsWord(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == ' '; });
}

std::string Quoted(const Message& request, const absl::Status& refusal, std::string_view expected) {
  std::string said(refusal.message());
  refusal.ForEachPayload([&](absl::string_view /*url*/, const absl::Cord& payload) {
    absl::StrAppend(&said, "\n", std::string(payload));
  });
  std::string wrong;
  ForEachText(request, [&](const FieldDescriptor& field, const std::string& text) {
    if (text.size() >= kTellingLength && !IsWord(text) && text != expected &&
        said.find(text) != std::string::npos) {
      wrong = absl::StrCat("the refusal quotes the value of ", field.full_name());
    }
  });
  return wrong;
}

}  // namespace

bool NamesField(const Message& request, std::string_view path) {
  const Message* message = &request;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(path.data(), path.size()), '.');
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::optional<Segment> segment = SegmentOf(parts[i]);
    if (!segment || message == nullptr) {
      return false;
    }
    const bool last = i + 1 == parts.size();
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(segment->name);
    if (field == nullptr) {
      return last && segment->index < 0 &&
             message->GetDescriptor()->FindOneofByName(segment->name) != nullptr;
    }
    const bool element = segment->index >= 0;
    if (element &&
        (!field->is_repeated() || segment->index >= message->GetReflection()->FieldSize(*message, field))) {
      return false;
    }
    if (last) {
      return true;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_repeated() != element) {
      return false;
    }
    message = element ? &message->GetReflection()->GetRepeatedMessage(*message, field, segment->index)
                      : &message->GetReflection()->GetMessage(*message, field);
  }
  return false;
}

std::string WrongWithRefusal(const Message& request, const absl::Status& refusal, std::string_view function) {
  const common::v1::ErrorReason reason = rpc::ReasonOf(refusal);
  const std::optional<absl::StatusCode> code = CodeOf(reason);
  if (!code) {
    return absl::StrCat("no input may bring this: ", refusal.ToString());
  }
  if (*code != refusal.code()) {
    return absl::StrCat("another code than errors.proto says: ", refusal.ToString());
  }
  if (refusal.code() == absl::StatusCode::kInvalidArgument && !InMetadata(reason)) {
    if (std::string wrong = WrongFields(request, rpc::FieldsOf(refusal)); !wrong.empty()) {
      return absl::StrCat(wrong, ": ", refusal.ToString());
    }
  }
  return Quoted(request, refusal, reason == common::v1::ERROR_REASON_MISSING_CAPABILITY ? function : "");
}

std::string WrongWithAnswer(const rpc::Caller& caller, const identity::HandleCodec& handles,
                            const std::vector<Id128>& persons, const Message& answer) {
  const std::string bytes = answer.SerializeAsString();
  if (!NewMessage(*answer.GetDescriptor())->ParseFromString(bytes)) {
    return "the answer cannot be read";
  }
  if (caller.is_service()) {
    return "";
  }
  std::string wrong;
  ForEachText(answer, [&](const FieldDescriptor& field, const std::string& text) {
    if (field.name() == "handle" && !text.empty() && !handles.FromHandle(text, caller.institution).ok()) {
      wrong = "a handle that is not the caller's";
    }
  });
  for (const Id128& person : persons) {
    if (bytes.find(person.bytes()) != std::string::npos || bytes.find(person.ToHex()) != std::string::npos) {
      wrong = "a person's id is told to an institution";
    }
  }
  return wrong;
}

}  // namespace relais::fuzz
