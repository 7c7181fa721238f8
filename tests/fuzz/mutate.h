// Makes and changes scripts by the descriptors of their requests: every field by its type, its declared rules
// and its name. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <random>

#include "google/protobuf/message.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/values.h"

namespace relais::fuzz {

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : dice_(seed), values_(dice_) {}

  /// One to four changes: of a field, of a request, of a caller, of the order of calls.
  void Change(Script& script);
  /// A script of `steps` new calls.
  Script Make(size_t steps);
  /// Steps of one, then steps of the other.
  Script Cross(const Script& one, const Script& other);
  /// A call that mostly keeps its rules, mostly by one who may call.
  Step NewStep(const google::protobuf::MethodDescriptor& method);
  /// One field of the request or of what it holds becomes something else.
  void ChangeField(google::protobuf::Message& request);

 private:
  void Fill(google::protobuf::Message& message);
  void FillField(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);
  void ChangeSet(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);
  void ChangeList(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);
  void Suit(Step& step);
  void ChangeOnce(Script& script);
  void ChangeOrder(Script& script);
  std::string CallerFor(const google::protobuf::MethodDescriptor& method);
  int64_t Wait();

  Dice dice_;
  Values values_;
};

}  // namespace relais::fuzz
