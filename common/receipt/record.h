// A receipt with the field names of ISO/IEC TS 27560:2023, from which a Kantara consent receipt 1.1 can be
// filled (D-2.13). The table of fields is in docs/formats.md, "Consent record". Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "relais/consent/v1/receipt.pb.h"

namespace relais::receipt {

/// Until when it lasts by what was known then, excluded.
[[nodiscard]] absl::Time EndOf(const consent::v1::Receipt& receipt);

/// From when the mandate of who agreed for her no longer carries it, by what was known then; nullopt: she
/// agreed herself, or it has no end.
[[nodiscard]] std::optional<absl::Time> MandateEnd(const consent::v1::Receipt& receipt);

inline constexpr char kRecordFormat[] = "relais-consent-record/1";

/// JSON, indented, UTF-8; control characters in names are gone. Its `proof` proves the agreement's leaf; the
/// rest says what the registry knew of it and of its parties when it was asked.
[[nodiscard]] std::string WriteRecord(const consent::v1::Receipt& receipt);

}  // namespace relais::receipt
