// Hexadecimal and Base64 as the file formats want them: one spelling per value, or refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace relais::crypto {

/// Lower-case digits.
[[nodiscard]] std::string HexEncode(std::string_view bytes);
/// Either case. INVALID_ARGUMENT for an odd length or any other character; the input is not quoted.
[[nodiscard]] absl::StatusOr<std::string> HexDecode(std::string_view hex);

/// RFC 4648 section 4, with padding.
[[nodiscard]] std::string Base64Encode(std::string_view bytes);
/// Accepts exactly what Base64Encode writes. INVALID_ARGUMENT for missing padding, spaces, the other alphabet
/// or stray bits; the input is not quoted.
[[nodiscard]] absl::StatusOr<std::string> Base64Decode(std::string_view text);

/// A decimal number without sign, space or leading zero, up to 2^64 - 1. INVALID_ARGUMENT otherwise.
[[nodiscard]] absl::StatusOr<uint64_t> ParseDecimal(std::string_view text);

}  // namespace relais::crypto
