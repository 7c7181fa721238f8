// AlertService: what a desk should look at.
#pragma once

#include "relais/alerting/v1/alert_service.pb.h"
#include "services/alerting/change.h"
#include "services/alerting/peers.h"
#include "services/alerting/settings.h"

namespace relais::alerting {

/// Thread-safe. Methods as in the proto. An alert is the business of its desk's institution alone.
class AlertHandlers {
 public:
  AlertHandlers(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
                AlertingStore& store)
      : context_(context), peers_(peers), settings_(settings), store_(store) {}

  Task<absl::StatusOr<v1::GetResponse>> Get(rpc::Call call, v1::GetRequest request);
  Task<absl::StatusOr<v1::ListResponse>> List(rpc::Call call, v1::ListRequest request);
  Task<absl::StatusOr<v1::TakeResponse>> Take(rpc::Call call, v1::TakeRequest request);

 private:
  absl::StatusOr<v1::AlertState> Find(const rpc::Call& call, const Id128& alert) const;
  [[nodiscard]] v1::Alert Show(const rpc::Call& call, const Id128& alert, const v1::AlertState& state) const;

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  AlertingStore& store_;
};

}  // namespace relais::alerting
