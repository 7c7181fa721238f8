// Keyed hashes of several fields. Every field is preceded by its length, so ("ab","c") and ("a","bc") differ,
// and by a context, so that no hash of one use is a hash of another. Pure, thread-safe.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "common/base/id128.h"
#include "common/base/secret.h"

namespace relais::identity {

/// Appends the length of `field` (4 bytes, big-endian) and `field`.
void AppendFramed(std::string& out, std::string_view field);

/// HMAC-SHA-256 of framed `context`, then the framed fields: 32 raw bytes.
[[nodiscard]] std::string KeyedHash(const Secret& key, std::string_view context,
                                    std::span<const std::string_view> fields);
[[nodiscard]] std::string KeyedHash(const Secret& key, std::string_view context,
                                    std::initializer_list<std::string_view> fields);

/// The first 16 bytes of the same.
[[nodiscard]] Id128 KeyedId(const Secret& key, std::string_view context,
                            std::span<const std::string_view> fields);
[[nodiscard]] Id128 KeyedId(const Secret& key, std::string_view context,
                            std::initializer_list<std::string_view> fields);

}  // namespace relais::identity
