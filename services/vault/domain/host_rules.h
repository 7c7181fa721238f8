// Who acts for her in her vault (ADR 35), and what comes of a host that a no of hers may deny (ADR 51). Pure.
// A host's authority is judged from this service's rows, so that her own reading goes on while consent cannot
// be reached.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "relais/common/v1/errors.pb.h"
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

/// True while it has not ended: it acts for her, or is SUSPENDED and may again.
[[nodiscard]] inline bool IsLinked(const v1::StoredHost& host, absl::Time now) {
  return ActsForHer(host, now) || StateOf(host, now) == v1::Host::STATE_SUSPENDED;
}

/// `answer`: what consent says now about that institution as sender and recipient, for that purpose, act
/// HOST, category DOCUMENTS. NOT_PERMITTED unless it rests on the agreement named.
[[nodiscard]] Refusal JudgeLink(const std::string& consent_id, const ConsentAnswer& answer);

/// `answer`: likewise, of one that is linked. True while it rests on an agreement of hers, whichever: consent
/// names one of those that permit it, the one that lasts longest, and so says nothing against the others.
[[nodiscard]] bool StaysLinked(const ConsentAnswer& answer);

/// The row of a host linked now: until the agreement's end, at most a year. `before`: the row that there was,
/// or an empty one; what she said against it stays known.
[[nodiscard]] v1::StoredHost Linked(const v1::StoredHost& before, const std::string& consent_bytes,
                                    const std::string& purpose, const ConsentAnswer& answer, absl::Time now);

// ---- her no at a desk: it stands until she agrees anew (ADR 62)

/// From now on no agreement from before links it; also one that never was a host. True when it ended by this:
/// how one that had ended already ended stays.
bool Unlink(v1::StoredHost& host, absl::Time now);

/// She recorded an agreement, by consent's clock at `said`. True when the row changed: she had unlinked it
/// before that.
bool NoteAgreement(v1::StoredHost& host, const std::string& consent_bytes, absl::Time said);

/// True unless she unlinked it and did not record that agreement since. One that was renewed is no other.
[[nodiscard]] bool MayBeLinkedOn(const v1::StoredHost& host, const std::string& consent_bytes);

// ---- judging one that is linked, by asking consent again

enum class HostFate {
  kStays,     // StaysLinked
  kEnds,      // it is denied, however often it is asked
  kUnjudged,  // consent gives no decision about her
  kAskAgain,  // consent does not answer at the moment: that says nothing
};

/// Where consent gave no answer, but a failure with that code, and with that reason if it said one. An
/// institution, a purpose or a person that it does not know is denied: it is in no directory any more, or is
/// erased there, and its erasure comes in a later leaf.
[[nodiscard]] HostFate FateWithoutAnswer(absl::StatusCode code, common::v1::ErrorReason reason);

/// Why it is judged, and so what an unjudged one comes to.
enum class Occasion {
  kHerNo,  // something that may deny it was followed: on a doubt the no wins (D-2.6.2), it is suspended
  kRound,  // nothing new is known against it: it stays what it is
};

/// True when the row changed: a suspended one that stays is ACTIVE again, unless it was restored: that one
/// waits for LinkHost. What has ended stays as it ended.
bool Meet(v1::StoredHost& host, HostFate fate, Occasion occasion, absl::Time now);

/// It was in a backup that was restored with a loss, and whether she said no to it since is lost (ADR 73):
/// one that is linked by its row is SUSPENDED until LinkHost, whatever consent answers. True when it changed.
bool SuspendRestored(v1::StoredHost& host);

/// `last`: where the last leaf about it says that it stands. A row that is in force beyond that was put back:
/// it stands as the log says again, a suspended one until LinkHost, one that she unlinked until she agrees
/// anew. True when it changed.
bool StandAsLogged(v1::StoredHost& host, v1::Host::State last, absl::Time now);

/// In consent's terms, for what her no ends. `kind`: of the institution, by the directory.
[[nodiscard]] Covered CoveredBy(const v1::StoredHost& host, const std::string& institution,
                                const std::string& kind);

/// Why her own reading through that host is cut while it runs, in the words of DocumentReadCut.cause;
/// nullopt: it goes on. Needs no lease.
[[nodiscard]] std::optional<std::string> WhyCut(const v1::StoredHost& host, bool document_there,
                                                absl::Time now);

/// True when it changed: only a linked one ends, and how it first ended stays.
bool End(v1::StoredHost& host, v1::Host::State how, absl::Time now);

}  // namespace relais::vault
