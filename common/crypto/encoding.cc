#include "common/crypto/encoding.h"

#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/base/hex.h"
#include "common/crypto/text.h"

namespace relais::crypto {

std::string HexEncode(std::string_view bytes) { return absl::BytesToHexString(internal::ToAbsl(bytes)); }

absl::StatusOr<std::string> HexDecode(std::string_view hex) {
  std::optional<std::string> bytes = BytesFromHex(hex);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError("not hexadecimal");
  }
  return *std::move(bytes);
}

std::string Base64Encode(std::string_view bytes) { return absl::Base64Escape(internal::ToAbsl(bytes)); }

absl::StatusOr<std::string> Base64Decode(std::string_view text) {
  std::string bytes;
  // The library forgives spaces, missing padding and stray bits; encoding again does not.
  if (!absl::Base64Unescape(internal::ToAbsl(text), &bytes) || Base64Encode(bytes) != text) {
    return absl::InvalidArgumentError("not Base64");
  }
  return bytes;
}

absl::StatusOr<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool leading_zero = text.size() > 1 && text[0] == '0';
  if (error != std::errc() || end != text.data() + text.size() || leading_zero) {
    return absl::InvalidArgumentError("not a decimal number");
  }
  return value;
}

}  // namespace relais::crypto
