// Deterministic bytes of rows and record keys, for keyed digests. The caller makes the HMAC, under the
// institution's suppression key: these bytes hold personal data and must never be stored or hashed without a
// key.
//
// Every text is preceded by its length (4 bytes, big-endian), so no two different values give the same bytes.
#pragma once

#include <string>

#include "common/feeds/reason.h"
#include "common/feeds/row.h"

namespace relais::feeds {

/// Content of a row as parsed values (days, cents, instants in UTC, NFC text, signs as a set, absent =
/// default), reference included. Two rows with one reference are DUPLICATE exactly when these bytes are
/// equal.
[[nodiscard]] std::string CanonicalContent(const Row& row);

/// Whether rows with this key are of one sender record. False for a report that knows neither surname nor
/// first names, or none that leaves a Latin letter or a digit: it is a record of its own, since an address
/// alone must not join people (D-5.6). A bill's key always counts, whatever its script: its objection must
/// bind the rows that follow (D-1.6).
[[nodiscard]] bool SharesRecord(FeedType type, const RecordKeyParts& key);

}  // namespace relais::feeds
