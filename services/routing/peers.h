// What routing calls: the consent registry, and nothing else.
#pragma once

#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"

namespace relais::routing {

struct Peers {
  rpc::PeerMethod<consent::v1::CheckRequest, consent::v1::CheckResponse> check;
};

}  // namespace relais::routing
