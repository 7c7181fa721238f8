// Big-endian numbers in the log's formats. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace relais::audit {

inline void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}
inline void AppendBigEndian16(std::string& out, uint16_t value) { AppendBigEndian(out, value, 2); }
inline void AppendBigEndian32(std::string& out, uint32_t value) { AppendBigEndian(out, value, 4); }
inline void AppendBigEndian64(std::string& out, uint64_t value) { AppendBigEndian(out, value, 8); }

/// From the first `n` bytes; the caller has checked that they are there.
inline uint64_t ReadBigEndian(std::string_view bytes, size_t n) {
  uint64_t value = 0;
  for (size_t i = 0; i < n; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}
inline uint16_t ReadBigEndian16(std::string_view bytes) {
  return static_cast<uint16_t>(ReadBigEndian(bytes, 2));
}
inline uint32_t ReadBigEndian32(std::string_view bytes) {
  return static_cast<uint32_t>(ReadBigEndian(bytes, 4));
}
inline uint64_t ReadBigEndian64(std::string_view bytes) { return ReadBigEndian(bytes, 8); }

/// A row key of the log's tables: a leaf's index.
inline std::string IndexKey(uint64_t index) {
  std::string key;
  AppendBigEndian64(key, index);
  return key;
}

}  // namespace relais::audit
