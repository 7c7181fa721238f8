// Hosts that are linked, judged anew by asking consent (ADR 51): who follows its log, when a no of hers may
// deny them (followers.h), and who looks again later (host_rounds.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "services/vault/domain/her_no.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// A row that does not open lets nobody act or read: it is passed over, said in the operators' log without
/// naming anybody, and keeps her no from no other.
void PassedOver(const absl::Status& why);

/// Of the directory in force; empty: not known.
[[nodiscard]] std::string KindOf(const Vault& vault, std::string_view institution);

/// What follows a prefix in the keys of her rows, whether the rows open or not.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> NamesUnder(const Vault& vault, const Id128& person,
                                                                  std::string_view prefix);
/// Those that are hosts of hers under that name, or were.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> InstitutionsOf(const Vault& vault,
                                                                      const Id128& person);

/// The row as it was judged: one that is another by now is ABORTED (IsCollision), to be judged again. Ends
/// it, one commit with its leaf; then what is open through it is cut. A row that has ended stays as it is.
Task<absl::Status> EndHost(const Vault& vault, Id128 person, std::string institution,
                           Stored<v1::StoredHost> host);

/// Asks consent, unrecorded, about a host that is linked and that the no touches: it stays while consent
/// permits it on an agreement of hers (D-3.1: a permit on another ground is none of hers), ends where it is
/// denied, is suspended or stays where consent decides nothing (Occasion), and one that was suspended acts
/// again. One that she unlinked under another name, and agreed to nothing since that it stands on, ends
/// unasked, its leaf addressed to nobody. Each change is one commit with its leaf, guarded by the row as it
/// was before consent was asked. False: there was nothing to ask. UNAVAILABLE: consent does not answer at the
/// moment, and nothing was changed. One that was restored (ADR 73) acts again by no answer: a no may end it,
/// and a round does not ask. audit::IsErased: she is erased.
Task<absl::StatusOr<bool>> JudgeHost(const Vault& vault, Id128 person, std::string institution, HerNo no,
                                     Occasion occasion);
/// All of them under that name; the first error ends it.
Task<absl::StatusOr<bool>> JudgeHostsOf(const Vault& vault, Id128 person, HerNo no, Occasion occasion);

}  // namespace relais::vault
