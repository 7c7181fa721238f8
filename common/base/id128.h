// A random 128-bit identity. Persons, messages, alerts and event ids are these.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace relais {

class Id128 {
 public:
  static constexpr size_t kSize = 16;

  constexpr Id128() = default;
  explicit constexpr Id128(const std::array<uint8_t, kSize>& raw) : raw_(raw) {}

  /// From exactly 16 bytes; INVALID_ARGUMENT otherwise.
  static absl::StatusOr<Id128> FromBytes(std::string_view bytes);
  /// From 32 hexadecimal digits; INVALID_ARGUMENT otherwise.
  static absl::StatusOr<Id128> FromHex(std::string_view hex);

  [[nodiscard]] std::string_view bytes() const {
    return {reinterpret_cast<const char*>(raw_.data()), raw_.size()};
  }
  [[nodiscard]] std::string ToBytes() const { return std::string(bytes()); }
  [[nodiscard]] std::string ToHex() const;
  [[nodiscard]] bool IsZero() const { return *this == Id128(); }

  friend bool operator==(const Id128&, const Id128&) = default;
  friend std::strong_ordering operator<=>(const Id128& a, const Id128& b) { return a.raw_ <=> b.raw_; }

  template <typename H>
  friend H AbslHashValue(H h, const Id128& id) {
    return H::combine(std::move(h), id.raw_);
  }

 private:
  std::array<uint8_t, kSize> raw_{};
};

}  // namespace relais
