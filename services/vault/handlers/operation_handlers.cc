#include "services/vault/handlers/operation_handlers.h"

#include <optional>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/vault/acts_of_nobody.h"
#include "services/vault/closing.h"
#include "services/vault/scrubber.h"

namespace relais::vault {

Task<absl::StatusOr<v1::StartScrubResponse>> OperationHandlers::StartScrub(rpc::Call call,
                                                                           v1::StartScrubRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  for (int i = 0; i < kTries; ++i) {
    auto looked = vault_.context.idempotency.Look(vault_.context.store, Scrubber::Bucket(vault_.context),
                                                  rpc::RequestOwner(call, actor), "StartScrub",
                                                  request.request_id(), request);
    std::optional<rpc::Idempotency::Seen> seen;
    // What was asked before may not read: it begins all the same, one at a time.
    if (!audit::DoesNotRead(looked.status())) {
      CO_ASSIGN_OR_RETURN(seen, std::move(looked));
    }
    v1::StartScrubResponse response;
    response.mutable_written()->set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
    if (seen.has_value() && seen->answer.has_value()) {
      v1::Scrub& scrub = *response.mutable_scrub();
      CO_ASSIGN_OR_RETURN(const ActOfNobody act, ReadActOfNobody(*seen->answer, scrub));
      CO_ASSIGN_OR_RETURN(const Stored<v1::StoredScrub> stored, vault_.store.Scrub());
      if (stored.value.scrub().scrub_id() == scrub.scrub_id()) {
        scrub = stored.value.scrub();  // as it is now
      }
      absl::StatusOr<common::v1::Written> before =
          co_await WrittenBefore(vault_.context, act, request.want_proof());
      CO_RETURN_IF_ERROR(before.status());
      *response.mutable_written() = *std::move(before);
      co_return response;
    }
    const absl::StatusOr<Scrubber::Begun> begun =
        co_await vault_.scrubber.Begin(call, actor, request.request_id(), std::move(seen));
    if (absl::IsAborted(begun.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(begun.status());
    *response.mutable_scrub() = begun->scrub;
    if (begun->leaves.count != 0) {
      absl::StatusOr<common::v1::Written> written =
          co_await rpc::WrittenOf(vault_.context, begun->leaves, request.want_proof(), true);
      CO_RETURN_IF_ERROR(written.status());
      *response.mutable_written() = *std::move(written);
    }
    co_return response;
  }
  co_return absl::AbortedError("scrubs change too often");
}

Task<absl::StatusOr<v1::GetScrubResponse>> OperationHandlers::GetScrub(rpc::Call /*call*/,
                                                                       v1::GetScrubRequest request) {
  CO_ASSIGN_OR_RETURN(const Stored<v1::StoredScrub> stored, vault_.store.Scrub());
  const v1::Scrub& scrub = stored.value.scrub();
  if (scrub.scrub_id().empty() || (!request.scrub_id().empty() && request.scrub_id() != scrub.scrub_id())) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::GetScrubResponse response;
  *response.mutable_scrub() = scrub;
  co_return response;
}

Task<absl::StatusOr<v1::AnnounceClosureResponse>> OperationHandlers::AnnounceClosure(
    rpc::Call call, v1::AnnounceClosureRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(rpc::Idempotency::Seen seen,
                        vault_.context.idempotency.Look(vault_.context.store, Closing::Bucket(vault_.context),
                                                        rpc::RequestOwner(call, actor), "AnnounceClosure",
                                                        request.request_id(), request));
    v1::AnnounceClosureResponse response;
    if (seen.answer.has_value()) {
      CO_ASSIGN_OR_RETURN(const ActOfNobody act, ReadActOfNobody(*seen.answer, *response.mutable_closure()));
      absl::StatusOr<common::v1::Written> before =
          co_await WrittenBefore(vault_.context, act, request.want_proof());
      CO_RETURN_IF_ERROR(before.status());
      *response.mutable_written() = *std::move(before);
      co_return response;
    }
    const absl::StatusOr<Closing::Announced> announced =
        co_await vault_.closing.Announce(call, actor, request, std::move(seen));
    if (absl::IsAborted(announced.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(announced.status());
    *response.mutable_closure() = announced->closure;
    absl::StatusOr<common::v1::Written> written =
        co_await rpc::WrittenOf(vault_.context, announced->leaves, request.want_proof(), true);
    CO_RETURN_IF_ERROR(written.status());
    *response.mutable_written() = *std::move(written);
    co_return response;
  }
  co_return absl::AbortedError("the closure changes too often");
}

Task<absl::StatusOr<v1::GetClosureResponse>> OperationHandlers::GetClosure(
    rpc::Call /*call*/, v1::GetClosureRequest /*request*/) {
  CO_ASSIGN_OR_RETURN(const Stored<v1::StoredClosure> stored, vault_.store.Closure());
  v1::GetClosureResponse response;
  if (stored.value.has_closure()) {
    *response.mutable_closure() = stored.value.closure();
  }
  co_return response;
}

}  // namespace relais::vault
