// What alerting makes of the logs it follows: its own (alerts, and everything they set going), consent's
// (objections) and routing's (what became of messages).
#pragma once

#include "common/audit/follower.h"
#include "services/alerting/change.h"
#include "services/alerting/linked_signs.h"
#include "services/alerting/peers.h"
#include "services/alerting/sending.h"
#include "services/alerting/settings.h"

namespace relais::alerting {

/// Accepted rows → alerts → a registered person → a message on its way (own_leaves.cc). Every call carries a
/// request id made from the leaf, so a repetition has no second effect.
class OwnLeaves final : public audit::LeafHandler {
 public:
  OwnLeaves(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
            AlertingStore& store, Sending& sending)
      : context_(context),
        peers_(peers),
        settings_(settings),
        store_(store),
        sending_(sending),
        linked_signs_(context, store) {}

  /// Leaves of one sender record in order.
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  /// Almost no accepted row does.
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<absl::Status> Accepted(audit::FollowedLeaf leaf);
  Task<absl::Status> Raise(Id128 record, Id128 row_id, v1::RowState row, audit::FollowedLeaf leaf);
  Task<absl::Status> JoinAlert(Id128 row_id, v1::RowState row);
  Task<absl::Status> SettleAlerts(Id128 row_id, v1::RowState row);
  Task<absl::Status> Changed(audit::FollowedLeaf leaf);
  Task<absl::Status> ReportObjection(audit::FollowedLeaf leaf);

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  AlertingStore& store_;
  Sending& sending_;
  LinkedSigns linked_signs_;
};

/// Consent's log → objections recorded and lifted at desks bind the sender records here (D-1.6); a person to
/// be erased takes the records with her under which she was registered; who is one human with her has
/// another source's sign (D-1.13).
class ConsentLeaves final : public audit::LeafHandler {
 public:
  ConsentLeaves(const rpc::ServiceContext& context, AlertingStore& store)
      : context_(context), store_(store), linked_signs_(context, store) {}
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  struct Objection {
    std::string institution;
    std::string digest;
    uint32_t key_version = 0;
    bool objects = false;
  };
  Task<absl::Status> SetObjection(int64_t micros, Objection objection);
  absl::StatusOr<bool> Change(int64_t micros, const Objection& objection, const Id128& record,
                              Stored<v1::RecordState>& stored, storage::CommitRequest& commit) const;
  Task<absl::Status> Link(audit::FollowedLeaf leaf);
  Task<absl::Status> NameInRecord(Id128 record, Id128 person);
  Task<absl::Status> Hold(audit::FollowedLeaf leaf);
  Task<absl::Status> Erase(audit::FollowedLeaf leaf);

  const rpc::ServiceContext& context_;
  AlertingStore& store_;
  LinkedSigns linked_signs_;
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
