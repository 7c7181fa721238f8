// Rectified traits, and who got the old ones (RGPD art. 16, 19). Pure, but for reading the log.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "relais/consent/v1/rights_service.pb.h"

namespace relais::consent {

struct Rectified {
  v1::Traits traits;
  std::vector<std::string> changed;  // names of fields, sorted
};

/// Fields that `request` sets take its value, those it clears none; the others stay. INVALID_ARGUMENT for a
/// name in `clear` that is no field of Traits, and for one that is both set and cleared.
[[nodiscard]] absl::StatusOr<Rectified> Rectify(const v1::Traits& now, const v1::RectifyRequest& request);

/// Institutions that a recorded check permitted to get her identity, contact details or address from
/// `sender`, sorted. Reads her leaves.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> WhoGotTraits(audit::Log& log, const Id128& person,
                                                                    const std::string& sender);

}  // namespace relais::consent
