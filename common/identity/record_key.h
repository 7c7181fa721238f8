// Sender records: what one institution says of one human, found by name and address. Digests and ids are
// keyed hashes under that institution's suppression key, which the sender, alerting and consent hold. Pure
// but for the key ring.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/secret.h"
#include "common/crypto/key_ring.h"

namespace relais::identity {

/// The four parts of the sender record key, normalised by common/text (NormalizeAddress for `adresse`,
/// NormalizeName for the others). They stay separate: ("A B", "C") and ("A", "B C") are two records.
struct RecordParts {
  std::string_view nom;
  std::string_view prenoms;
  std::string_view adresse;
  std::string_view code_postal;
};

/// The sender record digest of objections and gated notices (D-1.6): 32 raw bytes.
[[nodiscard]] std::string RecordDigest(const Secret& suppression_key, std::string_view institution,
                                       const RecordParts& parts);

/// The id of a sender record found by its key. It is another hash than the digest: who sees one cannot tell
/// the other without the key. It changes with the key's version, so a record is looked for under every
/// version that is left.
[[nodiscard]] Id128 SenderRecordId(const Secret& suppression_key, std::string_view institution,
                                   const RecordParts& parts);

struct SuppressionKey {
  uint32_t version = 0;
  Secret key;
};

/// The suppression keys of a ring, "suppression/<institution>". Thread-safe. The ring must outlive it.
class SuppressionKeys {
 public:
  explicit SuppressionKeys(const crypto::KeyRing& ring) : ring_(&ring) {}

  /// The newest; NOT_FOUND when the institution has none.
  [[nodiscard]] absl::StatusOr<SuppressionKey> Current(std::string_view institution) const;
  /// NOT_FOUND when there is no such version.
  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view institution, uint32_t version) const;
  /// Every version that is left, newest first; NOT_FOUND when there is none.
  [[nodiscard]] absl::StatusOr<std::vector<SuppressionKey>> All(std::string_view institution) const;

 private:
  const crypto::KeyRing* ring_;
};

/// "suppression/<institution>"
[[nodiscard]] std::string SuppressionKeyName(std::string_view institution);

}  // namespace relais::identity
