// The record logs of a store, MANIFEST and write-ahead logs, looked at before RocksDB reads them.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace relais::storage {

/// RocksDB takes two kinds of records for the end of a log and gives up what follows without a word: one
/// whose length leads past the file's end, as a crash leaves it, and one of a type of logs that are written
/// over, of which a store has none. DATA_LOSS, naming the file, where a changed bit made one of those; OK for
/// a log that a crash left, for whatever RocksDB itself notices, and where there is no store. UNAVAILABLE:
/// the disk refuses.
[[nodiscard]] absl::Status CheckRecordLogs(const std::string& path);

}  // namespace relais::storage
