#include "tests/fuzz/walk.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/timestamp.pb.h"

namespace relais::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::vector<const FieldDescriptor*> SetFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

bool HasParts(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() != google::protobuf::Timestamp::descriptor();
}

std::string Join(const std::string& above, const FieldDescriptor& field) {
  return above.empty() ? field.name() : absl::StrCat(above, ".", field.name());
}

void SetPaths(const Message& message, const std::string& above, std::set<std::string>& paths) {
  const Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : SetFields(message)) {
    const std::string path = Join(above, *field);
    paths.insert(path);
    if (!HasParts(*field)) {
      continue;
    }
    if (!field->is_repeated()) {
      SetPaths(reflection.GetMessage(message, field), path, paths);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      SetPaths(reflection.GetRepeatedMessage(message, field, i), path, paths);
    }
  }
}

void AllPaths(const Descriptor& type, const std::string& above,
              const std::function<void(const std::string&)>& visit) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    visit(Join(above, field));
    if (HasParts(field)) {
      AllPaths(*field.message_type(), Join(above, field), visit);
    }
  }
}

}  // namespace

void ForEachMessage(Message& message, const std::function<void(Message&)>& visit) {
  visit(message);
  const Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : SetFields(message)) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    if (!field->is_repeated()) {
      ForEachMessage(*reflection.MutableMessage(&message, field), visit);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      ForEachMessage(*reflection.MutableRepeatedMessage(&message, field, i), visit);
    }
  }
}

void ForEachText(const Message& message,
                 const std::function<void(const FieldDescriptor&, const std::string&)>& visit) {
  const Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : SetFields(message)) {
    const bool inner = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!inner && field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      continue;
    }
    std::string scratch;
    if (!field->is_repeated()) {
      if (inner) {
        ForEachText(reflection.GetMessage(message, field), visit);
      } else {
        visit(*field, reflection.GetStringReference(message, field, &scratch));
      }
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (inner) {
        ForEachText(reflection.GetRepeatedMessage(message, field, i), visit);
      } else {
        visit(*field, reflection.GetRepeatedStringReference(message, field, i, &scratch));
      }
    }
  }
}

void ChangeTexts(Message& message,
                 const std::function<std::string(const FieldDescriptor&, const std::string&)>& changed) {
  const Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : SetFields(message)) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      continue;
    }
    if (!field->is_repeated()) {
      reflection.SetString(&message, field, changed(*field, reflection.GetString(message, field)));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      reflection.SetRepeatedString(&message, field, i,
                                   changed(*field, reflection.GetRepeatedString(message, field, i)));
    }
  }
}

void ForEachSetPath(const Message& message, const std::function<void(const std::string&)>& visit) {
  std::set<std::string> paths;
  SetPaths(message, "", paths);
  for (const std::string& path : paths) {
    visit(path);
  }
}

void ForEachPath(const Descriptor& type, const std::function<void(const std::string&)>& visit) {
  AllPaths(type, "", visit);
}

}  // namespace relais::fuzz
