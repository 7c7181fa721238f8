#include "tests/fuzz/script.h"

#include <algorithm>
#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/emergency_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"
#include "relais/consent/v1/rights_service.pb.h"
#include "tests/fuzz/callers.h"

namespace relais::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

class Silent final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int /*line*/, int /*column*/, const std::string& /*message*/) override {}
};

bool ParseHeader(absl::string_view line, Step& step) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() < 2 || FindCaller({words[0].data(), words[0].size()}) == nullptr) {
    return false;
  }
  step.caller = std::string(words[0]);
  step.method = FindMethod({words[1].data(), words[1].size()});
  for (size_t i = 2; i < words.size(); ++i) {
    absl::string_view word = words[i];
    step.agent = step.agent && word != "-agent";
    step.reason = step.reason && word != "-reason";
    if (absl::ConsumePrefix(&word, "wait=") && absl::SimpleAtoi(word, &step.wait_seconds)) {
      step.wait_seconds = std::clamp<int64_t>(step.wait_seconds, 0, kMostWait);
    }
  }
  return step.method != nullptr;
}

bool ParseBody(const std::string& body, Message& request) {
  google::protobuf::TextFormat::Parser parser;
  Silent silent;
  parser.RecordErrorsTo(&silent);
  return parser.ParseFromString(body, &request);
}

std::vector<const MethodDescriptor*> FindMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const char* service : {"PersonService", "ConsentService", "EmergencyService", "RightsService"}) {
    // Touching a message of each file links its descriptors in.
    static const std::array<const Descriptor*, 4> kFiles = {
        consent::v1::RegisterRequest::descriptor(), consent::v1::RecordConsentRequest::descriptor(),
        consent::v1::DeclareRequest::descriptor(), consent::v1::OpenRequest::descriptor()};
    for (const Descriptor* type : kFiles) {
      if (const auto* found = type->file()->FindServiceByName(service)) {
        for (int i = 0; i < found->method_count(); ++i) {
          methods.push_back(found->method(i));
        }
      }
    }
  }
  return methods;
}

}  // namespace

Step Step::Clone() const {
  Step copy;
  copy.caller = caller;
  copy.method = method;
  copy.request.reset(request->New());
  copy.request->CopyFrom(*request);
  copy.wait_seconds = wait_seconds;
  copy.agent = agent;
  copy.reason = reason;
  return copy;
}

const std::vector<const MethodDescriptor*>& Methods() {
  static const auto* const kMethods = new std::vector<const MethodDescriptor*>(FindMethods());
  return *kMethods;
}

std::string NameOf(const MethodDescriptor& method) {
  return absl::StrCat(method.service()->name(), ".", method.name());
}

const MethodDescriptor* FindMethod(std::string_view name) {
  for (const MethodDescriptor* method : Methods()) {
    if (NameOf(*method) == name) {
      return method;
    }
  }
  return nullptr;
}

std::unique_ptr<Message> NewMessage(const Descriptor& type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

Script Parse(std::string_view text) {
  Script script;
  size_t at = 0;
  while (at < text.size() && script.size() < kMostSteps) {
    size_t end = text.find("\n@", at);
    end = end == std::string_view::npos ? text.size() : end + 1;
    const std::string_view part = text.substr(at, end - at);
    at = end;
    const size_t line = std::min(part.find('\n'), part.size());
    Step step;
    if (part.empty() || part[0] != '@' || !ParseHeader({part.data() + 1, line - 1}, step)) {
      continue;
    }
    step.request = NewMessage(*step.method->input_type());
    if (ParseBody(std::string(part.substr(line)), *step.request)) {
      script.push_back(std::move(step));
    }
  }
  return script;
}

std::string Print(const Script& script) {
  std::string text;
  for (const Step& step : script) {
    absl::StrAppend(&text, "@", step.caller, " ", NameOf(*step.method));
    if (step.wait_seconds > 0) {
      absl::StrAppend(&text, " wait=", step.wait_seconds);
    }
    absl::StrAppend(&text, step.agent ? "" : " -agent", step.reason ? "" : " -reason", "\n");
    std::string body;
    google::protobuf::TextFormat::PrintToString(*step.request, &body);
    absl::StrAppend(&text, body);
  }
  return text;
}

}  // namespace relais::fuzz
