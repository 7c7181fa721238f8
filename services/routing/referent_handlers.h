// ReferentService: the référent pivot, from proposal to end (D-5.2).
#pragma once

#include <functional>

#include "relais/routing/v1/referent_service.pb.h"
#include "services/routing/domain/referent.h"
#include "services/routing/pivots.h"
#include "services/routing/store.h"

namespace relais::routing {

/// Thread-safe. Methods as in the proto.
class ReferentHandlers {
 public:
  ReferentHandlers(const rpc::ServiceContext& context, RoutingStore& store, const Pivots& pivots)
      : context_(context), store_(store), pivots_(pivots) {}

  Task<absl::StatusOr<v1::ProposeResponse>> Propose(rpc::Call call, v1::ProposeRequest request);
  Task<absl::StatusOr<v1::RecordPersonDecisionResponse>> RecordPersonDecision(
      rpc::Call call, v1::RecordPersonDecisionRequest request);
  Task<absl::StatusOr<v1::AcceptResponse>> Accept(rpc::Call call, v1::AcceptRequest request);
  Task<absl::StatusOr<v1::DeclineResponse>> Decline(rpc::Call call, v1::DeclineRequest request);
  Task<absl::StatusOr<v1::EndResponse>> End(rpc::Call call, v1::EndRequest request);
  Task<absl::StatusOr<v1::GetReferentResponse>> GetReferent(rpc::Call call, v1::GetReferentRequest request);

 private:
  // What a change of the slot needs to know; `change` gives the référent after it.
  struct SlotChange {
    std::string method;
    std::string request_id;
    Id128 person;
    std::function<absl::StatusOr<v1::ReferentState>(v1::PersonSlot&)> change;
    bool accepts = false;  // refused while another is active under another name of hers
  };
  struct Result {
    v1::Referent referent;
    common::v1::Written written;
  };
  Task<absl::StatusOr<Result>> Change(rpc::Call call, SlotChange change,
                                      std::shared_ptr<const google::protobuf::Message> content);
  Task<absl::StatusOr<Result>> Again(rpc::Call call, Id128 person, v1::PersonSlot slot,
                                     std::string remembered);
  [[nodiscard]] absl::Status NoOtherName(const Id128& person) const;
  // One step of an existing référent: who may take it is decided by `may`.
  SlotChange StepOf(const rpc::Call& call, std::string method, std::string request_id, const Id128& person,
                    std::string referent_id, std::string etag, ReferentStep step) const;
  [[nodiscard]] v1::Referent Show(const rpc::Call& call, const Id128& person,
                                  const v1::ReferentState& referent) const;

  const rpc::ServiceContext& context_;
  RoutingStore& store_;
  const Pivots& pivots_;
};

}  // namespace relais::routing
