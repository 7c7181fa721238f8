// Values for one field: good ones, and those at the edges of what its rules let through.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace relais::fuzz {

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  /// In [0, bound).
  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  bool Chance(int percent) { return Below(100) < static_cast<uint64_t>(percent); }
  template <typename T>
  const T& Of(const std::vector<T>& choices) {
    return choices[Below(choices.size())];
  }

 private:
  std::mt19937_64 engine_;
};

class Values {
 public:
  explicit Values(Dice& dice) : dice_(dice) {}

  /// Sets a value that by itself keeps the field's rules. Of a list: adds one. Not for messages but instants
  /// and days.
  void SetGood(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);
  /// Sets one at an edge, mostly beyond it.
  void SetEdge(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);
  /// Whether SetGood and SetEdge are for this field: no message, or an instant or a day.
  static bool IsValue(const google::protobuf::FieldDescriptor& field);
  /// Some bytes of it become others.
  std::string Scrambled(std::string text);

 private:
  std::string GoodText(const google::protobuf::FieldDescriptor& field);
  std::string EdgeText(const google::protobuf::FieldDescriptor& field);
  int64_t EdgeNumber(const google::protobuf::FieldDescriptor& field);
  int64_t GoodNumber(const google::protobuf::FieldDescriptor& field);
  void SetDay(google::protobuf::Message& day, bool good);
  void SetInstant(google::protobuf::Message& instant, bool good);
  void SetNumber(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                 int64_t value);

  Dice& dice_;
};

}  // namespace relais::fuzz
