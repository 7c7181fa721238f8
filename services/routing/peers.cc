#include "services/routing/peers.h"

#include <utility>

namespace relais::routing {
namespace {

using Check = rpc::PeerMethod<consent::v1::CheckRequest, consent::v1::CheckResponse>;

Task<absl::StatusOr<consent::v1::CheckResponse>> Ask(Check check, consent::v1::CheckRequest request,
                                                     absl::Duration timeout) {
  auto answer = co_await check(std::move(request), timeout);
  if (answer.ok() && answer->reason() == consent::v1::REASON_DIRECTORY_EXPIRED) {
    co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_DIRECTORY_EXPIRED,
                           "the consent registry's directory is past its not_after: nothing is disclosed");
  }
  co_return answer;
}

}  // namespace

Peers Guarded(Peers peers) {
  Check check = std::move(peers.check);
  peers.check = [check = std::move(check)](consent::v1::CheckRequest request, absl::Duration timeout) {
    return Ask(check, std::move(request), timeout);
  };
  return peers;
}

}  // namespace relais::routing
