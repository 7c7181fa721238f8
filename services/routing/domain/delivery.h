// The life of a message: queued → offered → delivered, taken meanwhile or after, pulled back or given up.
// Delivered (a system has it) and taken (a named human took it) are different facts. Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "relais/routing/v1/inbox_service.pb.h"
#include "relais/routing/v1/state.pb.h"

namespace relais::routing {

struct DeliveryRules {
  absl::Duration visible = absl::Seconds(60);     // until an unacknowledged message is sent again
  absl::Duration longest_delay = absl::Hours(1);  // the delay doubles up to this
  uint32_t max_attempts = 10;                     // then it is a dead letter
};

/// True when it is about no person: a notice (notices.h), or an exercise. Nothing is asked of
/// consent for it, and it is sealed under a key of the log's own.
bool IsAboutNobody(const v1::MessageState& message);
/// True of a notice to a DPO, or to who proposed a référent.
bool IsNotice(const v1::MessageState& message);
/// True when the recipient's system does not have it and still is to.
bool IsUndelivered(const v1::MessageState& message);
/// True when nobody took it and it was not pulled back. A dead letter is one too: its deadline runs on, and a
/// system that is out of order is no answer (D-4.5).
bool WaitsForHuman(const v1::MessageState& message);
/// True when it may be sent now.
bool IsDue(const v1::MessageState& message, absl::Time now);
/// Counts an attempt and sets when the next may be. FAILED_PRECONDITION when it is not to be sent.
absl::Status Offer(v1::MessageState& message, const DeliveryRules& rules, std::string permit_id,
                   absl::Time now);
/// The recipient's system has it; a late acknowledgement counts, a repeated one changes nothing (false).
absl::StatusOr<bool> Acknowledge(v1::MessageState& message);
/// The recipient's system could not; true when that was the last attempt and it is dead.
absl::StatusOr<bool> Reject(v1::MessageState& message, const DeliveryRules& rules, absl::Time now);
/// A named human takes it. False when the same one had already; WRONG_STATE when another had, or it is gone.
absl::StatusOr<bool> Take(v1::MessageState& message, std::string_view agent, std::string_view function);
/// Pulls it back if it is undelivered; false when there is nothing to pull back.
bool Withdraw(v1::MessageState& message);
/// Who sent it takes it back. What no system has acknowledged is withdrawn, a dead letter that nobody took
/// too; what a system has stays there and goes to no further desk.
enum class TakenBack { kNothing, kStays, kWithdrawn };
TakenBack TakeBack(v1::MessageState& message);
/// False of one whose deadline is nobody's: an exercise, or what a system has and who sent it took back.
bool HasDeadline(const v1::MessageState& message);
/// True when its deadline has passed untaken.
bool IsOverdue(const v1::MessageState& message, absl::Time now);
/// Sends it to another desk: queued again, with a new deadline. `why` is for that desk to read.
void MoveTo(v1::MessageState& message, std::string desk, std::string institution, absl::Time deadline,
            std::string why);

v1::Waiting::State DisplayState(v1::MessageState::Delivery delivery, bool taken);

}  // namespace relais::routing
