#include "tests/fuzz/names.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "relais/common/v1/types.pb.h"
#include "tests/fuzz/walk.h"

namespace relais::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint64_t kLongest = 70'000;
constexpr size_t kMostRemembered = 32;

std::string Times(uint64_t count, std::string_view what) {
  std::string text;
  for (uint64_t i = 0; i < std::min(count, kLongest); ++i) {
    text += what;
  }
  return text;
}

// Nobody has it: for names of persons in a script that registered none.
Id128 Unknown() { return *Id128::FromBytes(std::string(Id128::kSize, '\x5a')); }

}  // namespace

Id128 Names::Person(size_t number) const {
  return persons_.empty() ? Unknown() : persons_[number % persons_.size()];
}

std::string Names::Resolved(const rpc::Caller& caller, const std::string& text, bool bytes) const {
  const size_t slash = text.rfind('/');
  uint64_t number = 0;
  if (text.empty() || text[0] != '$' || slash == std::string::npos ||
      !absl::SimpleAtoi(text.substr(slash + 1), &number)) {
    return text;
  }
  const std::string name = text.substr(1, slash - 1);
  if (name == "person" || name == "foreign") {
    if (bytes) {
      return Person(number).ToBytes();
    }
    const std::string other = caller.institution == "emmaus" ? "caf" : "emmaus";
    return handles_.ToHandle(Person(number), name == "person" ? caller.institution : other);
  }
  if (name == "x" || name == "bytes") {
    return Times(number, name == "x" ? "x" : "\x01");
  }
  if (name == "e" || name == "u") {
    return Times(number, name == "e" ? "é" : "𝄞");
  }
  if (name == "nir") {
    return "206127511100564";
  }
  const auto at = answered_.find(name);
  return at == answered_.end() ? std::string(32, '0')
                               : at->second[at->second.size() - 1 - number % at->second.size()];
}

void Names::Resolve(const rpc::Caller& caller, Message& request) const {
  ForEachMessage(request, [&](Message& message) {
    if (auto* ref = dynamic_cast<common::v1::PersonRef*>(&message);
        ref != nullptr && caller.is_service() && ref->handle().rfind("$person/", 0) == 0) {
      ref->set_person_id(Resolved(caller, ref->handle(), true));
      return;
    }
    ChangeTexts(message, [&](const FieldDescriptor& field, const std::string& text) {
      return Resolved(caller, text, field.type() == FieldDescriptor::TYPE_BYTES);
    });
  });
}

void Names::Learn(const rpc::Caller& caller, const Message& answer) {
  const auto meet = [&](const Id128& person) {
    if (std::find(persons_.begin(), persons_.end(), person) == persons_.end()) {
      persons_.push_back(person);
    }
  };
  ForEachText(answer, [&](const FieldDescriptor& field, const std::string& text) {
    if (text.empty()) {
      return;
    }
    if (field.name() == "handle") {
      if (const auto person = handles_.FromHandle(text, caller.institution); person.ok()) {
        meet(*person);
      }
    } else if (field.name() == "person_id") {
      if (const auto person = Id128::FromBytes(text); person.ok()) {
        meet(*person);
      }
    }
    std::vector<std::string>& values = answered_[field.name()];
    if (values.empty() || values.back() != text) {
      values.push_back(text);
    }
    if (values.size() > kMostRemembered) {
      values.erase(values.begin());
    }
  });
}

}  // namespace relais::fuzz
