// What routing calls: the consent registry, and nothing else.
#pragma once

#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"

namespace relais::routing {

struct Peers {
  rpc::PeerMethod<consent::v1::CheckRequest, consent::v1::CheckResponse> check;
  rpc::PeerMethod<consent::v1::AcknowledgeErasureRequest, consent::v1::AcknowledgeErasureResponse>
      acknowledge_erasure = {};  // none: nobody waits
};

/// The same, where a denial for no reason but that consent's directory has passed its end is no denial but
/// FAILED_PRECONDITION / DIRECTORY_EXPIRED: it says nothing about the person, and a message that waits must
/// outlive it.
Peers Guarded(Peers peers);

}  // namespace relais::routing
