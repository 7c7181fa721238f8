#include "common/text/nir.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"

namespace relais::text {
namespace {

constexpr size_t kLength = 15;
constexpr size_t kNumberLength = 13;
constexpr size_t kDepartement = 5;  // index of the first character of the département

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Bytes of the separator at `i`, 0 if there is none.
size_t SeparatorAt(std::string_view text, size_t i) {
  const char c = text[i];
  if (c == ' ' || c == '.' || c == '-') return 1;
  if (text.substr(i).starts_with("\xC2\xA0")) return 2;      // U+00A0
  if (text.substr(i).starts_with("\xE2\x80\xAF")) return 3;  // U+202F
  return 0;
}

bool HasValidKey(const std::array<char, kLength>& nir) {
  uint64_t number = 0;
  for (size_t i = 0; i < kNumberLength; ++i) {
    uint64_t digit = static_cast<uint64_t>(nir[i] - '0');
    if (i == kDepartement && nir[i + 1] == 'A') digit = 1;
    if (i == kDepartement && nir[i + 1] == 'B') digit = 1;
    if (nir[i] == 'A') digit = 9;
    if (nir[i] == 'B') digit = 8;
    number = number * 10 + digit;
  }
  const uint64_t key = static_cast<uint64_t>(nir[kNumberLength] - '0') * 10 +
                       static_cast<uint64_t>(nir[kNumberLength + 1] - '0');
  return key == 97 - number % 97;
}

/// Whether a NIR starts at `i`, a digit that no digit precedes.
bool NirAt(std::string_view text, size_t i) {
  std::array<char, kLength> nir{};
  size_t count = 0;
  while (i < text.size() && count < kLength) {
    const char c = text[i];
    if (IsDigit(c)) {
      nir[count++] = c;
      ++i;
      continue;
    }
    const char upper = absl::ascii_toupper(static_cast<unsigned char>(c));
    const bool corsica =
        count == kDepartement + 1 && nir[kDepartement] == '2' && (upper == 'A' || upper == 'B');
    if (corsica) {
      nir[count++] = upper;
      ++i;
      continue;
    }
    const size_t separator = SeparatorAt(text, i);
    if (separator == 0) return false;
    i += separator;
  }
  if (count < kLength) return false;
  if (i < text.size() && IsDigit(text[i])) return false;
  return HasValidKey(nir);
}

}  // namespace

bool ContainsNir(std::string_view utf8) {
  constexpr size_t kFewestDigits = kLength - 1;  // one character may be A or B
  if (utf8.size() < kLength) return false;
  if (static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), IsDigit)) < kFewestDigits) return false;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const bool starts_run = IsDigit(utf8[i]) && (i == 0 || !IsDigit(utf8[i - 1]));
    if (starts_run && NirAt(utf8, i)) return true;
  }
  return false;
}

}  // namespace relais::text
