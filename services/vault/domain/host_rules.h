// Who acts for her in her vault (ADR 35). Pure. A host's authority is judged from this service's rows, so
// that her own reading goes on while consent cannot be reached.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "relais/vault/v1/state.pb.h"
#include "services/vault/domain/consent_answer.h"
#include "services/vault/domain/her_no.h"
#include "services/vault/domain/refusal.h"

namespace relais::vault {

/// What a host is at an instant: past its period it is EXPIRED before anybody wrote so.
[[nodiscard]] v1::Host::State StateOf(const v1::StoredHost& host, absl::Time now);

/// True when that institution may act for her now.
[[nodiscard]] inline bool ActsForHer(const v1::StoredHost& host, absl::Time now) {
  return StateOf(host, now) == v1::Host::STATE_ACTIVE;
}

/// `answer`: what consent says now about that institution as sender and recipient, for that purpose, act
/// HOST, category DOCUMENTS. NOT_PERMITTED unless it rests on the agreement named.
[[nodiscard]] Refusal JudgeLink(const std::string& consent_id, const ConsentAnswer& answer);

/// `answer`: likewise, of one that is linked. True while it rests on an agreement of hers, whichever: consent
/// names one of those that permit it, the one that lasts longest, and so says nothing against the others.
[[nodiscard]] bool StaysLinked(const ConsentAnswer& answer);

/// The row of a host linked now: until the agreement's end, at most a year.
[[nodiscard]] v1::StoredHost Linked(const std::string& consent_bytes, const std::string& purpose,
                                    const ConsentAnswer& answer, absl::Time now);

/// In consent's terms, for what her no ends. `kind`: of the institution, by the directory.
[[nodiscard]] Covered CoveredBy(const v1::StoredHost& host, const std::string& institution,
                                const std::string& kind);

/// Why her own reading through that host is cut while it runs, in the words of DocumentReadCut.cause;
/// nullopt: it goes on. Needs no lease.
[[nodiscard]] std::optional<std::string> WhyCut(const v1::StoredHost& host, bool document_there,
                                                absl::Time now);

/// True when it changed: only an active one ends, and how it first ended stays.
bool End(v1::StoredHost& host, v1::Host::State how, absl::Time now);

}  // namespace relais::vault
