// Pairs of records that may speak of the same human, for a steward (matches.h says where they stand).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "relais/consent/v1/person_state.pb.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/match_rows.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

inline constexpr char kPairKey[] = "pair";

/// What is known of a candidate, and the version of its row.
struct StoredPair {
  Id128 id;
  v1::StoredCandidate candidate;
  uint64_t version = 0;
};
/// Nullopt: there is none.
absl::StatusOr<std::optional<StoredPair>> ReadPair(const Registry& registry, const Id128& candidate);
[[nodiscard]] storage::Partition PairBucket(const Registry& registry, const Id128& candidate);
/// The list of those that nobody has decided on, and a candidate's key in it.
[[nodiscard]] storage::Partition CandidateList(const Registry& registry);
[[nodiscard]] std::string CandidateListKey(const Id128& candidate, int64_t found);
/// The candidate a key of the list names.
[[nodiscard]] absl::StatusOr<Id128> CandidateInListKey(const std::string& key);
/// Of two persons, in either order.
[[nodiscard]] Id128 CandidateId(const Registry& registry, const Id128& one, const Id128& other);

/// A pair of these, once. Nothing is made when one of them is erased or has 100 already.
Task<absl::Status> MakeCandidate(Registry& registry, Record one, Record other);
/// What came of one that was confirmed by that act. They are one: remembered with the link, so that it is
/// over and links nobody again, whatever becomes of them. Others are linked to each of them, or there is no
/// room: it waits again.
Task<absl::Status> SettleCandidate(Registry& registry, Id128 candidate, Id128 decided_by, Linked linked);
/// What removes it.
std::vector<storage::CommitRequest> ForgetPair(const Registry& registry, const Id128& id, int64_t found);

}  // namespace relais::consent
