#include "common/directory/internal/reader.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace relais::directory::internal {

using Kind = YamlValue::Kind;

Reader::Reader(const YamlValue& value, std::string path, std::vector<std::string>& problems)
    : value_(value), path_(std::move(path)), problems_(problems) {
  if (value_.kind != Kind::kMap) {
    problems_.push_back(absl::StrCat(path_.empty() ? "the file" : path_, ": must be a mapping"));
  }
}

Reader::~Reader() {
  for (const auto& [key, item] : value_.map) {
    if (!known_.contains(key)) {
      problems_.push_back(absl::StrCat(PathOf(key.c_str()), ": unknown key"));
    }
  }
}

std::string Reader::PathOf(const char* key) const {
  return path_.empty() ? key : absl::StrCat(path_, ".", key);
}

void Reader::Problem(const char* key, const std::string& what) {
  problems_.push_back(absl::StrCat(PathOf(key), ": ", what));
}

const YamlValue* Reader::Find(const char* key) {
  known_.insert(key);
  return value_.Find(key);
}

const std::string* Reader::FindText(const char* key) {
  const YamlValue* value = Find(key);
  if (value == nullptr) {
    return nullptr;
  }
  if (value->kind != Kind::kText) {
    Problem(key, "must be a text");
    return nullptr;
  }
  return &value->text;
}

std::string Reader::Text(const char* key) {
  if (!Has(key)) {
    known_.insert(key);
    Problem(key, "is missing");
    return "";
  }
  const std::string* text = FindText(key);
  if (text != nullptr && text->empty()) {
    Problem(key, "must not be empty");
  }
  return text == nullptr ? "" : *text;
}

std::string Reader::OptionalText(const char* key) {
  const std::string* text = FindText(key);
  return text == nullptr ? "" : *text;
}

std::vector<std::string> Reader::Texts(const char* key) {
  std::vector<std::string> texts;
  const YamlValue* value = Find(key);
  if (value == nullptr) {
    return texts;
  }
  if (value->kind != Kind::kList) {
    Problem(key, "must be a list of texts");
    return texts;
  }
  for (const YamlValue& item : value->list) {
    if (item.kind != Kind::kText || item.text.empty()) {
      Problem(key, "must be a list of texts");
      return texts;
    }
    texts.push_back(item.text);
  }
  return texts;
}

int64_t Reader::Int(const char* key, int64_t fallback, int64_t min, int64_t max) {
  const std::string* text = FindText(key);
  if (text == nullptr) {
    return fallback;
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(*text, &number) || number < min || number > max) {
    Problem(key, absl::StrCat("must be an integer from ", min, " to ", max));
    return fallback;
  }
  return number;
}

uint64_t Reader::Version(const char* key) {
  const std::string text = Text(key);
  uint64_t number = 0;
  if (!text.empty() && (!absl::SimpleAtoi(text, &number) || number == 0)) {
    Problem(key, "must be a positive integer");
  }
  return number;
}

bool Reader::Bool(const char* key, bool fallback) {
  const std::string* text = FindText(key);
  if (text == nullptr) {
    return fallback;
  }
  if (*text != "true" && *text != "false") {
    Problem(key, "must be true or false");
    return fallback;
  }
  return *text == "true";
}

std::optional<absl::Time> Reader::OptionalInstant(const char* key) {
  const std::string* text = FindText(key);
  if (text == nullptr) {
    return std::nullopt;
  }
  absl::Time time;
  std::string error;
  // ParseTime also knows "infinite-future", which would make a directory that never ages.
  if (!absl::ParseTime(absl::RFC3339_full, *text, &time, &error) || time == absl::InfiniteFuture() ||
      time == absl::InfinitePast()) {
    Problem(key, "must be an instant such as 2027-12-31T23:00:00Z");
    return std::nullopt;
  }
  return time;
}

absl::Time Reader::Instant(const char* key) {
  if (!Has(key)) {
    known_.insert(key);
    Problem(key, "is missing");
  }
  return OptionalInstant(key).value_or(absl::UnixEpoch());
}

std::optional<absl::CivilDay> Reader::OptionalDay(const char* key) {
  const std::string* text = FindText(key);
  if (text == nullptr) {
    return std::nullopt;
  }
  absl::CivilDay day;
  // The exact form only: absl also reads "2026-1-3".
  if (!absl::ParseCivilTime(*text, &day) || absl::FormatCivilTime(day) != *text) {
    Problem(key, "must be a day such as 2026-11-03");
    return std::nullopt;
  }
  return day;
}

absl::CivilDay Reader::Day(const char* key) {
  if (!Has(key)) {
    known_.insert(key);
    Problem(key, "is missing");
  }
  return OptionalDay(key).value_or(absl::CivilDay());
}

std::vector<std::pair<std::string, const YamlValue*>> Reader::Items(const char* key) {
  std::vector<std::pair<std::string, const YamlValue*>> items;
  const YamlValue* value = Find(key);
  if (value == nullptr) {
    return items;
  }
  if (value->kind != Kind::kList) {
    Problem(key, "must be a list");
    return items;
  }
  for (size_t i = 0; i < value->list.size(); ++i) {
    items.emplace_back(absl::StrCat(PathOf(key), "[", ItemName(value->list[i], i), "]"), &value->list[i]);
  }
  return items;
}

}  // namespace relais::directory::internal
