// Which witnesses must have cosigned a checkpoint for it to count (c2sp.org/tlog-policy). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/note.h"

namespace relais::merkle {

/// Policies above these bounds are refused.
inline constexpr size_t kMaxPolicyBytes = size_t{256} << 10;
inline constexpr size_t kMaxPolicyNames = 128;  // logs; witnesses; groups

/// A parsed policy. Valid as ParsePolicy and QuorumOf make it: every reference is to something before it.
struct WitnessPolicy {
  struct Log {
    NoteVerifier verifier;  // its name is the log's origin
    std::string url;        // may be empty
  };
  struct Witness {
    std::string name;       // within the policy
    NoteVerifier verifier;  // of KeyType::kCosignature
    std::string url;        // may be empty
  };
  /// A witness or a group, by its place.
  struct Member {
    bool is_group = false;
    size_t index = 0;
  };
  struct Group {
    std::string name;
    size_t threshold = 1;
    std::vector<Member> members;
  };
  std::vector<Log> logs;
  std::vector<Witness> witnesses;
  std::vector<Group> groups;
  std::optional<Member> quorum;  // nullopt: `quorum none`

  /// Keys of all witnesses, in order.
  [[nodiscard]] std::vector<NoteVerifier> WitnessKeys() const;
};

/// Reads a policy file. INVALID_ARGUMENT names the line. An unterminated last line is refused: a policy that
/// lost its end could demand less.
[[nodiscard]] absl::StatusOr<WitnessPolicy> ParsePolicy(std::string_view text);

/// The policy "at least `threshold` of these witnesses"; threshold 0: none demanded. INVALID_ARGUMENT when
/// the threshold is above their number or two have one key.
[[nodiscard]] absl::StatusOr<WitnessPolicy> QuorumOf(std::vector<NoteVerifier> witnesses, size_t threshold);

/// Whether the witnesses at these places (of `policy.witnesses`) are enough.
[[nodiscard]] bool IsQuorum(const WitnessPolicy& policy, std::span<const size_t> witnesses);

struct WitnessedCheckpoint {
  Checkpoint checkpoint;
  std::vector<size_t> witnesses;  // places in policy.witnesses, in the order of the signatures
};
/// Opens a checkpoint under a policy: signed by one of the policy's logs, or, when it lists none, by one of
/// `logs`; and cosigned as its quorum says. INVALID_ARGUMENT says what is missing.
[[nodiscard]] absl::StatusOr<WitnessedCheckpoint> OpenWitnessed(std::string_view note,
                                                                const WitnessPolicy& policy,
                                                                std::span<const NoteVerifier> logs);

}  // namespace relais::merkle
