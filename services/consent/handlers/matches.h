// Finding records that may speak of the same human (domain/matching.h): where their keyed hashes stand, what
// came of it.
//
//   bucket of a match key   "r/<person><institution>"   this record has that key
//   person                  "match/<institution>"       sealed StoredMatchKeys: which buckets and candidates
//                                                       name this record; written before they do
//   bucket of a candidate   "pair"                      StoredCandidate
//   list of candidates      "<found><candidate>"        those that nobody has decided on
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/follower.h"
#include "common/base/secret.h"
#include "common/base/task.h"
#include "services/consent/domain/matching.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// One version of the key of match keys. Another version: every record is hashed anew from its sealed traits
/// (the follower starts again under another name).
struct MatchKey {
  uint32_t version = 0;
  Secret secret;
};

/// Takes a person out of every bucket and candidate: she is being erased.
Task<absl::Status> ForgetMatches(Registry& registry, Id128 person);

/// This registry's own log → matches, links at once, candidates; and what an interrupted call left of a link,
/// a split or a confirmation. Idempotent. It runs after Register has answered: no answer and no work of a
/// call depends on whether anybody else knows her.
class OwnLeaves final : public audit::LeafHandler {
 public:
  /// A registration is matched `after` its leaf's instant, so that the work, which is more where somebody is
  /// alike, is not done while its own call waits for the processor or the disk.
  OwnLeaves(Registry& registry, MatchKey key, absl::Duration after)
      : registry_(registry), key_(std::move(key)), after_(after) {}

  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;
  /// The classes it concerns, by class.
  [[nodiscard]] static bool Wants(audit::v1::EventClass event_class);

  [[nodiscard]] const MatchKey& key() const { return key_; }

 private:
  Registry& registry_;
  const MatchKey key_;
  const absl::Duration after_;
};

}  // namespace relais::consent
