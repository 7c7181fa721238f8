// What a paper's destruction is in her partition: one commit, with which no key of it is left (README, "Acts
// and commits").
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "common/base/task.h"
#include "services/vault/events.h"
#include "services/vault/vault.h"

namespace relais::vault {

struct Destruction {
  Id128 document;
  std::string_view cause;  // `HERS`, `REFUSED_DROP`
  uint32_t epoch =
      0;           // in use: read while a ticket of KeyCommits is held, which is held until the commit ended
  Id128 event_id;  // zero: a fresh one
};

/// Legal holds that cover her bring their copies up to date (D-2.10), of texts those of this paper alone,
/// whatever else is still to be copied for them (ADR 70): to be waited for before each commit that destroys,
/// with what is to be destroyed read before, so that its guard says nothing came in between.
Task<absl::Status> CopyForHolds(const Vault& vault, Id128 person, Id128 document);

/// Adds to `commit`: her usage; the record without keys, title and last day, `stored` afterwards; duplicate
/// marks that lead to it, which lead to another paper with the same text if she has one; the end of its
/// shares; first of the leaves DOCUMENT_DESTROYED, the certificate. All guarded. `stored` is neither
/// destroyed nor version 0.
absl::Status AddDestruction(const Vault& vault, const Acting& acting, const Destruction& what,
                            Stored<v1::StoredDocument>& stored, storage::CommitRequest& commit);

}  // namespace relais::vault
