// What was permitted on her word, read back from her own leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "common/base/id128.h"
#include "relais/consent/v1/events.pb.h"

namespace relais::consent {

/// Indices of the leaves about any of these names, ascending.
[[nodiscard]] absl::StatusOr<std::vector<uint64_t>> LeavesOfNames(audit::Log& log,
                                                                  const std::vector<Id128>& names);

/// Agreements, emergencies: 32 hexadecimal digits each.
using Bases = std::set<std::string>;

/// Gives, in the order of the log, every recorded permit below leaf `before` that rests on one of `bases`;
/// not those of an exercise. `leaves` are ascending.
[[nodiscard]] absl::Status ForEachPermitOn(
    audit::Log& log, const std::vector<uint64_t>& leaves, uint64_t before, const Bases& bases,
    const std::function<void(const audit::OpenedLeaf&, const v1::CheckDecided&)>& each);

/// The categories of such a permit that rest on one of `bases`.
[[nodiscard]] std::vector<std::string> CategoriesOn(const audit::OpenedLeaf& leaf,
                                                    const v1::CheckDecided& check, const Bases& bases);

}  // namespace relais::consent
