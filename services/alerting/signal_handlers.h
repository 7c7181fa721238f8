// SignalService: feeds in, outcomes out.
#pragma once

#include <memory>

#include "common/rpc/stream.h"
#include "relais/alerting/v1/signal_service.pb.h"
#include "services/alerting/feed_stream.h"
#include "services/alerting/intake.h"

namespace relais::alerting {

/// Thread-safe. Methods as in the proto.
class SignalHandlers {
 public:
  SignalHandlers(const rpc::ServiceContext& context, AlertingStore& store, Intake& intake)
      : context_(context), store_(store), intake_(intake) {}

  Task<absl::Status> SubmitStream(rpc::Call call, std::shared_ptr<RowStream> stream);
  Task<absl::StatusOr<v1::SubmitRowsResponse>> SubmitRows(rpc::Call call, v1::SubmitRowsRequest request);
  Task<absl::StatusOr<v1::ListDeliveriesResponse>> ListDeliveries(rpc::Call call,
                                                                  v1::ListDeliveriesRequest request);

 private:
  absl::StatusOr<v1::Delivery::State> StateOf(const std::string& institution,
                                              const std::string& reference) const;

  const rpc::ServiceContext& context_;
  AlertingStore& store_;
  Intake& intake_;
};

}  // namespace relais::alerting
