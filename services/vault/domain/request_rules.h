// A paper is asked of her, and she decides (action 4 of the Pacte: none is asked twice). Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "relais/vault/v1/share_service.pb.h"
#include "relais/vault/v1/state.pb.h"
#include "services/vault/domain/refusal.h"

namespace relais::vault {

struct RequestRules {
  absl::Duration undecided = absl::Hours(24 * 30);  // then it ends
  absl::Duration longest_share = absl::Hours(24 * 366);
  uint32_t open_per_asker = 10;  // to one person
};

/// When it ends undecided.
[[nodiscard]] absl::Time ExpiryOf(const v1::StoredRequest& request, const RequestRules& rules);
/// What it is at an instant: past that it is EXPIRED before anybody wrote so.
[[nodiscard]] v1::DocumentRequest::State StateOf(const v1::StoredRequest& request, absl::Time now,
                                                 const RequestRules& rules);

/// `open`: pending ones of this asker to this person. INVALID_FIELDS for a type that is none or cannot be
/// shared, a type twice, or an `until` that is past or too late; OVERLOADED when it asks too much at once.
[[nodiscard]] Refusal JudgeRequest(const std::vector<v1::DocumentType>& types, absl::Time until,
                                   uint32_t open, absl::Time now, const RequestRules& rules);

/// What an asker wants, and for what.
struct Asking {
  std::string institution;
  std::string function;  // of the human; empty: none was named
  std::string purpose;
  std::vector<v1::DocumentType> types;
};

/// How much of it that institution asked for already, for that purpose, in a request she has not decided.
enum class AskedBefore { kNothing, kSome, kAll };
[[nodiscard]] AskedBefore AskedIn(const v1::StoredRequest& request, const Asking& asking, absl::Time now,
                                  const RequestRules& rules);

/// True when that share, while it lasts, already lets the asker have a paper of one of those types for that
/// purpose; suspended ones too. `type`: of the one paper it is of, or the share's own.
[[nodiscard]] bool HasAlready(const v1::StoredShare& share, v1::DocumentType type, const Asking& asking,
                              absl::Time now);

/// Her decision. `types`: of the papers she names, in order. `until`: of the shares. WRONG_STATE when it is
/// not pending any more; INVALID_FIELDS for a grant without papers, a paper of a type that was not asked for,
/// or shares that would last longer than was asked, and for a refusal with papers. The shares themselves are
/// judged by share_rules.h.
[[nodiscard]] Refusal JudgeDecision(const v1::StoredRequest& request, bool granted,
                                    const std::vector<v1::DocumentType>& types, absl::Time until,
                                    absl::Time now, const RequestRules& rules);

}  // namespace relais::vault
