// Contrôler: what a text, its record and the log say of one version, held together (NF Z42-020; D-3.1). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "relais/vault/v1/document_service.pb.h"
#include "relais/vault/v1/events.pb.h"
#include "relais/vault/v1/state.pb.h"

namespace relais::vault {

/// What reading a version to its end gave.
struct TextRead {
  bool missing = false;       // a piece, or its head
  bool altered = false;       // something does not open
  uint64_t broken_at = 0;     // the first byte that cannot be read, when one of them
  uint64_t size = 0;          // of what was read, when neither
  std::string sha256;         // likewise
  std::string header_sha256;  // of the header as it is stored; empty: there is none
};

/// What the log says of a paper: from her leaves, in the order of the log.
struct LoggedPaper {
  std::vector<v1::DocumentDeposited> versions;  // in order of deposit
  bool destroyed = false;
};

/// One version. A record that the log knows more of, or otherwise, was put back (ROLLED_BACK); that comes
/// first, because a whole and genuine text of yesterday is the attack. `logged`: nullopt when the log has no
/// leaf of the version, which is put back or put in. `log_reads`: false when a leaf about her does not read;
/// then no text is INTACT, and one without a leaf is judged by what was read of it (LOG_UNREADABLE).
[[nodiscard]] v1::VersionCheck JudgeVersion(const v1::StoredVersion& stored,
                                            const std::optional<v1::DocumentDeposited>& logged,
                                            bool log_reads, const TextRead& read);

/// Whether a finding speaks against the text: then it is kept from readers. LOG_UNREADABLE does not.
[[nodiscard]] bool IsDamage(v1::VersionCheck::Finding finding);

/// The paper as a whole: true when the record lacks a version that the log has, or is kept though the log
/// says destroyed.
[[nodiscard]] bool IsRolledBack(const v1::StoredDocument& stored, const LoggedPaper& logged);

}  // namespace relais::vault
