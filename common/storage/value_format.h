// What the backends keep on disk, byte for byte (docs/formats.md, "Store"). Pure.
//
//   data key:    partition, 17 bytes | key within the partition
//   data value:  0x01 | version, 8 bytes big-endian | payload
//
// Rows of the log's tables are kept as the log gives them: their formats are its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/storage/store.h"

namespace relais::storage {

inline constexpr uint8_t kValueFormat = 0x01;
inline constexpr size_t kValueHeaderBytes = 1 + 8;

[[nodiscard]] std::string EncodeBigEndian64(uint64_t value);
/// From exactly 8 bytes; DATA_LOSS otherwise.
[[nodiscard]] absl::StatusOr<uint64_t> DecodeBigEndian64(std::string_view bytes);

[[nodiscard]] std::string EncodeDataKey(const Partition& partition, std::string_view key);

/// What a value begins with; the payload follows.
[[nodiscard]] std::string EncodeValueHeader(uint64_t version);
[[nodiscard]] std::string EncodeValue(uint64_t version, std::string_view payload);

/// A decoded value; `payload` points into what was decoded.
struct StoredValue {
  uint64_t version = 0;
  std::string_view payload;
};
/// DATA_LOSS when `bytes` is not a value of a format known here.
[[nodiscard]] absl::StatusOr<StoredValue> DecodeValue(std::string_view bytes);

/// The first string after every string that starts with `prefix`; empty when there is none (nothing but
/// 0xff).
[[nodiscard]] std::string PrefixEnd(std::string_view prefix);

}  // namespace relais::storage
