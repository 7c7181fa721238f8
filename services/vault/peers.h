// What the vault calls: the consent registry, and nothing else. Alerting learns of papers that expire from
// this service's log (DOCUMENT_EXPIRING), which it follows.
#pragma once

#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/vault/domain/consent_answer.h"

namespace relais::vault {

struct Peers {
  /// Recorded unless `dry_run`. None: configured without consent, every question is UNAVAILABLE.
  rpc::PeerMethod<consent::v1::CheckRequest, consent::v1::CheckResponse> check;
  rpc::PeerMethod<consent::v1::AcknowledgeErasureRequest, consent::v1::AcknowledgeErasureResponse>
      acknowledge_erasure = {};  // none: nobody waits
};

/// Consent's answer as the domain reads it.
[[nodiscard]] ConsentAnswer AnswerOf(const consent::v1::CheckResponse& response);

/// Asks. UNAVAILABLE / PEER_UNAVAILABLE when consent gives no answer; FAILED_PRECONDITION / DIRECTORY_EXPIRED
/// when it may decide nothing, which says nothing about her. A denial is an answer.
Task<absl::StatusOr<ConsentAnswer>> Ask(const Peers& peers, consent::v1::CheckRequest request,
                                        absl::Duration timeout);

}  // namespace relais::vault
