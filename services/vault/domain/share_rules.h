// Who else may read a paper (D-3.1, D-3.6; ADR 35). Pure; a share is a permission, and each reading is judged
// anew.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/vault/v1/state.pb.h"
#include "services/vault/domain/consent_answer.h"
#include "services/vault/domain/her_no.h"
#include "services/vault/domain/refusal.h"

namespace relais::vault {

struct ShareRules {
  absl::Duration longest = absl::Hours(24 * 366);
};

/// What a share is at an instant: past its date it is EXPIRED before anybody wrote so; without the lease on
/// consent's log an active one is SUSPENDED, which is nowhere written.
[[nodiscard]] v1::Share::State StateOf(const v1::StoredShare& share, absl::Time now, bool lease);

/// True when it is about this paper. A type covers what is of that type now, whenever it was deposited.
[[nodiscard]] bool IsAbout(const v1::StoredShare& share, const Id128& document, v1::DocumentType type);

/// True when it is with that function of that institution: with all of its functions when it names none.
[[nodiscard]] bool IsWith(const v1::StoredShare& share, const std::string& institution,
                          const std::string& function);

/// In consent's terms. `kind`: of the recipient, by the directory. `type`: of the paper, for a share of one
/// paper.
[[nodiscard]] Covered CoveredBy(const v1::StoredShare& share, v1::DocumentType type, const std::string& kind);

// ---- making one

struct ShareWanted {
  v1::DocumentType type = v1::DOCUMENT_TYPE_UNSPECIFIED;  // of the paper, or the type itself
  std::optional<v1::Document::State> document;            // of the one paper; nullopt: a type
  common::v1::Party recipient;
  std::string shared_by;  // the institution that records it
  absl::Time until;
  std::string consent_id;
};
/// `answer`: what consent says now about sender = shared_by, that recipient and purpose, act SHARE_DOCUMENT,
/// CategoriesOf(type). INVALID_FIELDS for an `until` that is past or too late, or a recipient that is the one
/// who shares; WRONG_STATE for a paper that is not ACTIVE; NOT_PERMITTED for a type that no agreement shares
/// (RGPD art. 10), or unless the answer rests on that very agreement, which must last as long as the share.
[[nodiscard]] Refusal JudgeShare(const ShareWanted& wanted, const ConsentAnswer& answer, absl::Time now,
                                 const ShareRules& rules);

// ---- reading

/// Who asks for what, as the vault knows it without a call.
struct Reading {
  std::string institution;
  std::string function;  // of the human; empty: none was named
  Id128 document;
  v1::DocumentType type = v1::DOCUMENT_TYPE_UNSPECIFIED;
  v1::Document::State state = v1::Document::STATE_UNSPECIFIED;
  bool current_version = true;
};
/// First half, before consent is asked. NO_SUCH_OR_NOT_YOURS when the share does not cover this, for whatever
/// reason of its own; PEER_BEHIND when only the lease lacks.
[[nodiscard]] Refusal JudgeBeforeConsent(const v1::StoredShare& share, const Reading& reading, absl::Time now,
                                         bool lease);
/// Second half: NOT_PERMITTED unless the answer rests on the share's agreement and its permit still runs.
[[nodiscard]] Refusal JudgeConsent(const v1::StoredShare& share, const Reading& reading,
                                   const ConsentAnswer& answer, absl::Time now);

// ---- while it is read

/// What is looked at before each piece, all of it in memory.
struct StreamFacts {
  bool lease = false;
  bool permit_revoked = false;  // by a leaf of consent's log that was followed
  absl::Time permit_expires;
  v1::Share::State share = v1::Share::STATE_UNSPECIFIED;  // as stored
  absl::Time share_until;
  bool document_there = true;  // neither destroyed nor being erased
  bool denied = false;         // consent was asked anew, and permits it no more
};
/// Why it is cut, in the words of DocumentReadCut.cause; nullopt: it goes on. What ended for good is said
/// before what is only suspended, or only needs another permit (PERMIT_ENDED).
[[nodiscard]] std::optional<std::string> WhyCut(const StreamFacts& facts, absl::Time now);

/// How long before its permit ends a reading asks consent anew: far longer than an answer takes, so that none
/// is cut because of one, and little of a permit (60 s unless configured) is given away. Of a permit that is
/// shorter than twice that, half of it.
inline constexpr absl::Duration kAskBefore = absl::Seconds(5);
/// When that is, of a permit given now.
[[nodiscard]] absl::Time WhenToAskAnew(absl::Time now, absl::Time permit_expires);

}  // namespace relais::vault
