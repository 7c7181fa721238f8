// Her journal as two files of an export, for a program and for her: too long to be held, so it is read once
// before and once for each, and must be the same each time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "services/vault/domain/export_gaps.h"
#include "services/vault/export_sink.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// What was found on the first reading.
struct JournalFound {
  std::vector<uint64_t> leaves;  // of her journal under all names (journal_leaves.h), ascending
  uint64_t size = 0;             // of `journal.json`
  uint64_t text_size = 0;        // of `journal.txt`
  uint64_t unreadable = 0;       // of `leaves`, those that do not read: no line of the files is theirs
  /// Leaves after those of the journal that AddDestroyedSince met and that do not read.
  uint64_t unreadable_since = 0;
  /// Where the deposit of a version stands in the log, by document (32 hexadecimal digits) and version.
  std::map<PaperVersion, uint64_t> deposits;
  /// Likewise of the destruction of a paper, by document.
  std::map<std::string, uint64_t> destructions;
};
/// Of the leaves below `end` about these names of hers. What the log does not open is left out, and what does
/// not read is counted, as in ReadJournal.
Task<absl::StatusOr<JournalFound>> FindJournal(const Vault& vault, std::vector<Id128> names, uint64_t end);

/// Adds the destructions that the log has from `from` on, of papers whose deposit was found.
Task<absl::Status> AddDestroyedSince(const Vault& vault, const std::vector<Id128>& names, uint64_t from,
                                     JournalFound& found);

/// Writes `journal.txt` and `journal.json`. INTERNAL when it is another than it was, because somebody was
/// erased meanwhile, or a leaf read then and does not any more.
Task<absl::Status> WriteJournal(const Vault& vault, const JournalFound& found, ExportSink& sink);

}  // namespace relais::vault
