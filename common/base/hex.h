// Hexadecimal digits to bytes; absl's own decoder is deprecated in the releases that Debian 13 has.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace relais {

/// Either case; nullopt for an odd length or any other character.
[[nodiscard]] std::optional<std::string> BytesFromHex(std::string_view hex);

}  // namespace relais
