#include "common/rpc/pattern.h"

#include <limits>
#include <string>

#include "absl/strings/numbers.h"
#include "common/base/status.h"

namespace relais::rpc {
namespace {

constexpr size_t kUnbounded = std::numeric_limits<size_t>::max();
// What has a meaning in regular expressions and none here.
constexpr std::string_view kRefused = "().|^$\\*+?{}]";

bool IsAsciiByte(char c) { return static_cast<unsigned char>(c) < 128; }

absl::Status Unsupported(const char* what) {
  return absl::InvalidArgumentError(std::string("pattern: ") + what);
}

bool TakeNumber(std::string_view& rest, size_t& number) {
  size_t digits = 0;
  while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') {
    ++digits;
  }
  constexpr size_t kMostDigits = 5;
  if (digits == 0 || digits > kMostDigits) {
    return false;
  }
  number = std::stoul(std::string(rest.substr(0, digits)));
  rest.remove_prefix(digits);
  return true;
}

}  // namespace

absl::Status Pattern::TakeClass(std::string_view& rest, Class& allowed) {
  rest.remove_prefix(1);  // '['
  const size_t end = rest.find(']');
  if (end == std::string_view::npos || end == 0 || rest[0] == '^') {
    return Unsupported("an unclosed, empty or negated class");
  }
  std::string_view members = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  while (!members.empty()) {
    const char first = members[0];
    const bool range = members.size() >= 3 && members[1] == '-';
    const char last = range ? members[2] : first;
    if (!IsAsciiByte(first) || !IsAsciiByte(last) || first == '\\' || first == '[' || last == '\\' ||
        last < first) {
      return Unsupported("a class with an escape, a wrong range or a character beyond ASCII");
    }
    for (size_t c = static_cast<unsigned char>(first); c <= static_cast<unsigned char>(last); ++c) {
      allowed.set(c);
    }
    members.remove_prefix(range ? 3 : 1);
  }
  return absl::OkStatus();
}

absl::Status Pattern::TakeCount(std::string_view& rest, Element& element) {
  if (rest.empty()) {
    return absl::OkStatus();
  }
  switch (rest[0]) {
    case '+':
      element.max = kUnbounded;
      break;
    case '*':
      element.min = 0;
      element.max = kUnbounded;
      break;
    case '?':
      element.min = 0;
      break;
    case '{': {
      rest.remove_prefix(1);
      if (!TakeNumber(rest, element.min)) {
        return Unsupported("a count without number");
      }
      element.max = element.min;
      if (!rest.empty() && rest[0] == ',') {
        rest.remove_prefix(1);
        if (!TakeNumber(rest, element.max) || element.max < element.min) {
          return Unsupported("a wrong range of counts");
        }
      }
      if (rest.empty() || rest[0] != '}') {
        return Unsupported("an unclosed count");
      }
      break;
    }
    default:
      return absl::OkStatus();
  }
  rest.remove_prefix(1);
  return absl::OkStatus();
}

absl::StatusOr<Pattern> Pattern::Compile(std::string_view text) {
  Pattern pattern;
  if (text.empty()) {
    return Unsupported("empty");
  }
  while (!text.empty()) {
    Element element;
    if (text[0] == '[') {
      RETURN_IF_ERROR(TakeClass(text, element.allowed));
    } else if (!IsAsciiByte(text[0]) || kRefused.find(text[0]) != std::string_view::npos) {
      return Unsupported("an operator that is not supported, or a character beyond ASCII");
    } else {
      element.allowed.set(static_cast<size_t>(text[0]));
      text.remove_prefix(1);
    }
    RETURN_IF_ERROR(TakeCount(text, element));
    if (!pattern.elements_.empty()) {
      const Element& before = pattern.elements_.back();
      // An optional element in between would let the one before meet the one after: simply refused.
      if (before.min != before.max && ((before.allowed & element.allowed).any() || element.min == 0)) {
        return Unsupported("an element of variable length before one that it overlaps");
      }
    }
    pattern.elements_.push_back(element);
  }
  return pattern;
}

bool Pattern::Matches(std::string_view text) const {
  size_t at = 0;
  for (const Element& element : elements_) {
    size_t count = 0;
    while (count < element.max && at < text.size() && IsAsciiByte(text[at]) &&
           element.allowed.test(static_cast<size_t>(text[at]))) {
      ++count;
      ++at;
    }
    if (count < element.min) {
      return false;
    }
  }
  return at == text.size();
}

}  // namespace relais::rpc
