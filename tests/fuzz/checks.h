// What must hold of every answer, whatever was asked. Each function gives what is wrong, in words; empty:
// nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/base/id128.h"
#include "common/identity/handle.h"
#include "common/rpc/call.h"
#include "google/protobuf/message.h"

namespace relais::fuzz {

/// Whether `path` (`lines[0].purposes`) names a field of this request, or a oneof of it: of a list an element
/// that is there.
bool NamesField(const google::protobuf::Message& request, std::string_view path);

/// Of a refusal (api.md, "Errors", "Validation"; errors.proto):
///  - its reason is one that input can bring, and comes with the code that errors.proto says;
///  - INVALID_ARGUMENT names fields of the request, but for what is in the metadata;
///  - no text of the request's stands in it, but for the caller's `function`: MISSING_CAPABILITY names that,
///  of the
///    metadata, whatever the request says.
std::string WrongWithRefusal(const google::protobuf::Message& request, const absl::Status& refusal,
                             std::string_view function = "");

/// Of an answer: it can be sent and read; an institution gets handles of its own alone, and nowhere in it an
/// id of one of `persons` (architecture, "Persons").
std::string WrongWithAnswer(const rpc::Caller& caller, const identity::HandleCodec& handles,
                            const std::vector<Id128>& persons, const google::protobuf::Message& answer);

}  // namespace relais::fuzz
