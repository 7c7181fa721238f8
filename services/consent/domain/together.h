// What several noes leave of an agreement's line together (against.h). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "services/consent/domain/acts.h"
#include "services/consent/domain/contested.h"

namespace relais::consent {

/// So that one line of a long history is looked at in a bounded time.
inline constexpr size_t kMostParts = 256;

struct Together {
  /// So many of the parts, from the first on, hold the line; nullopt: all of them do not.
  std::optional<size_t> first;
  /// How often the parts of a value were looked up: what it cost.
  size_t looked_up = 0;
};

/// How many of these parts of the agreement's line it takes, in their order, until each combination of its
/// lists is in one of them. A kind that the line names is in a part that holds the kind: never in those that
/// name its institutions, however many. Parts after the first 256 hold nothing: that errs on the side of
/// "a part" of what was taken.
///
/// Each value of the line, and of a part, is hashed once. Then each combination is looked up at most once, in
/// a dozen operations on words of 64 parts: of a line of 50 recipients, 50 categories, 50 purposes and 10
/// acts, the most that the API takes, 1.4 million times; of one of 50, 20, 10 and 5 sixty thousand times.
[[nodiscard]] Together HoldTogether(const Line& line, const std::vector<const Contested*>& parts);

}  // namespace relais::consent
