// The file in which a sender holds its suppression keys (D-1.6). Mode 0600. Text, a line per version:
//
//   relais-suppression-key/1
//   <institution> <version> <64 hexadecimal digits>
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/crypto/key_ring.h"

namespace relais::cli {

struct SuppressionFile {
  std::string institution;
  std::map<uint32_t, Secret> keys;  // by version; at least one
};

/// INVALID_ARGUMENT for another form, which is not quoted.
[[nodiscard]] absl::StatusOr<SuppressionFile> ParseSuppressionFile(std::string_view text);
[[nodiscard]] Secret FormatSuppressionFile(const SuppressionFile& file);

/// PERMISSION_DENIED when others may read it; NOT_FOUND.
[[nodiscard]] absl::StatusOr<SuppressionFile> ReadSuppressionFile(const std::string& path);
/// Every version of the institution that is left in the ring, written to `path` whole or not at all.
absl::Status WriteSuppressionFile(const crypto::KeyRing& ring, const std::string& institution,
                                  const std::string& path);

}  // namespace relais::cli
