// Her journal as a file of an export: too long to be held, so it is read twice, and must be the same both
// times.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "services/vault/export_sink.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// What was found on the first reading.
struct JournalFound {
  std::vector<uint64_t> leaves;  // of her journal under all names (journal_leaves.h), ascending
  uint64_t size = 0;             // of the file
  /// Where the deposit of a version stands in the log, by document (32 hexadecimal digits) and version.
  std::map<std::pair<std::string, uint32_t>, uint64_t> deposits;
};
/// Of the leaves below `end` about these names of hers. What the log does not open is left out, as in
/// ReadJournal.
Task<absl::StatusOr<JournalFound>> FindJournal(const Vault& vault, std::vector<Id128> names, uint64_t end);

/// Writes `journal.json`. INTERNAL when it is another than it was, because somebody was erased meanwhile.
Task<absl::Status> WriteJournal(const Vault& vault, const JournalFound& found, ExportSink& sink);

}  // namespace relais::vault
