#include "common/base/id128.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/escaping.h"

namespace relais {

absl::StatusOr<Id128> Id128::FromBytes(std::string_view bytes) {
  if (bytes.size() != kSize) {
    return absl::InvalidArgumentError("an id has 16 bytes");
  }
  std::array<uint8_t, kSize> raw{};
  std::copy(bytes.begin(), bytes.end(), raw.begin());
  return Id128(raw);
}

absl::StatusOr<Id128> Id128::FromHex(std::string_view hex) {
  const bool digits =
      std::all_of(hex.begin(), hex.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (hex.size() != 2 * kSize || !digits) {
    return absl::InvalidArgumentError("an id has 32 hexadecimal digits");
  }
  return FromBytes(absl::HexStringToBytes(absl::string_view(hex.data(), hex.size())));
}

std::string Id128::ToHex() const {
  const std::string_view raw = bytes();
  return absl::BytesToHexString(absl::string_view(raw.data(), raw.size()));
}

}  // namespace relais
