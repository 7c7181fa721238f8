// Walks over messages by reflection.
#pragma once

#include <functional>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace relais::fuzz {

/// The message and every message in it that is present, the outer ones first.
void ForEachMessage(google::protobuf::Message& message,
                    const std::function<void(google::protobuf::Message&)>& visit);
/// Every text and bytes value in it.
void ForEachText(
    const google::protobuf::Message& message,
    const std::function<void(const google::protobuf::FieldDescriptor&, const std::string&)>& visit);
/// Replaces the texts and bytes of this message itself.
void ChangeTexts(
    google::protobuf::Message& message,
    const std::function<std::string(const google::protobuf::FieldDescriptor&, const std::string&)>& changed);
/// The path of every field that is present (`lines.recipients.kind`), once. Instants are one field.
void ForEachSetPath(const google::protobuf::Message& message,
                    const std::function<void(const std::string&)>& visit);
/// The path of every field that a message of this type can have.
void ForEachPath(const google::protobuf::Descriptor& type,
                 const std::function<void(const std::string&)>& visit);

}  // namespace relais::fuzz
