#include "common/rpc/page_token.h"

#include "common/audit/big_endian.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"
#include "common/rpc/call.h"

namespace relais::rpc {
namespace {

constexpr char kFormat = 0x01;
constexpr size_t kPlaceSize = 1 + 4 * 8;
constexpr size_t kTagSize = 16;
// Two services' clocks, or one that was set back a little.
constexpr absl::Duration kFuture = absl::Minutes(5);

std::string Tag(const Secret& key, std::string_view place, std::string_view binding) {
  const crypto::Digest digest = crypto::HmacSha256Digest(key.ExposeSecret(), {"page", place, binding});
  return std::string(crypto::AsBytes(digest).substr(0, kTagSize));
}

absl::Status NotAToken() { return InvalidField("page_token", "is not of this query, caller and day"); }

}  // namespace

std::string MakePageToken(const Secret& key, const PagePlace& place, std::string_view binding) {
  std::string bytes(1, kFormat);
  audit::AppendBigEndian64(bytes, place.size);
  audit::AppendBigEndian64(bytes, place.from);
  audit::AppendBigEndian64(bytes, place.to);
  audit::AppendBigEndian64(bytes, static_cast<uint64_t>(absl::ToUnixMicros(place.issued)));
  return crypto::HexEncode(bytes + Tag(key, bytes, binding));
}

absl::StatusOr<PagePlace> ReadPageToken(const Secret& key, std::string_view token, std::string_view binding,
                                        absl::Time now) {
  const absl::StatusOr<std::string> bytes = crypto::HexDecode(token);
  if (!bytes.ok() || bytes->size() != kPlaceSize + kTagSize || bytes->front() != kFormat) {
    return NotAToken();
  }
  const std::string_view all = *bytes;
  if (!ConstantTimeEqual(all.substr(kPlaceSize), Tag(key, all.substr(0, kPlaceSize), binding))) {
    return NotAToken();
  }
  PagePlace place;
  place.size = audit::ReadBigEndian64(all.substr(1));
  place.from = audit::ReadBigEndian64(all.substr(9));
  place.to = audit::ReadBigEndian64(all.substr(17));
  place.issued = absl::FromUnixMicros(static_cast<int64_t>(audit::ReadBigEndian64(all.substr(25))));
  if (now - place.issued > kPageTokenLife || place.issued - now > kFuture) {
    return NotAToken();
  }
  return place;
}

}  // namespace relais::rpc
