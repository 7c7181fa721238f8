// What alerting makes of the logs it follows: its own (alerts, and everything they set going), consent's
// (objections) and routing's (what became of messages).
#pragma once

#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "services/alerting/change.h"
#include "services/alerting/peers.h"
#include "services/alerting/settings.h"

namespace relais::alerting {

/// Accepted rows → alerts → a registered person → a message on its way. Every call carries a request id made
/// from the leaf, so a repetition has no second effect.
class OwnLeaves final : public audit::LeafHandler {
 public:
  OwnLeaves(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
            const calendar::Paris& paris, AlertingStore& store)
      : context_(context), peers_(peers), settings_(settings), paris_(paris), store_(store) {}

  /// Leaves of one sender record in order.
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  // What one effect needs to know.
  struct Effect {
    uint64_t leaf = 0;
    Id128 record;
    Id128 alert_id;
    v1::AlertState alert;
    v1::RecordState record_state;
    v1::RowState row_state;
    Id128 row_id;
  };
  Task<absl::Status> Accepted(audit::FollowedLeaf leaf, bool effects);
  Task<absl::Status> Joined(Effect effect);
  Task<absl::Status> Settled(Effect effect, uint64_t leaf, bool effects);
  Task<absl::Status> Send(audit::FollowedLeaf leaf);
  Task<absl::StatusOr<std::string>> RegisterHer(Effect effect);
  Task<absl::Status> RecordGround(Effect effect, std::string person);
  Task<absl::Status> TellSettled(Effect effect, v1::RowState settling, int number);
  Task<absl::Status> MarkRegistered(Id128 record);
  Task<absl::Status> ReportObjection(audit::FollowedLeaf leaf);
  [[nodiscard]] std::string Request(uint64_t leaf, int number) const;

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  const calendar::Paris& paris_;
  AlertingStore& store_;
};

/// Consent's log → objections recorded and lifted at desks bind the sender records here (D-1.6).
class ConsentLeaves final : public audit::LeafHandler {
 public:
  ConsentLeaves(const rpc::ServiceContext& context, AlertingStore& store)
      : context_(context), store_(store) {}
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<absl::Status> SetObjection(std::string institution, std::string digest, uint32_t key_version,
                                  bool objects);

  const rpc::ServiceContext& context_;
  AlertingStore& store_;
};

/// Routing's log → the state of alerts.
class RoutingLeaves final : public audit::LeafHandler {
 public:
  RoutingLeaves(const rpc::ServiceContext& context, AlertingStore& store)
      : context_(context), store_(store) {}
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  const rpc::ServiceContext& context_;
  AlertingStore& store_;
};

/// Which event classes of alerting's log a peer service may see opened.
bool MayOpen(std::string_view peer, audit::v1::EventClass event_class);

}  // namespace relais::alerting
