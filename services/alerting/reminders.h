// Reminders of papers that expire (D-3.7) and of papers that were asked for and that she decides about
// (action 4; ADR 64): from a leaf of the vault to what is kept, and from that to what is sent. Pure.
//
// A reminder goes to each institution that acts for her in her vault, within itself; of a paper that expires
// also to her référent pivot where she agreed to that; of papers that were asked for not to who asks. It
// stands on her agreement alone (D-3.1); without référent, or without her agreement, nobody is told.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/audit/follower.h"
#include "common/base/id128.h"
#include "common/calendar/paris.h"
#include "common/directory/directory.h"
#include "relais/alerting/v1/state.pb.h"
#include "relais/routing/v1/routing_service.pb.h"

namespace relais::alerting {

/// Who speaks in the record of her under which reminders are kept: no institution of a directory.
inline constexpr std::string_view kVaultSource = "service/vault";
/// The rules of their alerts.
inline constexpr std::string_view kPaperExpiring = "PAPER_EXPIRING";
inline constexpr std::string_view kPapersAsked = "PAPERS_ASKED";
inline bool IsReminder(std::string_view rule) { return rule == kPaperExpiring || rule == kPapersAsked; }
inline std::string_view RuleOf(const v1::Reminder& reminder) {
  return reminder.has_asked() ? kPapersAsked : kPaperExpiring;
}

/// One reminder for each host of a leaf DOCUMENT_EXPIRING that the directory knows, and one for her référent
/// pivot on behalf of the first of them. One for each such host of a leaf DOCUMENT_ASKED but who asks. None
/// of any other leaf, of one that does not say who, which or when, or once the paper's last day is past or
/// the request has ended.
std::vector<v1::Reminder> RemindersOf(const audit::FollowedLeaf& leaf, const directory::Directory& directory,
                                      const calendar::Paris& paris, absl::Time now);

/// What ends reminders: a paper destroyed, given another last day or another version; a request decided,
/// whichever way; or a host that no longer acts for her, which ends those to itself alone.
struct ReminderEnd {
  std::string about;  // the paper or the request, 16 bytes; empty: whichever
  std::string host;   // empty: whichever
  absl::Time time;    // where the leaf stands in the vault's log
  uint64_t index = 0;
};
/// nullopt for a leaf that ends none.
std::optional<ReminderEnd> ReminderEndOf(const audit::FollowedLeaf& leaf);
/// False for one of another paper or request, or to another institution, and for one that was sent after
/// that: leaves may be read again, older ones after newer. What goes to her référent stands on her agreement
/// to that, whichever host it went on behalf of (ADR 52).
bool Ends(const ReminderEnd& end, const v1::Reminder& reminder);

/// Closes its alert; one that a human has taken gets a note (as D-1.12), the same whatever ended it: nobody
/// learns from it what became of the paper or of the request, or who acts for her. False: it was done before.
bool EndReminder(v1::AlertState& alert);
/// True when its time is past: two days after the paper's last day has begun, by UTC; at the instant at which
/// the request ends undecided.
bool IsPast(const v1::Reminder& reminder, absl::Time now);
/// What a fact about its message makes of an alert: of a reminder that was pulled back CLOSED, as if it had
/// been ended here, so that neither tells which it was. Of other alerts and facts what the fact says.
v1::Alert::State StateAfter(const v1::AlertState& alert, v1::Alert::State fact);

/// The submission, but for request id and correlation.
routing::v1::SubmitRequest SubmissionOf(const v1::Reminder& reminder);

}  // namespace relais::alerting
