// What alerting calls: the consent registry and routing.
#pragma once

#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/emergency_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"
#include "relais/routing/v1/inbox_service.pb.h"
#include "relais/routing/v1/routing_service.pb.h"

namespace relais::alerting {

struct Peers {
  rpc::PeerMethod<consent::v1::RegisterRequest, consent::v1::RegisterResponse> register_person;
  rpc::PeerMethod<consent::v1::RecordConsentRequest, consent::v1::RecordConsentResponse> record_consent;
  rpc::PeerMethod<consent::v1::RecordObjectionRequest, consent::v1::RecordObjectionResponse> record_objection;
  rpc::PeerMethod<consent::v1::DeclareRequest, consent::v1::DeclareResponse> declare;
  rpc::PeerMethod<routing::v1::ResolveRequest, routing::v1::ResolveResponse> resolve;
  rpc::PeerMethod<routing::v1::SubmitRequest, routing::v1::SubmitResponse> submit;
  rpc::PeerMethod<routing::v1::TakeRequest, routing::v1::TakeResponse> take;
  rpc::PeerMethod<consent::v1::AcknowledgeErasureRequest, consent::v1::AcknowledgeErasureResponse>
      acknowledge_erasure = {};  // none: nobody waits
  rpc::PeerMethod<routing::v1::PullBackRequest, routing::v1::PullBackResponse> pull_back = {};  // none: stays
};

}  // namespace relais::alerting
