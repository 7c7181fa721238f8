// Checks the rows of a log's derived indexes (index_format.h) in a store against the leaves they are made of.
#pragma once

#include "absl/status/status.h"
#include "common/audit/findings.h"
#include "common/base/random.h"
#include "common/crypto/key_ring.h"
#include "common/storage/store.h"

namespace relais::audit {

/// Every leaf that is indexed stands under each of its values, and nothing stands where no leaf has that
/// value; the catalogue names every bucket. What an erased leaf had in its part P is not known any more: its
/// rows stay (ADR 6) and are no finding; nor are those of a run that a crash kept from being counted, which
/// are said in a note. Values are never printed: the dimension and the leaf are.
///
/// The log itself is FsckStore's: leaves that are missing or do not parse are passed over here. Memory: one
/// segment of 65,536 leaves. Without the log's key in `ring` nothing is looked at.
absl::Status FsckIndex(const storage::Store& store, crypto::KeyRing& ring, Random& random,
                       Findings& findings);

}  // namespace relais::audit
