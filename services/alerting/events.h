// The leaves alerting writes.
#pragma once

#include <string>
#include <string_view>

#include "common/audit/event.h"
#include "common/feeds/row.h"
#include "common/rpc/call.h"
#include "relais/alerting/v1/state.pb.h"

namespace relais::alerting {

/// True for a report that is part of an exercise: nothing is recorded or asked about anyone, and its message
/// names nobody (ADR 31).
bool IsExercise(const feeds::Row& row);

/// `state`: the row as it is kept, which says what follows of it.
audit::Event AcceptedEvent(const rpc::Call& call, const Id128& record, v1::FeedType type,
                           const feeds::Row& row, const Id128& row_id, const v1::RowState& state);
/// Of a reminder, which the vault's log asked for. `rule`: of its alert (reminders.h).
audit::Event ReminderEvent(const rpc::Call& call, const Id128& record, const Id128& row_id,
                           std::string_view rule);
/// Refused rows of one batch with one reason. `reference` is given only when it may be written and the leaf
/// stands for one row.
struct RefusedRows {
  std::string reason;
  bool gated = false;
  bool irregular = false;  // sent although the row alone condemns it (feeds.md)
  std::string reference = {};
  size_t count = 0;
};
/// About nobody.
audit::Event RefusedEvent(const rpc::Call& call, v1::FeedType type, const RefusedRows& refused);
audit::Event ObjectionNotedEvent(const rpc::Call& call, const Id128& record, std::string_view digest,
                                 uint32_t key_version, bool from_desk, bool lifted);
audit::Event AlertChangedEvent(const rpc::Call& call, const Id128& alert, const v1::AlertState& state);

}  // namespace relais::alerting
