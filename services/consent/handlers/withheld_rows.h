// What is withheld of her access history: its leaves, and where its reviews are kept (rights_state.proto). A
// review is a sealed row under the name it was made under; it counts under every name of one human.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "services/consent/domain/withholding.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

inline constexpr std::string_view kWithheldPrefix = "withheld/";
[[nodiscard]] std::string WithheldKey(const Id128& event);

/// What counts of the reviews of each entry, under any of these names (AddReview). A name that is erased has
/// none; a review that does not read is said to be one.
[[nodiscard]] absl::StatusOr<Reviews> ReadReviews(Registry& registry, const std::vector<Id128>& group);

/// Leaves below `end` about her under any name, oldest first. A person has hundreds, not millions.
[[nodiscard]] absl::StatusOr<std::vector<uint64_t>> LeavesBelow(audit::Log& log,
                                                                const std::vector<Id128>& group,
                                                                uint64_t end);

}  // namespace relais::consent
