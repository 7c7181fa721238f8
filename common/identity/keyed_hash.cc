#include "common/identity/keyed_hash.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/crypto/sha256.h"

namespace relais::identity {
namespace {

crypto::Digest Hash(const Secret& key, std::string_view context, std::span<const std::string_view> fields) {
  std::string framed;
  AppendFramed(framed, context);
  for (const std::string_view field : fields) AppendFramed(framed, field);
  return crypto::HmacSha256Digest(key.ExposeSecret(), {framed});
}

}  // namespace

void AppendFramed(std::string& out, std::string_view field) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((field.size() >> shift) & 0xff));
  out += field;
}

std::string KeyedHash(const Secret& key, std::string_view context, std::span<const std::string_view> fields) {
  return std::string(crypto::AsBytes(Hash(key, context, fields)));
}

std::string KeyedHash(const Secret& key, std::string_view context,
                      std::initializer_list<std::string_view> fields) {
  return KeyedHash(key, context, std::span(fields.begin(), fields.size()));
}

Id128 KeyedId(const Secret& key, std::string_view context, std::span<const std::string_view> fields) {
  const crypto::Digest digest = Hash(key, context, fields);
  std::array<uint8_t, Id128::kSize> raw;
  std::copy_n(digest.begin(), raw.size(), raw.begin());
  return Id128(raw);
}

Id128 KeyedId(const Secret& key, std::string_view context, std::initializer_list<std::string_view> fields) {
  return KeyedId(key, context, std::span(fields.begin(), fields.size()));
}

}  // namespace relais::identity
