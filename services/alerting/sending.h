// How an alert reaches a desk: the person is registered, the ground recorded, the message submitted. Each
// step carries a request id made from the leaf that asks for it; the whole may be repeated at any point. Of
// an exercise the message alone is submitted: no act is left that a real check could use (ADR 31).
#pragma once

#include <functional>
#include <utility>

#include "common/calendar/paris.h"
#include "relais/alerting/v1/events.pb.h"
#include "services/alerting/change.h"
#include "services/alerting/message.h"
#include "services/alerting/opt_out_hold.h"
#include "services/alerting/peers.h"
#include "services/alerting/settings.h"

namespace relais::alerting {

/// Thread-safe; called by the follower of alerting's own log only, one sender record at a time. An error
/// means that nothing final was answered: call again.
class Sending {
 public:
  /// `takes_rows`: see OptOutHold.
  Sending(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
          const calendar::Paris& paris, AlertingStore& store, std::function<absl::Status()> takes_rows)
      : context_(context),
        peers_(peers),
        settings_(settings),
        paris_(paris),
        store_(store),
        opt_out_(context.clock, std::move(takes_rows)) {}

  /// Sends a pending alert of that record, or notes that it may not go. Of a bill not before her objection
  /// could have come (OptOutHold), nor once it has.
  Task<absl::Status> Send(uint64_t leaf, Id128 record, v1::AlertChanged changed);
  /// Tells who was told that it is settled (D-1.12).
  Task<absl::Status> TellSettled(uint64_t leaf, Id128 record, v1::AlertChanged changed);
  /// The message of a reminder that is over is pulled back, if no system has it yet (reminders.h).
  Task<absl::Status> PullBack(v1::AlertChanged changed);

 private:
  // One alert on its way.
  struct Errand {
    uint64_t leaf = 0;
    Id128 record;
    Id128 alert_id;
    v1::AlertState alert;
    v1::RowState row_state;
    feeds::Row row;
    std::string person;  // 16 bytes, once registered
  };
  absl::StatusOr<std::optional<Errand>> ErrandOf(uint64_t leaf, const Id128& record,
                                                 const v1::AlertChanged& changed) const;
  absl::StatusOr<bool> BillMayGo(const Id128& record);
  Task<absl::StatusOr<std::string>> RegisterHer(Errand errand);
  Task<absl::Status> RecordGround(Errand errand);
  Task<absl::StatusOr<std::string>> TerritoryOf(Errand errand);
  Task<absl::StatusOr<routing::v1::SubmitResponse>> Submit(Errand errand);
  Task<absl::Status> NoteSent(Errand errand, routing::v1::SubmitResponse sent);
  Task<absl::Status> NoteRefused(Errand errand, absl::Status refusal);
  Task<absl::Status> MarkRegistered(Id128 record);
  Task<absl::Status> SendReminder(Errand errand, uint32_t round);
  Task<absl::Status> PullBackAs(std::string sender, std::string submitted_as);

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  const calendar::Paris& paris_;
  AlertingStore& store_;
  OptOutHold opt_out_;
};

}  // namespace relais::alerting
