// A receipt with the field names of ISO/IEC TS 27560:2023, from which a Kantara consent receipt 1.1 can be
// filled (D-2.13). The table of fields is in docs/formats.md, "Consent record". Pure.
#pragma once

#include <string>

#include "relais/consent/v1/receipt.pb.h"

namespace relais::receipt {

/// JSON, indented, UTF-8; control characters in names are gone. It is also a `relais-receipt/1`: its `proof`
/// proves, the rest says what it is about.
[[nodiscard]] std::string WriteRecord(const consent::v1::Receipt& receipt);

}  // namespace relais::receipt
