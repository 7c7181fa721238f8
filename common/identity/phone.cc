#include "common/identity/phone.h"

#include <algorithm>

namespace relais::identity {
namespace {

constexpr size_t kFrenchDigits = 9;  // after +33
constexpr size_t kFewestDigits = 8;
constexpr size_t kMostDigits = 15;  // E.164
constexpr size_t kFillerDigits = 8;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Digits, after one + if there was one in front; empty when any other character than a separator is there.
std::string WithoutSeparators(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i).starts_with("\u00A0") || text.substr(i).starts_with("\u202F")) {
      i += text.substr(i).starts_with("\u00A0") ? 1 : 2;
    } else if (IsDigit(c) || (c == '+' && out.empty())) {
      out.push_back(c);
    } else if (std::string_view(" .-/()").find(c) == std::string_view::npos) {
      return "";
    }
  }
  return out;
}

bool IsFiller(std::string_view digits) {
  const std::string_view tail = digits.substr(digits.size() - kFillerDigits);
  return std::all_of(tail.begin(), tail.end(), [&](char c) { return c == tail.front(); });
}

std::string French(std::string_view national) {
  if (national.size() == kFrenchDigits + 1 && national.front() == '0') national.remove_prefix(1);
  if (national.size() != kFrenchDigits || national.front() == '0' || IsFiller(national)) return "";
  return std::string("+33") += national;
}

std::string International(std::string_view digits) {
  if (digits.starts_with("33")) return French(digits.substr(2));
  if (digits.size() < kFewestDigits || digits.size() > kMostDigits || digits.front() == '0' ||
      IsFiller(digits)) {
    return "";
  }
  return std::string("+") += digits;
}

}  // namespace

std::string NormalizePhone(std::string_view text) {
  const std::string plain = WithoutSeparators(text);
  const std::string_view digits = plain;
  if (digits.starts_with("+")) return International(digits.substr(1));
  if (digits.starts_with("00")) return International(digits.substr(2));
  if (digits.size() == kFrenchDigits + 2 && digits.starts_with("33")) return French(digits.substr(2));
  return French(digits);
}

}  // namespace relais::identity
