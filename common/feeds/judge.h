// Judges a row whose form is good: reasons 12 to 20, in the order of the rule table. Pure, thread-safe.
//
// The outcome depends on the row and on the sender's own past rows and objections, never on what others know
// of the person.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/calendar/paris.h"
#include "common/feeds/dossier.h"
#include "common/feeds/reason.h"
#include "common/feeds/row.h"

namespace relais::feeds {

struct JudgeContext {
  calendar::Paris paris;
  /// The Paris day of the service's clock, fixed for a stream at its first row.
  absl::CivilDay today;
  /// The instant of judgement; a distress report may be 5 minutes ahead of it.
  absl::Time now;
  /// Whether the directory names a convention of this sender. Unknown (a check offline) condemns nothing on
  /// the row alone and counts as no in the full judgement.
  std::optional<bool> has_convention;
};

/// To be checked by the desk; accuses nobody (D-1.8).
enum class Mark : uint8_t { kAVerifierTreve, kAVerifierEau };
[[nodiscard]] std::string_view MarkName(Mark mark);

struct Outcome {
  OutcomeKind kind = OutcomeKind::kAccepted;
  Reason reason = Reason::kNone;  ///< set exactly when `kind` is kRefused
  /// Column or member concerned, "" if none. Static storage.
  std::string_view field;
  /// FUTURE_DATE, WINDOW_OPEN, TOO_EARLY: the first day on which this reason no longer holds.
  std::optional<absl::CivilDay> retry_after;
  std::vector<Mark> marks;  ///< of accepted rows
};

/// The row-only gate: IMMEDIATE_DANGER, OPPOSED (the row says OUI), FUTURE_DATE, TOO_OLD, WINDOW_OPEN,
/// TOO_EARLY, NO_GROUND by the combination of fields. An accepted outcome means no more than "not condemned
/// by itself".
[[nodiscard]] Outcome JudgeRowAlone(const Row& row, const JudgeContext& context);

/// What is known of the row's reference at this institution. Refused rows never claim one.
enum class KnownReference : uint8_t { kUnknown, kSameContent, kOtherContent };

/// What alerting knows of the row's sender record.
struct RecordState {
  bool objection_on_file = false;  ///< D-1.6
  std::vector<Dossier> dossiers;
};

/// The full judgement. On ACCEPTED the caller makes the row durable, then applies it (ApplyEvent) before it
/// judges the sender record's next row.
[[nodiscard]] Outcome JudgeRow(const Row& row, const JudgeContext& context, const RecordState& state,
                               KnownReference reference);

/// The same for a gated notice, of which only the sender's own judgement `alone` (refused) is known: a known
/// reference or an objection on file comes before all but IMMEDIATE_DANGER and the row's own OUI.
[[nodiscard]] Outcome JudgeGated(const Outcome& alone, KnownReference reference, bool objection_on_file);

}  // namespace relais::feeds
