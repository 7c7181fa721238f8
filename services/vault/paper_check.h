// Contrôler one paper: its bytes read to the end, its record and the log held together (NF Z42-020; D-3.1).
// What Verify and the scrub share.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "services/vault/background.h"
#include "services/vault/domain/integrity.h"
#include "services/vault/events.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Where the last leaf that reads about a host or a share of hers says it stands.
template <typename State>
struct LoggedRight {
  State state;
  uint64_t leaf = 0;  // its index
};
/// Papers by id, as her leaves say it; and her hosts and shares.
struct LoggedPapers {
  std::map<Id128, LoggedPaper> papers;
  std::map<std::string, LoggedRight<v1::Host::State>> hosts;  // by institution
  std::map<Id128, LoggedRight<v1::Share::State>> shares;
  bool all_read = true;                     // false: a leaf about her does not read, whatever it says
  std::optional<uint64_t> last_unreadable;  // the index of the last such; nullopt: all_read
};
/// From what of her log is durable now. `only`: of that paper alone, and of no host or share. Her leaves are
/// read from the first one: long for one who is read often. Leaves that do not read keep no other: DATA_LOSS
/// only where it cannot be told which leaves are about her.
[[nodiscard]] absl::StatusOr<LoggedPapers> LoggedOf(const rpc::ServiceContext& context, const Id128& person,
                                                    const std::optional<Id128>& only);

/// A version read to its end. What is damaged is an answer; an error only when nothing can be said now (the
/// store failed). `bytes_per_second`: not faster than that; 0: as fast as it goes.
Task<absl::StatusOr<TextRead>> ReadWhole(const Vault& vault, VersionName name, v1::StoredVersion version,
                                         uint64_t bytes_per_second, const Background* worker);

struct PaperCheck {
  Stored<v1::StoredDocument> document;  // as it was judged; version 0: its record is gone or does not open
  std::vector<v1::VersionCheck>
      checks;  // oldest version first; none for one that is destroyed, as the log says
  [[nodiscard]] bool destroyed() const { return document.value.state() == v1::Document::STATE_DESTROYED; }
  [[nodiscard]] bool intact() const;
};
struct CheckOptions {
  const LoggedPapers* logged = nullptr;  // read before; what speaks against a paper is read again in any case
  uint64_t bytes_per_second = 0;
  const Background* worker = nullptr;  // whose turn it is; nullptr: nobody's
};
/// Reads and judges a paper. Nullopt: neither the vault nor the log has it, or she is erased. A record that
/// was put back is told from one that changes at this moment: what the log says is compared with a record
/// that stayed the same meanwhile.
Task<absl::StatusOr<std::optional<PaperCheck>>> CheckPaper(const Vault& vault, Id128 person, Id128 document,
                                                           CheckOptions options);

/// `damaged` of every version as found. True: something changed.
bool ApplyChecks(const std::vector<v1::VersionCheck>& checks, v1::StoredDocument& document);

/// Writes down what was found: the record where it changes, and DOCUMENT_VERIFIED. `acting.person`: whose.
/// `guard_host`: the commit stands only while that institution is her host, as read.
struct HostGuard {
  std::string institution;
  uint64_t version = 0;
};
Task<absl::StatusOr<storage::CommitResult>> WriteChecks(const Vault& vault, const Acting& acting,
                                                        Id128 document, const PaperCheck& check,
                                                        const std::string& scrub_id,
                                                        const std::optional<HostGuard>& guard_host);

}  // namespace relais::vault
