#include "services/consent/handlers/emergency_handlers.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/codes.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kDeclare[] = "relais.consent.v1.EmergencyService/Declare";
constexpr uint32_t kMostHours = 72;

absl::Status CheckDeclaration(const rpc::Call& call, const Rules& rules, const v1::DeclareRequest& request) {
  if (!request.person_unable()) {
    return rpc::InvalidField("person_unable", "must be true: an adult is presumed able (D-4.4a)");
  }
  if (!request.danger_serious()) {
    return rpc::InvalidField("danger_serious", "must be true (D-2.6)");
  }
  if (request.hours() > kMostHours) {
    return rpc::InvalidField("hours", "must be at most 72");
  }
  if (request.categories().empty()) {
    return rpc::InvalidField("categories", "is required");
  }
  RETURN_IF_ERROR(CheckParty(*call.directory, request.recipient(), "recipient"));
  for (int i = 0; i < request.categories_size(); ++i) {
    const std::string path = absl::StrCat("categories[", i, "]");
    RETURN_IF_ERROR(CheckCategory(rules, request.categories(i), path));
    if (rules.CategoryOf(request.categories(i)).offence) {
      return rpc::InvalidField(path, "data on offences is not unlocked by an emergency (RGPD art. 10)");
    }
  }
  return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<v1::DeclareResponse>> EmergencyHandlers::Declare(rpc::Call call,
                                                                     v1::DeclareRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_RETURN_IF_ERROR(CheckDeclaration(call, *registry_.rules.Of(call.directory), request));
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, request.request_id());
  event.event_id = context.random.Id();
  event.ground = common::v1::GROUND_EMERGENCY;
  const std::set<std::string> categories(request.categories().begin(), request.categories().end());
  event.categories.assign(categories.begin(), categories.end());
  *event.details.mutable_recipient() = request.recipient();
  const PlanAct plan = [request, event](const PersonState& state,
                                        absl::Time instant) -> absl::StatusOr<PlannedAct> {
    Emergency emergency;
    emergency.id = event.event_id;
    emergency.recipient = request.recipient().institution();
    emergency.recipient_function = request.recipient().function();
    emergency.categories = event.categories;
    emergency.from = instant;
    emergency.until = instant + absl::Hours(request.hours() == 0 ? kMostHours : request.hours());
    v1::EmergencyDeclared payload;
    payload.set_emergency_id(event.event_id.ToHex());
    *payload.mutable_recipient() = request.recipient();
    *payload.mutable_expires() = TimeTo(emergency.until);
    payload.set_facts(request.facts());
    payload.set_source_reference(request.source_reference());
    PlannedAct act;
    act.remembered.set_event_id(event.event_id.ToBytes());
    act.remembered.set_until(Micros(emergency.until));
    act.event = event;
    act.event.details.mutable_payload()->PackFrom(payload);
    act.state = state;
    act.state.Add(std::move(emergency));
    return act;
  };
  ActRequest act_request{person,
                         rpc::RequestOwner(call, actor),
                         kDeclare,
                         request.request_id(),
                         ContentOf(request),
                         request.want_proof()};
  absl::StatusOr<RecordedAct> act =
      co_await RecordAct(context, registry_.store, std::move(act_request), plan);
  if (!act.ok()) {
    co_return act.status();
  }
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(act->remembered.event_id()));
  v1::DeclareResponse response;
  response.set_emergency_id(id.ToHex());
  *response.mutable_expires() = TimeTo(FromMicros(act->remembered.until()));
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
