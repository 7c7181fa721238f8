#include "common/identity/request_key.h"

#include "common/identity/keyed_hash.h"

namespace relais::identity {

Id128 BucketId(const Secret& key, std::string_view kind, std::string_view institution,
               std::string_view name) {
  return KeyedId(key, "relais index bucket v1", {kind, institution, name});
}

std::string ContentDigest(const Secret& key, std::string_view kind, std::string_view canonical_bytes) {
  return KeyedHash(key, "relais content digest v1", {kind, canonical_bytes});
}

}  // namespace relais::identity
