#include "common/merkle/utf8.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace relais::merkle::internal {
namespace {

// Takes one code point off the front; nothing when the bytes are not well-formed.
std::optional<uint32_t> Next(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  size_t length = 1;
  uint32_t smallest = 0;
  uint32_t point = lead;
  if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    smallest = 0x10000;
    point = lead & 0x07U;
  } else if (lead >= 0xe0 && lead < 0xf0) {
    length = 3;
    smallest = 0x800;
    point = lead & 0x0fU;
  } else if (lead >= 0xc2 && lead < 0xe0) {
    length = 2;
    smallest = 0x80;
    point = lead & 0x1fU;
  } else if (lead >= 0x80) {
    return std::nullopt;
  }
  if (text.size() < length) {
    return std::nullopt;
  }
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0U) != 0x80) {
      return std::nullopt;
    }
    point = point << 6 | (next & 0x3fU);
  }
  if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
    return std::nullopt;
  }
  text.remove_prefix(length);
  return point;
}

// The Unicode property White_Space.
bool IsSpace(uint32_t point) {
  return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 || point == 0xa0 ||
         point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 ||
         point == 0x202f || point == 0x205f || point == 0x3000;
}

}  // namespace

bool IsNoteText(std::string_view text) {
  while (!text.empty()) {
    const std::optional<uint32_t> point = Next(text);
    if (!point || (*point < 0x20 && *point != '\n')) {
      return false;
    }
  }
  return true;
}

bool IsKeyName(std::string_view name) {
  if (name.empty()) {
    return false;
  }
  while (!name.empty()) {
    const std::optional<uint32_t> point = Next(name);
    if (!point || *point < 0x20 || *point == '+' || IsSpace(*point)) {
      return false;
    }
  }
  return true;
}

}  // namespace relais::merkle::internal
