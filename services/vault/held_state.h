// Items of a legal hold's copy of a vault (docs/formats.md, "Legal holds").
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/wrappers.pb.h"
#include "relais/audit/v1/hold_service.pb.h"

namespace relais::vault {

[[nodiscard]] inline audit::v1::HeldState NamedState(std::string name,
                                                     const google::protobuf::Message& content) {
  audit::v1::HeldState state;
  state.set_name(std::move(name));
  state.mutable_content()->PackFrom(content);
  return state;
}

/// That something could not be kept, and why: `MISSING`, `ALTERED`.
[[nodiscard]] inline audit::v1::HeldState UnreadableState(std::string_view name, const char* why) {
  google::protobuf::StringValue value;
  value.set_value(why);
  return NamedState(absl::StrCat("unreadable/", std::string(name)), value);
}

}  // namespace relais::vault
