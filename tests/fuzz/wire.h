// One call as the bytes that registry_bytes_fuzz changes: a byte for the method, one for the caller, and the
// request as on the wire.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/fuzz/script.h"

namespace relais::fuzz {

/// How long it waits and what its metadata lacks are not in it.
std::string ToWire(const Step& step);
/// Every byte names some method and some caller. Nullopt where the rest is no message of the method's.
std::optional<Step> FromWire(std::string_view bytes);

}  // namespace relais::fuzz
