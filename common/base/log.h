// The operators' log: one JSON line per event on stderr, and nothing personal in it, by construction. A line
// is a fixed message and typed fields whose names and kinds are chosen here; there is no free text argument.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace relais::log {

/// One field. The constructors are the allow-list: numbers, names of things that are not persons, and the
/// code (never the message, which may quote input) of a status.
class Field {
 public:
  static Field Count(std::string_view name, int64_t value);
  /// A name from configuration or code: service, method, institution, system, path, address, setting.
  static Field Name(std::string_view name, std::string_view value);
  static Field Code(const absl::Status& status);
  /// A status that our own code composed without input (store, log, configuration): its message is shown.
  static Field Internal(const absl::Status& status);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& json() const { return json_; }

 private:
  Field(std::string_view name, std::string json) : name_(name), json_(std::move(json)) {}
  std::string name_;
  std::string json_;
};

/// Names the process in every line; call once, first.
void Init(std::string_view service);

// Thread-safe. `message` must be a literal.
void Info(const char* message, std::initializer_list<Field> fields = {});
void Warn(const char* message, std::initializer_list<Field> fields = {});
void Error(const char* message, std::initializer_list<Field> fields = {});

/// The line as it would be written, without time; for tests.
std::string Render(std::string_view level, const char* message, std::initializer_list<Field> fields);

}  // namespace relais::log
