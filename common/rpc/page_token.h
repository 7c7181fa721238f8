// Page tokens: where a query stopped, in a form that only this service can make and only its first asker can
// use. Pure.
//
//   hexadecimal of: 0x01 ‖ log size(8) ‖ rest from(8) ‖ rest to(8) ‖ issued, microseconds since 1970(8) ‖
//   first 16 bytes of HMAC-SHA256(key, "page" ‖ those 33 bytes ‖ binding)
//
// `binding` is what the first page was asked for and by whom: 32 bytes, not in the token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/secret.h"

namespace relais::rpc {

struct PagePlace {
  uint64_t size = 0;  // of the log, as all pages see it
  uint64_t from = 0;  // what is still to be looked at: [from, to)
  uint64_t to = 0;
  absl::Time issued;
};

inline constexpr std::string_view kPageTokenKeyInfo = "relais page token v1";
inline constexpr absl::Duration kPageTokenLife = absl::Hours(24);

[[nodiscard]] std::string MakePageToken(const Secret& key, const PagePlace& place, std::string_view binding);
/// INVALID_ARGUMENT, always the same words: not made under this key for this binding, too old, or of the
/// future.
[[nodiscard]] absl::StatusOr<PagePlace> ReadPageToken(const Secret& key, std::string_view token,
                                                      std::string_view binding, absl::Time now);

}  // namespace relais::rpc
