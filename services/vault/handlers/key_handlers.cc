#include "services/vault/handlers/key_handlers.h"

#include <optional>
#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/vault/acts_of_nobody.h"
#include "services/vault/rotation.h"

namespace relais::vault {

Task<absl::StatusOr<v1::StatusResponse>> KeyHandlers::Status(rpc::Call /*call*/,
                                                             v1::StatusRequest /*request*/) {
  v1::StatusResponse response;
  CO_ASSIGN_OR_RETURN(const uint32_t epoch, vault_.keys.epochs().Current());
  response.set_epoch(epoch);
  CO_ASSIGN_OR_RETURN(const absl::Time since, vault_.rotation.EpochSince());
  if (since > absl::InfinitePast()) {
    *response.mutable_epoch_since() = ToProto(since);
  }
  for (const uint32_t held : vault_.keys.epochs().Held()) {
    response.add_epochs_held(held);
  }
  CO_ASSIGN_OR_RETURN(const Stored<v1::StoredRotation> stored, vault_.store.Rotation());
  if (!stored.value.rotation().rotation_id().empty()) {
    *response.mutable_rotation() = stored.value.rotation();
  }
  co_return response;
}

Task<absl::StatusOr<v1::RotateResponse>> KeyHandlers::Rotate(rpc::Call call, v1::RotateRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  if (request.level() != v1::KEY_LEVEL_EPOCH && request.level() != v1::KEY_LEVEL_PERSON) {
    co_return rpc::InvalidField("level", "must be EPOCH or PERSON");
  }
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(std::optional<rpc::Idempotency::Seen> seen,
                        vault_.context.idempotency.Look(
                            vault_.context.store, Rotation::Bucket(vault_.context),
                            rpc::RequestOwner(call, actor), "Rotate", request.request_id(), request));
    v1::RotateResponse response;
    response.mutable_written()->set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
    if (seen->answer.has_value()) {
      v1::Rotation& rotation = *response.mutable_rotation();
      CO_ASSIGN_OR_RETURN(const ActOfNobody act, ReadActOfNobody(*seen->answer, rotation));
      CO_ASSIGN_OR_RETURN(const Stored<v1::StoredRotation> stored, vault_.store.Rotation());
      if (stored.value.rotation().rotation_id() == rotation.rotation_id()) {
        rotation = stored.value.rotation();  // as it is now
      }
      absl::StatusOr<common::v1::Written> before =
          co_await WrittenBefore(vault_.context, act, request.want_proof());
      CO_RETURN_IF_ERROR(before.status());
      *response.mutable_written() = *std::move(before);
      co_return response;
    }
    const absl::StatusOr<Rotation::Begun> begun =
        co_await vault_.rotation.Begin(call, actor, request.request_id(), request.level(), std::move(seen));
    if (absl::IsAborted(begun.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(begun.status());
    *response.mutable_rotation() = begun->rotation;
    if (begun->leaves.count != 0) {
      absl::StatusOr<common::v1::Written> written =
          co_await rpc::WrittenOf(vault_.context, begun->leaves, request.want_proof(), true);
      CO_RETURN_IF_ERROR(written.status());
      *response.mutable_written() = *std::move(written);
    }
    co_return response;
  }
  co_return absl::AbortedError("rotations change too often");
}

}  // namespace relais::vault
