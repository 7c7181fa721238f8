#include "common/base/id128.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "common/base/hex.h"

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
  const std::optional<std::string> raw = BytesFromHex(hex);
  if (!raw.has_value() || raw->size() != kSize) {
    return absl::InvalidArgumentError("an id has 32 hexadecimal digits");
  }
  return FromBytes(*raw);
}

std::string Id128::ToHex() const {
  const std::string_view raw = bytes();
  return absl::BytesToHexString(absl::string_view(raw.data(), raw.size()));
}

}  // namespace relais
