// Names that senders give (request ids, references), remembered without being kept: index buckets and
// contents are keyed hashes, never unkeyed ones, which anyone could compute for a guessed name. Pure,
// thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "common/base/id128.h"
#include "common/base/secret.h"

namespace relais::identity {

/// The index bucket in which `name` of `institution` is claimed. `kind` is what sort of name it is and where
/// it is unique: "reference", "own_id", or for request ids the method
/// ("request/relais.routing.v1.RoutingService/Submit").
[[nodiscard]] Id128 BucketId(const Secret& key, std::string_view kind, std::string_view institution,
                             std::string_view name);

/// What a request or row said, to tell a repetition from another content under the same name: 32 raw bytes.
/// `canonical_bytes` must be the same for the same content.
[[nodiscard]] std::string ContentDigest(const Secret& key, std::string_view kind,
                                        std::string_view canonical_bytes);

}  // namespace relais::identity
