#include "common/audit/followed_holds.h"

#include <optional>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"

namespace relais::audit {

bool IsOfHold(const FollowedLeaf& leaf) {
  return leaf.header.event_class() == audit::v1::EVENT_CLASS_HOLD_PLACED ||
         leaf.header.event_class() == audit::v1::EVENT_CLASS_HOLD_ENDED;
}

namespace {

Task<absl::Status> Follow(Holds& holds, FollowedLeaf leaf, Event event) {
  audit::v1::HoldEnded ended;
  if (leaf.details.payload().UnpackTo(&ended)) {
    CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(ended.hold_id()));
    CO_ASSIGN_OR_RETURN(event.event_id, Id128::FromBytes(leaf.header.event_id()));
    const absl::Status done = co_await holds.EndedElsewhere(id, std::move(event));
    co_return done;
  }
  audit::v1::HoldPlaced placed;
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON ||
      !leaf.details.payload().UnpackTo(&placed)) {
    co_return absl::OkStatus();
  }
  HoldRequest request;
  CO_ASSIGN_OR_RETURN(request.id, Id128::FromHex(placed.hold_id()));
  CO_ASSIGN_OR_RETURN(request.subject.id, Id128::FromBytes(leaf.details.subject().id()));
  request.order_reference = placed.order_reference();
  request.until = FromProto(placed.until());
  if (request.until <= leaf.time) {  // taken apart from whom the hold is about (holds.h)
    const absl::Status dropped = co_await holds.NoLongerCovers(request.id, request.subject, std::move(event));
    co_return IsErased(dropped) ? absl::OkStatus() : dropped;
  }
  const absl::StatusOr<std::optional<storage::LeafRange>> done =
      co_await holds.Place(std::move(request), std::move(event));
  // Erased here already, by an erasure that consent has forgotten: a restore.
  co_return IsErased(done.status()) ? absl::OkStatus() : done.status();
}

}  // namespace

Task<absl::Status> FollowHold(Holds& holds, FollowedLeaf leaf, Event event) {
  absl::Status done = co_await Follow(holds, std::move(leaf), std::move(event));
  if (DoesNotRead(done)) {
    log::Error("a legal hold could not be followed: what it needs does not read", {log::Field::Code(done)});
    co_return absl::OkStatus();
  }
  co_return done;
}

}  // namespace relais::audit
