// The record logs of a store, MANIFEST and write-ahead logs, looked at before RocksDB reads them.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace relais::storage {

/// RocksDB takes three kinds of records for no record and gives up what follows without a word: one whose
/// length leads past the file's end, as a crash leaves it; one of a type of logs that are written over, of
/// which a store has none; and one of type and length zero, which is space that was never written. DATA_LOSS,
/// naming the file and the byte, where one changed bit made one of those of a record, or where a whole record
/// follows: of zeros only in the MANIFEST, of a length in a write-ahead log only in a later block. OK for a
/// log that a crash left, for whatever RocksDB itself notices, and where there is no store. Looked at are the
/// MANIFEST that CURRENT names, if it names one, and the write-ahead logs. A file that goes meanwhile is
/// passed over. UNAVAILABLE: the disk refuses.
[[nodiscard]] absl::Status CheckRecordLogs(const std::string& path);

}  // namespace relais::storage
