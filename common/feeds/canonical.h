// Deterministic bytes of rows and record keys, for keyed digests. The caller makes the HMAC, under the
// institution's suppression key: these bytes hold personal data and must never be stored or hashed without a
// key.
//
// Every text is preceded by its length (4 bytes, big-endian), so no two different values give the same bytes.
#pragma once

#include <string>

#include "common/feeds/row.h"

namespace relais::feeds {

/// Content of a row as parsed values (days, cents, instants in UTC, NFC text, signs as a set, absent =
/// default), reference included. Two rows with one reference are DUPLICATE exactly when these bytes are
/// equal.
[[nodiscard]] std::string CanonicalContent(const Row& row);

/// Bytes of a sender record key.
[[nodiscard]] std::string EncodeRecordKey(const RecordKeyParts& key);

/// Bytes that name the sender record `row` belongs to: its record key; or, for a report that knows neither
/// surname nor first names, its reference (a record of its own: an address alone must not join people,
/// D-5.6).
[[nodiscard]] std::string RecordBytes(const Row& row, const RecordKeyParts& key);

}  // namespace relais::feeds
