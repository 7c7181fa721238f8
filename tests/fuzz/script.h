// What a fuzzer's input is: calls of the registry's methods, one after the other, as a text that can be read.
//
//   @desk PersonService.Register wait=60
//   request_id: "r-1"
//   own_identifier: "A-1"
//   @desk ConsentService.GetConsent -agent
//   person { handle: "$person/0" }
//
// A header names the caller (callers.h), the method, how many seconds pass before it, and with -agent and
// -reason what its metadata lacks. Below it the request, in protobuf's text format. `$…/n` in a text is
// replaced when the call is made (names.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace relais::fuzz {

struct Step {
  std::string caller;
  const google::protobuf::MethodDescriptor* method = nullptr;
  std::unique_ptr<google::protobuf::Message> request;
  int64_t wait_seconds = 0;
  bool agent = true;
  bool reason = true;

  [[nodiscard]] Step Clone() const;
};
using Script = std::vector<Step>;

inline constexpr size_t kMostSteps = 10;
inline constexpr int64_t kMostWait = 2 * 366 * 86'400;

/// Every method of the registry's services, found in their descriptors.
const std::vector<const google::protobuf::MethodDescriptor*>& Methods();
/// "PersonService.Register"; null for what is none.
const google::protobuf::MethodDescriptor* FindMethod(std::string_view name);
std::string NameOf(const google::protobuf::MethodDescriptor& method);
std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor& type);

/// What cannot be read is left out: any bytes are a script, if an empty one. At most kMostSteps.
Script Parse(std::string_view text);
std::string Print(const Script& script);

}  // namespace relais::fuzz
