#include "services/consent/handlers/status_handlers.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/status.h"
#include "services/consent/handlers/own_records.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kUpdateStatus[] = "relais.consent.v1.PersonService/UpdateStatus";

absl::Status CheckDay(const Registry& registry, const v1::UpdateStatusRequest& request) {
  if (!v1::StatusChange_IsValid(request.change()) || request.change() == v1::STATUS_CHANGE_UNSPECIFIED) {
    return rpc::InvalidField("change", "is required");
  }
  if (request.has_day() != HasDay(request.change())) {
    return rpc::InvalidField("day", HasDay(request.change()) ? "is required" : "only of a death or a move");
  }
  if (request.has_day()) {
    const std::optional<absl::CivilDay> day = DayFrom(request.day());
    if (!day || *day > registry.paris.DayOf(registry.context.log.Now())) {
      return rpc::InvalidField("day", "must be a day, not in the future");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<PlannedAct> PlanStatus(Registry& registry, const v1::UpdateStatusRequest& request,
                                      const std::string& institution, const Id128& person,
                                      const PersonState& state, const audit::Event& event) {
  ASSIGN_OR_RETURN(v1::StoredStatus status, ReadStatus(registry, person));
  ApplyStatus(institution, request.change(), request.day(), status);
  v1::StatusUpdated payload;
  payload.set_institution(institution);
  payload.set_change(request.change());
  if (request.has_day()) {
    *payload.mutable_day() = request.day();
  }
  // Her institution opens this leaf: what others said is for services alone, which read it with Resolve.
  payload.set_do_not_group(StatusSaidBy(status, institution).do_not_group());
  PlannedAct act;
  act.state = state;
  act.event = event;
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(event.event_id.ToBytes());
  ASSIGN_OR_RETURN(storage::Mutation row,
                   registry.store.WriteSealed(person, std::string(kStatusKey), status));
  act.rows.push_back(std::move(row));
  return act;
}

}  // namespace

Task<absl::StatusOr<v1::UpdateStatusResponse>> StatusHandlers::UpdateStatus(rpc::Call call,
                                                                            v1::UpdateStatusRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_RETURN_IF_ERROR(CheckDay(registry_, request));
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_STATUS_UPDATED, request.request_id());
  event.event_id = context.random.Id();
  const PlanAct plan = [&registry = registry_, request, institution = actor.institution, person, event](
                           const PersonState& state, absl::Time /*instant*/) {
    return PlanStatus(registry, request, institution, person, state, event);
  };
  ActRequest what{person,
                  rpc::RequestOwner(call, actor),
                  kUpdateStatus,
                  request.request_id(),
                  ContentOf(request),
                  request.want_proof(),
                  true};
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  v1::UpdateStatusResponse response;
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
