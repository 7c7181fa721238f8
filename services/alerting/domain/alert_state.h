// The life of an alert: pending → sent → delivered → taken; or not permitted, settled, pulled back, and
// pending again when a new fact comes after that. Facts may reach alerting out of order (three logs are
// followed), so within one round a state only ever moves forward. Pure.
#pragma once

#include <string>

#include "relais/alerting/v1/state.pb.h"

namespace relais::alerting {

/// Moves forward; false when that would be backwards or nothing changes.
bool Advance(v1::AlertState& alert, v1::Alert::State to);

/// How much of what an alert tells of a cancelling event settles.
enum class Settled { kAll, kInPart };
/// D-1.12: closes an alert that nobody has taken, once all of it is settled; before that, and of one that a
/// human has taken, adds a note. False: this row has settled it before, or nobody was told anything. When
/// true, `alert.settling` is the row.
bool Settle(v1::AlertState& alert, const std::string& row_id, Settled settled, std::string note);

/// A new fact joins an alert; one that had ended is reopened on it, to be sent again. False: it has joined
/// before.
bool Join(v1::AlertState& alert, const std::string& row_id, const v1::RowState& row);

/// True when that message is, or may turn out to be, this round's: facts about an earlier round's message are
/// old news.
bool IsAbout(const v1::AlertState& alert, const std::string& message_id);

/// True while that round of the alert waits to be sent.
bool WaitsForSending(const v1::AlertState& alert, uint32_t round);

}  // namespace relais::alerting
