#include "common/base/hex.h"

#include <charconv>
#include <cstddef>
#include <cstdint>

namespace relais {

std::optional<std::string> BytesFromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    uint8_t byte = 0;
    const char* const end = hex.data() + i + 2;
    const auto [stopped, error] = std::from_chars(hex.data() + i, end, byte, 16);
    if (error != std::errc() || stopped != end) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace relais
