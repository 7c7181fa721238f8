// A scrub as operators read it: `relais vault scrub` and `scrub-status`. Pure.
#pragma once

#include <string>

#include "relais/vault/v1/operation_service.pb.h"

namespace relais::cli {

/// How far it is and what it found, 0 findings in so many words: three lines, one of rights that were put
/// back, one of what was not read.
[[nodiscard]] std::string ScrubText(const vault::v1::Scrub& scrub);
/// No paper is damaged, no right was put back, and everything was read, as far as it is.
[[nodiscard]] bool FoundNothing(const vault::v1::Scrub& scrub);

}  // namespace relais::cli
