#include "services/consent/handlers/hold_handlers.h"

#include <algorithm>
#include <utility>

#include "common/audit/maintenance.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kPlaceHold[] = "relais.consent.v1.PersonService/PlaceHold";
constexpr char kReleaseHold[] = "relais.consent.v1.PersonService/ReleaseHold";
constexpr int kMostYears = 10;

absl::Status CheckUntil(absl::Time until, absl::Time now) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::CivilDay today = absl::ToCivilDay(now, utc);
  const absl::CivilDay last(today.year() + kMostYears, today.month(), today.day());
  if (until <= now || absl::ToCivilDay(until, utc) > last) {
    return rpc::InvalidField("until", "must be in the future and at most ten years away");
  }
  return absl::OkStatus();
}

// The leaf of a request that was made before.
Task<absl::StatusOr<common::v1::Written>> WrittenUnder(const rpc::ServiceContext& context, Claim claim,
                                                       bool want_proof, bool with_key) {
  CO_ASSIGN_OR_RETURN(const storage::LeafRange leaf, FindLeaf(context.log, claim));
  absl::StatusOr<common::v1::Written> written = co_await rpc::WrittenOf(context, leaf, want_proof, with_key);
  co_return written;
}

absl::Status Answer(const absl::Status& status) {
  if (absl::IsNotFound(status) || audit::IsErased(status)) {
    return rpc::NoSuchOrNotYours();
  }
  if (absl::IsFailedPrecondition(status)) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        std::string(status.message()));
  }
  return absl::IsAborted(status) ? TooContended() : status;
}

Task<absl::StatusOr<v1::ReleaseHoldResponse>> ReleasedUnder(const rpc::ServiceContext& context, Claim claim,
                                                            bool want_proof) {
  absl::StatusOr<common::v1::Written> written = co_await WrittenUnder(context, claim, want_proof, true);
  CO_RETURN_IF_ERROR(written.status());
  v1::ReleaseHoldResponse response;
  *response.mutable_written() = *std::move(written);
  co_return response;
}

bool Knows(const audit::Holds& holds, const Id128& id) {
  const std::vector<audit::HoldInfo> list = holds.List();
  return std::any_of(list.begin(), list.end(), [&id](const audit::HoldInfo& hold) { return hold.id == id; });
}

}  // namespace

Task<absl::StatusOr<v1::PlaceHoldResponse>> HoldHandlers::PlaceHold(rpc::Call call,
                                                                    v1::PlaceHoldRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_RETURN_IF_ERROR(CheckUntil(FromProto(request.until()), context.log.Now()));
  co_await ResumeOn(context.executor);
  const absl::StatusOr<Claim> claim = co_await ClaimRequest(
      context, registry_.store, actor.institution, kPlaceHold, request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  v1::PlaceHoldResponse response;
  response.set_hold_id(claim->event_id.ToHex());
  audit::Holds& holds = context.maintenance->holds();
  if (!Knows(holds, claim->event_id)) {
    CO_RETURN_IF_ERROR(registry_.store.Load(person).status());
    audit::HoldRequest hold;
    hold.id = claim->event_id;
    hold.subject = PersonSubject(person);
    hold.order_reference = request.order_reference();
    hold.until = FromProto(request.until());
    audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_HOLD_PLACED, request.request_id());
    const absl::StatusOr<std::optional<storage::LeafRange>> placed =
        co_await holds.Place(std::move(hold), std::move(event));
    CO_RETURN_IF_ERROR(Answer(placed.status()));
  } else {  // its first copy may have failed
    std::vector<audit::Subject> held = {PersonSubject(person)};
    const absl::StatusOr<std::vector<Id128>> copied = co_await holds.CopyOf(std::move(held));
    CO_RETURN_IF_ERROR(copied.status());
  }
  absl::StatusOr<common::v1::Written> written =
      co_await WrittenUnder(context, *claim, request.want_proof(), true);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::ReleaseHoldResponse>> HoldHandlers::ReleaseHold(rpc::Call call,
                                                                        v1::ReleaseHoldRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 hold, Id128::FromHex(request.hold_id()));
  co_await ResumeOn(context.executor);
  const absl::StatusOr<Claim> claim = co_await ClaimRequest(
      context, registry_.store, actor.institution, kReleaseHold, request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_HOLD_ENDED, request.request_id());
  event.event_id = claim->event_id;
  audit::Holds& holds = context.maintenance->holds();
  if (request.even_unknown() && !Knows(holds, hold)) {
    const absl::Status elsewhere = co_await holds.EndedElsewhere(hold, std::move(event));
    CO_RETURN_IF_ERROR(Answer(elsewhere));
    absl::StatusOr<v1::ReleaseHoldResponse> answer =
        co_await ReleasedUnder(context, *claim, request.want_proof());
    co_return answer;
  }
  const absl::StatusOr<storage::LeafRange> ended = co_await holds.Release(hold, std::move(event));
  if (absl::IsFailedPrecondition(ended.status())) {  // by this request before, maybe
    absl::StatusOr<v1::ReleaseHoldResponse> again =
        co_await ReleasedUnder(context, *claim, request.want_proof());
    if (absl::IsDataLoss(again.status())) {
      co_return Answer(ended.status());
    }
    co_return again;
  }
  CO_RETURN_IF_ERROR(Answer(ended.status()));
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenOf(context, *ended, request.want_proof(), true);
  CO_RETURN_IF_ERROR(written.status());
  v1::ReleaseHoldResponse response;
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::consent
