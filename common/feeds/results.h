// The two files that tell a sender what became of each row. No personal data: a reference is written only
// where it may be shown, a field is a column's or member's name. Lines end with LF. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/feeds/judge.h"

namespace relais::feeds {

inline constexpr std::string_view kResultsHeader = "line;reference;outcome;reason;retry_after\n";
inline constexpr std::string_view kRefusedHeader = "line;reference;reason;field\n";

/// A line of `--results FILE`.
[[nodiscard]] std::string ResultsLine(uint64_t line, std::string_view reference, const Outcome& outcome);
/// A line of `FILE.refused.csv`.
[[nodiscard]] std::string RefusedLine(uint64_t line, std::string_view reference, Reason reason,
                                      std::string_view field);

}  // namespace relais::feeds
