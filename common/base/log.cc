#include "common/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace relais::log {
namespace {

std::string Quote(std::string_view text) {
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string& ServiceName() {
  static std::string* name = new std::string("relais");
  return *name;
}

spdlog::logger& Logger() {
  static std::shared_ptr<spdlog::logger>* logger = [] {
    auto* made = new std::shared_ptr<spdlog::logger>(spdlog::stderr_logger_mt("relais"));
    (*made)->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})", spdlog::pattern_time_type::utc);
    (*made)->flush_on(spdlog::level::info);
    return made;
  }();
  return **logger;
}

std::string Body(std::string_view level, const char* message, std::initializer_list<Field> fields) {
  std::string body = absl::StrCat("\"level\":\"", std::string(level), "\",\"service\":", Quote(ServiceName()),
                                  ",\"message\":", Quote(message));
  for (const Field& field : fields) {
    absl::StrAppend(&body, ",", Quote(field.name()), ":", field.json());
  }
  return body;
}

}  // namespace

Field Field::Count(std::string_view name, int64_t value) { return {name, absl::StrCat(value)}; }
Field Field::Name(std::string_view name, std::string_view value) { return {name, Quote(value)}; }
Field Field::Code(const absl::Status& status) {
  return {"code", Quote(absl::StatusCodeToString(status.code()))};
}
Field Field::Internal(const absl::Status& status) { return {"status", Quote(status.ToString())}; }

void Init(std::string_view service) { ServiceName() = std::string(service); }

void Info(const char* message, std::initializer_list<Field> fields) {
  Logger().info("{}", Body("info", message, fields));
}
void Warn(const char* message, std::initializer_list<Field> fields) {
  Logger().warn("{}", Body("warn", message, fields));
}
void Error(const char* message, std::initializer_list<Field> fields) {
  Logger().error("{}", Body("error", message, fields));
}

std::string Render(std::string_view level, const char* message, std::initializer_list<Field> fields) {
  return absl::StrCat("{", Body(level, message, fields), "}");
}

}  // namespace relais::log
