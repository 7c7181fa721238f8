#include "services/cli/values.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/secret_file.h"
#include "common/pki/file.h"
#include "common/text/day.h"
#include "google/protobuf/descriptor.h"
#include "services/cli/output.h"

namespace relais::cli {
namespace {

// Empty when it cannot be found out.
std::filesystem::path PlaceOf(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  std::filesystem::path place = error ? whole : std::filesystem::weakly_canonical(whole, error);
  return error ? std::filesystem::path() : place;
}

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& path, size_t limit) {
  RETURN_IF_ERROR(CheckInput(path));
  absl::StatusOr<std::string> text = pki::ReadWholeFile(path, limit);
  return text.ok() ? text : absl::InvalidArgumentError("cannot read " + path);
}

absl::StatusOr<Secret> ReadSecretInput(const std::string& path) {
  RETURN_IF_ERROR(CheckInput(path));
  absl::StatusOr<Secret> secret = crypto::ReadSecretFile(path);
  return secret.ok() ? std::move(secret) : absl::InvalidArgumentError(secret.status().message());
}

absl::Status CheckInput(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": it is a folder"));
  }
  return std::filesystem::exists(status)
             ? absl::OkStatus()
             : absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": there is no such file"));
}

absl::Status CheckOutput(const std::string& path) {
  const auto cannot = [&path](const std::string& why) {
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", path, ": ", why));
  };
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
    return cannot("there is no such folder");
  }
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    return cannot("it is a folder");
  }
  if (path == "-" || (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))) {
    return cannot("it is no file");
  }
  std::string beside = path + ".try-XXXXXX";  // longer than what stands beside a file that is being written
  const int fd = mkostemp(beside.data(), O_CLOEXEC);
  if (fd < 0) {
    return cannot(std::generic_category().message(errno));
  }
  close(fd);
  unlink(beside.c_str());
  return absl::OkStatus();
}

bool NameOneFile(const std::string& one, const std::string& other) {
  std::error_code error;
  if (std::filesystem::equivalent(one, other, error)) {
    return true;
  }
  const std::filesystem::path place = PlaceOf(one);
  return !place.empty() && place == PlaceOf(other);
}

absl::StatusOr<common::v1::Date> ParseDateOption(const std::string& text, const std::string& option) {
  const std::optional<absl::CivilDay> day = text::ParseDay(text);
  if (!day.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(option, " wants a day such as 2026-11-03 or 03/11/2026"));
  }
  common::v1::Date date;
  date.set_year(static_cast<int32_t>(day->year()));
  date.set_month(day->month());
  date.set_day(day->day());
  return date;
}

absl::StatusOr<google::protobuf::Timestamp> ParseTimeOption(const std::string& text,
                                                            const std::string& option) {
  const std::optional<absl::Time> time = text::ParseInstant(text);
  if (!time.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, " wants an instant such as 2026-11-03T14:00:00+01:00"));
  }
  return ToProto(*time);
}

common::v1::Party ParseParty(const std::string& text) {
  common::v1::Party party;
  const size_t slash = text.find('/');
  party.set_institution(text.substr(0, slash));
  if (slash != std::string::npos) {
    party.set_function(text.substr(slash + 1));
  }
  return party;
}

common::v1::PersonRef Person(const std::string& handle) {
  common::v1::PersonRef person;
  person.set_handle(handle);
  return person;
}

std::string EnumWord(const std::string& text) {
  std::string word = absl::AsciiStrToUpper(text);
  for (char& c : word) {
    c = c == '-' ? '_' : c;
  }
  return word;
}

absl::StatusOr<int> ParseEnum(const google::protobuf::EnumDescriptor* type, const std::string& text,
                              const std::string& option) {
  const std::string wanted = EnumWord(text);
  std::vector<std::string> words;
  for (int i = 0; i < type->value_count(); ++i) {
    const int number = type->value(i)->number();
    if (number == 0) {
      continue;
    }
    std::string word = EnumText(type, number);
    if (word == wanted) {
      return number;
    }
    word = absl::AsciiStrToLower(word);
    for (char& c : word) {
      c = c == '_' ? '-' : c;
    }
    words.push_back(std::move(word));
  }
  return absl::InvalidArgumentError(absl::StrCat(option, " is one of ", absl::StrJoin(words, ", ")));
}

}  // namespace relais::cli
