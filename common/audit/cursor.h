// What a follower remembers of the log it follows. Private to common/audit. Pure.
//
// Kept in partition {kCursor, first 16 bytes of SHA-256("cursor/" ‖ follower's name)}, key "cursor"
// (docs/formats.md, "Cursors"):
//
//   byte  0        0x01
//   bytes 1–8      leaves applied, big-endian
//   bytes 9–16     effect cursor: leaves applied with their effects, ever, big-endian
//   bytes 17–18    length of the origin, big-endian; then the origin
//   then           roots of the complete subtrees of the applied leaves, largest first, 32 bytes each: as
//   many as
//                  the number of applied leaves has bits set
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/merkle/tree.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

inline constexpr std::string_view kCursorKey = "cursor";

struct Cursor {
  uint64_t applied = 0;
  uint64_t effects = 0;
  std::string origin;
  std::vector<merkle::Hash> range;
};

[[nodiscard]] storage::Partition CursorPartition(std::string_view follower);
[[nodiscard]] std::string EncodeCursor(const Cursor& cursor);
/// DATA_LOSS when the bytes are not a cursor.
[[nodiscard]] absl::StatusOr<Cursor> DecodeCursor(std::string_view bytes);

}  // namespace relais::audit::internal
