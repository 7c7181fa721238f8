// DocumentService.ReadJournal: lire le journal (NF Z42-020, D-3.2), from the audit log by subject; there is
// no second record of accesses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/secret.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/handlers/access.h"

namespace relais::vault {

/// Which lines of her journal.
struct JournalWanted {
  std::string document_id = {};  // 32 hexadecimal digits; empty: of the whole vault
  absl::Time from = absl::InfinitePast();
  absl::Time to = absl::InfiniteFuture();
};
struct JournalLines {
  std::vector<v1::JournalEntry> entries;  // newest first
  uint64_t rest = 0;                      // leaves below it are still to be looked at; 0: none
  uint32_t unreadable = 0;                // leaves that were looked at and do not read
};
/// Up to `limit` lines of her journal's leaves (journal_leaves.h), of all these names, below index `below`,
/// looking at some thousand at most, so that there may be none although some are left. What the log does not
/// open is left out.
[[nodiscard]] absl::StatusOr<JournalLines> ReadJournalLines(const Vault& vault,
                                                            const std::vector<Id128>& names,
                                                            const JournalWanted& wanted, uint64_t below,
                                                            size_t limit);

/// Thread-safe. Methods as in the proto.
class JournalHandlers {
 public:
  explicit JournalHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::ReadJournalResponse>> ReadJournal(rpc::Call call, v1::ReadJournalRequest request);

 private:
  const Vault& vault_;
};

}  // namespace relais::vault
