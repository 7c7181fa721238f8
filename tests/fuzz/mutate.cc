#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "relais/common/v1/options.pb.h"
#include "relais/common/v1/types.pb.h"
#include "services/consent/testing/world.h"
#include "tests/fuzz/callers.h"
#include "tests/fuzz/walk.h"

namespace relais::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::Reflection;

constexpr int kDefaultMaxItems = 100;

const common::v1::Rules& RulesOf(const FieldDescriptor& field) {
  return field.options().GetExtension(common::v1::rules);
}

// Messages whose parts are needed although each by itself may be absent.
bool WantsEverything(const Message& message) {
  const std::string& name = message.GetDescriptor()->name();
  return name == "ConsentLine" || name == "StatedGround" || name == "Party";
}

}  // namespace

void Mutator::FillField(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const uint64_t count = field.is_repeated() ? 1 + dice_.Below(3) * dice_.Below(2) : 1;
  for (uint64_t i = 0; i < count; ++i) {
    if (Values::IsValue(field)) {
      values_.SetGood(message, field);
    } else {
      Fill(field.is_repeated() ? *reflection.AddMessage(&message, &field)
                               : *reflection.MutableMessage(&message, &field));
    }
  }
}

void Mutator::Fill(Message& message) {
  const auto& type = *message.GetDescriptor();
  const int percent = WantsEverything(message) ? 85 : 40;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.containing_oneof() == nullptr && (RulesOf(field).required() || dice_.Chance(percent))) {
      FillField(message, field);
    }
  }
  for (int i = 0; i < type.oneof_decl_count(); ++i) {
    const auto& oneof = *type.oneof_decl(i);
    // The first is the usual one: a handle, an institution.
    const auto chosen = dice_.Chance(70) ? 0 : dice_.Below(oneof.field_count());
    if (dice_.Chance(97)) {
      FillField(message, *oneof.field(static_cast<int>(chosen)));
    }
  }
}

void Mutator::ChangeList(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, &field);
  const int rule = static_cast<int>(RulesOf(field).max_items());
  switch (dice_.Below(5)) {
    case 0:
      reflection.RemoveLast(&message, &field);
      break;
    case 1:
      reflection.SwapElements(&message, &field, 0, static_cast<int>(dice_.Below(size)));
      break;
    case 2: {
      // To the brim, and one over.
      const int most = (rule > 0 ? rule : kDefaultMaxItems) + static_cast<int>(dice_.Below(2));
      for (int i = size; i < most; ++i) {
        if (Values::IsValue(field)) {
          values_.SetGood(message, field);
        } else {
          reflection.AddMessage(&message, &field)
              ->CopyFrom(reflection.GetRepeatedMessage(message, &field, 0));
        }
      }
      break;
    }
    case 3:
      if (Values::IsValue(field)) {
        values_.SetEdge(message, field);
        reflection.SwapElements(&message, &field, 0, size);
        break;
      }
      [[fallthrough]];
    default:
      FillField(message, field);
  }
}

void Mutator::ChangeSet(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (dice_.Chance(15)) {
    reflection.ClearField(&message, &field);
  } else if (field.is_repeated()) {
    ChangeList(message, field);
  } else if (!Values::IsValue(field)) {
    reflection.ClearField(&message, &field);
    FillField(message, field);
  } else if (field.type() == FieldDescriptor::TYPE_STRING && dice_.Chance(15)) {
    reflection.SetString(&message, &field, values_.Scrambled(reflection.GetString(message, &field)));
  } else if (dice_.Chance(50)) {
    values_.SetGood(message, field);
  } else {
    values_.SetEdge(message, field);
  }
}

void Mutator::ChangeField(Message& request) {
  struct Place {
    Message* message;
    const FieldDescriptor* field;
  };
  std::vector<Place> places;
  ForEachMessage(request, [&](Message& message) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      places.push_back({&message, message.GetDescriptor()->field(i)});
    }
  });
  if (places.empty()) {
    return;
  }
  const Place& place = places[dice_.Below(places.size())];
  const Reflection& reflection = *place.message->GetReflection();
  const bool set = place.field->is_repeated() ? reflection.FieldSize(*place.message, place.field) > 0
                                              : reflection.HasField(*place.message, place.field);
  if (set) {
    ChangeSet(*place.message, *place.field);
  } else if (Values::IsValue(*place.field) && dice_.Chance(40)) {
    values_.SetEdge(*place.message, *place.field);
  } else {
    FillField(*place.message, *place.field);
  }
}

std::string Mutator::CallerFor(const MethodDescriptor& method) {
  const auto& policy = method.options().GetExtension(common::v1::policy);
  std::vector<std::string> may;
  for (const CallerSpec& spec : Callers()) {
    const rpc::Caller caller = Authenticated(spec, *consent::testing::SampleDirectory());
    if (rpc::CheckRoles(policy, caller).ok()) {
      may.push_back(spec.name);
    }
  }
  // Mostly the same one, so that calls meet one another's state.
  if (may.empty() || dice_.Chance(10)) {
    return dice_.Of(Callers()).name;
  }
  return dice_.Chance(60) ? may.front() : dice_.Of(may);
}

int64_t Mutator::Wait() {
  return dice_.Chance(70) ? 0
                          : dice_.Of(std::vector<int64_t>{1, 59, 61, 3600, 86'400, 73 * 3600, 32 * 86'400,
                                                          93 * 86'400, 366 * 86'400, 600 * 86'400});
}

// What only fits together: a service says for whom it acts and nobody else does, and who asks is a party.
void Mutator::Suit(Step& step) {
  const CallerSpec& spec = *FindCaller(step.caller);
  Message& request = *step.request;
  const Reflection& reflection = *request.GetReflection();
  if (const FieldDescriptor* acting = request.GetDescriptor()->FindFieldByName("acting")) {
    if (!spec.institution.empty()) {
      reflection.ClearField(&request, acting);
    } else if (!reflection.HasField(request, acting)) {
      FillField(request, *acting);
    }
  }
  if (const FieldDescriptor* sender = request.GetDescriptor()->FindFieldByName("sender");
      sender != nullptr && !spec.institution.empty()) {
    auto& party = static_cast<common::v1::Party&>(*reflection.MutableMessage(&request, sender));
    party.set_institution(spec.institution);
    party.set_function(dice_.Chance(50) ? spec.function : "");
  }
}

Step Mutator::NewStep(const MethodDescriptor& method) {
  Step step;
  step.method = &method;
  step.caller = CallerFor(method);
  step.request = NewMessage(*method.input_type());
  Fill(*step.request);
  if (dice_.Chance(80)) {
    Suit(step);
  }
  step.wait_seconds = Wait();
  step.agent = !dice_.Chance(3);
  step.reason = !dice_.Chance(3);
  return step;
}

Script Mutator::Make(size_t steps) {
  Script script;
  // Begun with acts that later ones are about.
  static const std::vector<const char*> kFirst = {
      "ConsentService.RecordConsent", "ConsentService.RecordConsent", "ConsentService.RecordRefusal",
      "EmergencyService.Declare",     "RightsService.Open",           "PersonService.Merge",
      "PersonService.PlaceHold",      "PersonService.ListCandidates", "ConsentService.RecordObjection"};
  for (size_t i = 0; i < steps; ++i) {
    const bool first = i < steps / 2 && dice_.Chance(60);
    script.push_back(NewStep(first ? *FindMethod(dice_.Of(kFirst)) : *dice_.Of(Methods())));
  }
  return script;
}

Script Mutator::Cross(const Script& one, const Script& other) {
  Script script;
  const auto add = [&](const Script& from, size_t begin, size_t end) {
    for (size_t i = begin; i < end && script.size() < kMostSteps; ++i) {
      script.push_back(from[i].Clone());
    }
  };
  add(one, 0, dice_.Below(one.size() + 1));
  add(other, dice_.Below(other.size() + 1), other.size());
  return script;
}

void Mutator::ChangeOrder(Script& script) {
  const size_t at = dice_.Below(script.size());
  switch (dice_.Below(3)) {
    case 0:
      script.erase(script.begin() + static_cast<ptrdiff_t>(at));
      break;
    case 1:
      if (script.size() < kMostSteps) {
        script.insert(script.begin() + static_cast<ptrdiff_t>(dice_.Below(script.size() + 1)),
                      script[at].Clone());
      }
      break;
    default:
      std::swap(script[at], script[dice_.Below(script.size())]);
  }
}

void Mutator::ChangeOnce(Script& script) {
  if (script.empty() || (script.size() < kMostSteps && dice_.Chance(20))) {
    script.insert(script.begin() + static_cast<ptrdiff_t>(dice_.Below(script.size() + 1)),
                  NewStep(*dice_.Of(Methods())));
    return;
  }
  Step& step = script[dice_.Below(script.size())];
  if (dice_.Chance(70)) {
    ChangeField(*step.request);
  } else if (dice_.Chance(50)) {
    ChangeOrder(script);
  } else if (dice_.Chance(60)) {
    step.caller = dice_.Chance(50) ? CallerFor(*step.method) : dice_.Of(Callers()).name;
  } else if (dice_.Chance(70)) {
    step.wait_seconds = Wait();
  } else {
    step.agent = dice_.Chance(50);
    step.reason = dice_.Chance(50);
  }
}

void Mutator::Change(Script& script) {
  for (uint64_t i = 0; i <= dice_.Below(4); ++i) {
    ChangeOnce(script);
  }
}

}  // namespace relais::fuzz
