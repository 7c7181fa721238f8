// Acts in her partition: one commit with its leaves, and what a repeated request finds of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "common/rpc/idempotency.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Somebody else changed what was read: read again and judge anew. An etag that no longer fits is no
/// collision.
[[nodiscard]] bool IsCollision(const absl::Status& status);

/// Commits these leaves with what `commit` has. As storage::Store::Commit; audit::IsErased when she is
/// erased.
Task<absl::StatusOr<storage::LeafRange>> CommitActs(const Vault& vault, storage::CommitRequest commit,
                                                    std::vector<audit::Event> events);

/// What is remembered of an act: its event and the ids of what it made, 16 bytes each.
struct RememberedAct {
  Id128 event_id;
  std::vector<Id128> made;
};
/// nullopt: the request comes for the first time. DATA_LOSS / DOCUMENT_DAMAGED, with
/// what to do, when what is remembered does not read.
[[nodiscard]] absl::StatusOr<std::optional<RememberedAct>> ReadAct(const rpc::Idempotency::Seen& seen);
void RememberAct(const rpc::Idempotency::Seen& seen, const RememberedAct& act,
                 storage::CommitRequest& commit);

/// The `written` of an act done now, or of a remembered one. With proof also the leaf's own key: only hosts
/// and authors of an act ask.
Task<absl::StatusOr<common::v1::Written>> WrittenAct(const Vault& vault, storage::LeafRange leaves,
                                                     bool want_proof);
Task<absl::StatusOr<common::v1::Written>> WrittenBefore(const Vault& vault, Id128 person, Id128 event_id,
                                                        bool want_proof);

}  // namespace relais::vault
