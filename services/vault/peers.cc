#include "services/vault/peers.h"

#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"

namespace relais::vault {

ConsentAnswer AnswerOf(const consent::v1::CheckResponse& response) {
  ConsentAnswer answer;
  answer.decision = response.decision();
  for (const consent::v1::CategoryDecision& decided : response.categories()) {
    ConsentAnswer::Category category;
    category.category = decided.category();
    category.decision = decided.decision();
    category.ground = decided.ground();
    category.consent_id = decided.consent_id();
    if (decided.has_expires()) {
      category.expires = FromProto(decided.expires());
    }
    answer.categories.push_back(std::move(category));
  }
  if (response.has_permit()) {
    answer.permit_id = response.permit().permit_id();
    answer.permit_expires = FromProto(response.permit().expires());
  }
  return answer;
}

Task<absl::StatusOr<ConsentAnswer>> Ask(const Peers& peers, consent::v1::CheckRequest request,
                                        absl::Duration timeout) {
  if (!peers.check) {
    co_return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_UNAVAILABLE,
                           "this service is configured without a consent registry");
  }
  const auto answer = co_await peers.check(std::move(request), timeout);
  if (!answer.ok()) {
    co_return rpc::PeerFailure(answer.status(), "consent");
  }
  if (answer->reason() == consent::v1::REASON_DIRECTORY_EXPIRED) {
    co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_DIRECTORY_EXPIRED,
                           "the consent registry's directory is past its not_after: nothing is disclosed");
  }
  co_return AnswerOf(*answer);
}

}  // namespace relais::vault
