#include "services/alerting/signal_handlers.h"

#include <utility>

#include "common/base/status.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

v1::Delivery::State DeliveryOf(v1::Alert::State state) {
  switch (state) {
    case v1::Alert::STATE_PENDING_CONSENT:
    case v1::Alert::STATE_SENT:
      return v1::Delivery::STATE_PENDING;
    case v1::Alert::STATE_DELIVERED:
    case v1::Alert::STATE_TAKEN:
      return v1::Delivery::STATE_DELIVERED;
    default:
      // Whether it may not go, was settled or withdrawn is her business, not the sender's.
      return v1::Delivery::STATE_KEPT;
  }
}

}  // namespace

Task<absl::Status> SignalHandlers::SubmitStream(rpc::Call call, std::shared_ptr<RowStream> stream) {
  auto first = co_await stream->Read();
  if (!first.has_value() || !first->has_open()) {
    co_return rpc::InvalidField("open", "must come first");
  }
  CO_ASSIGN_OR_RETURN(const Terms terms, intake_.Open(call, first->open().type()));
  v1::SubmitStreamResponse opened;
  *opened.mutable_opened() = Intake::Show(terms);
  const bool greeted = co_await stream->Write(std::move(opened));
  if (!greeted) {
    co_return absl::CancelledError("the client is gone");
  }
  const absl::Status served = co_await ServeRows(context_.executor, intake_, call, terms, stream);
  co_return served;
}

Task<absl::StatusOr<v1::SubmitRowsResponse>> SignalHandlers::SubmitRows(rpc::Call call,
                                                                        v1::SubmitRowsRequest request) {
  CO_RETURN_IF_ERROR(CheckRows(request.rows()));
  CO_ASSIGN_OR_RETURN(const Terms terms, intake_.Open(call, request.type()));
  CO_ASSIGN_OR_RETURN(const std::shared_ptr<Intake::Batch> batch,
                      intake_.Prepare(call, terms, TakeRows(request.mutable_rows())));
  auto results = co_await intake_.Submit(batch);
  CO_RETURN_IF_ERROR(results.status());
  v1::SubmitRowsResponse response;
  *response.mutable_terms() = Intake::Show(terms);
  for (v1::RowResult& result : *results) {
    *response.add_results() = std::move(result);
  }
  co_return response;
}

absl::StatusOr<v1::Delivery::State> SignalHandlers::StateOf(const std::string& institution,
                                                            const std::string& reference) const {
  const storage::Partition partition = store_.ClaimPartition(institution, reference);
  ASSIGN_OR_RETURN(const auto claims, store_.Claims({partition}));
  if (claims.front().version == 0 || claims.front().value.erased()) {
    return v1::Delivery::STATE_UNSPECIFIED;
  }
  ASSIGN_OR_RETURN(const Id128 record, Id128::FromBytes(claims.front().value.record()));
  ASSIGN_OR_RETURN(const auto row, store_.Row(record, partition.id));
  if (!row.has_value()) {
    return v1::Delivery::STATE_UNSPECIFIED;
  }
  if (row->alert().empty()) {
    return v1::Delivery::STATE_KEPT;
  }
  ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromBytes(row->alert()));
  ASSIGN_OR_RETURN(const auto alert, store_.Alert(alert_id));
  return alert.has_value() ? DeliveryOf(alert->value.state()) : v1::Delivery::STATE_PENDING;
}

Task<absl::StatusOr<v1::ListDeliveriesResponse>> SignalHandlers::ListDeliveries(
    rpc::Call call, v1::ListDeliveriesRequest request) {
  co_await ResumeOn(context_.executor);
  v1::ListDeliveriesResponse response;
  for (const std::string& reference : request.references()) {
    CO_ASSIGN_OR_RETURN(const v1::Delivery::State state, StateOf(call.caller.institution, reference));
    v1::Delivery& delivery = *response.add_deliveries();
    delivery.set_reference(reference);
    delivery.set_state(state);
  }
  co_return response;
}

}  // namespace relais::alerting
