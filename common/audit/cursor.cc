#include "common/audit/cursor.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/crypto/sha256.h"

namespace relais::audit::internal {
namespace {
constexpr char kFormat = 0x01;
constexpr size_t kFixedSize = 1 + 8 + 8 + 2;
constexpr size_t kHashSize = sizeof(merkle::Hash);
}  // namespace

storage::Partition CursorPartition(std::string_view follower) {
  const std::string digest = crypto::Sha256("cursor/" + std::string(follower));
  // Sixteen bytes always make an id.
  return {storage::PartitionKind::kCursor, Id128::FromBytes(digest.substr(0, Id128::kSize)).value()};
}

std::string EncodeCursor(const Cursor& cursor) {
  std::string out(1, kFormat);
  AppendBigEndian64(out, cursor.applied);
  AppendBigEndian64(out, cursor.effects);
  AppendBigEndian16(out, static_cast<uint16_t>(cursor.origin.size()));
  out += cursor.origin;
  for (const merkle::Hash& hash : cursor.range) {
    out.append(hash.begin(), hash.end());
  }
  return out;
}

absl::StatusOr<Cursor> DecodeCursor(std::string_view bytes) {
  if (bytes.size() < kFixedSize || bytes[0] != kFormat) {
    return absl::DataLossError("cursor: unknown format");
  }
  Cursor cursor;
  cursor.applied = ReadBigEndian64(bytes.substr(1));
  cursor.effects = ReadBigEndian64(bytes.substr(9));
  const size_t origin_size = ReadBigEndian16(bytes.substr(17));
  bytes.remove_prefix(kFixedSize);
  const auto hashes = static_cast<size_t>(std::popcount(cursor.applied));
  if (bytes.size() != origin_size + hashes * kHashSize) {
    return absl::DataLossError("cursor: wrong length");
  }
  cursor.origin = bytes.substr(0, origin_size);
  bytes.remove_prefix(origin_size);
  for (size_t i = 0; i < hashes; ++i) {
    merkle::Hash hash;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * kHashSize), kHashSize, hash.begin());
    cursor.range.push_back(hash);
  }
  return cursor;
}

}  // namespace relais::audit::internal
