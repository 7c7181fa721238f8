#include "common/identity/record_key.h"

#include <utility>

#include "common/base/status.h"
#include "common/identity/keyed_hash.h"

namespace relais::identity {
namespace {

constexpr std::string_view kDigestContext = "relais sender record digest v1";
constexpr std::string_view kIdContext = "relais sender record id v1";

}  // namespace

std::string RecordDigest(const Secret& suppression_key, std::string_view institution,
                         const RecordParts& parts) {
  return KeyedHash(suppression_key, kDigestContext,
                   {institution, parts.nom, parts.prenoms, parts.adresse, parts.code_postal});
}

Id128 SenderRecordId(const Secret& suppression_key, std::string_view institution, const RecordParts& parts) {
  return KeyedId(suppression_key, kIdContext,
                 {institution, parts.nom, parts.prenoms, parts.adresse, parts.code_postal});
}

std::string SuppressionKeyName(std::string_view institution) {
  return std::string("suppression/") += institution;
}

absl::StatusOr<SuppressionKey> SuppressionKeys::Current(std::string_view institution) const {
  const std::string name = SuppressionKeyName(institution);
  ASSIGN_OR_RETURN(const uint32_t version, ring_->Latest(name));
  ASSIGN_OR_RETURN(Secret key, ring_->Get(name, version));
  return SuppressionKey{version, std::move(key)};
}

absl::StatusOr<Secret> SuppressionKeys::Get(std::string_view institution, uint32_t version) const {
  return ring_->Get(SuppressionKeyName(institution), version);
}

absl::StatusOr<std::vector<SuppressionKey>> SuppressionKeys::All(std::string_view institution) const {
  const std::string name = SuppressionKeyName(institution);
  ASSIGN_OR_RETURN(const uint32_t latest, ring_->Latest(name));
  std::vector<SuppressionKey> keys;
  for (uint32_t version = latest; version > 0; --version) {
    absl::StatusOr<Secret> key = ring_->Get(name, version);
    if (absl::IsNotFound(key.status())) continue;  // destroyed
    ASSIGN_OR_RETURN(Secret held, std::move(key));
    keys.push_back({version, std::move(held)});
  }
  return keys;
}

}  // namespace relais::identity
