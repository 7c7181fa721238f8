#include "services/consent/handlers/emergency_handlers.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/codes.h"
#include "services/consent/handlers/emergency_again.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kDeclare[] = "relais.consent.v1.EmergencyService/Declare";
constexpr char kReview[] = "relais.consent.v1.EmergencyService/Review";
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
  RETURN_IF_ERROR(CheckReads(rules.KindOf(request.recipient().institution()), "recipient.institution"));
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
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  CO_RETURN_IF_ERROR(CheckDeclaration(call, *rules, request));
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, request.request_id());
  event.event_id = context.random.Id();
  event.ground = common::v1::GROUND_EMERGENCY;
  const std::set<std::string> categories(request.categories().begin(), request.categories().end());
  event.categories.assign(categories.begin(), categories.end());
  *event.details.mutable_recipient() = request.recipient();
  const PlanAct plan = [&registry = registry_, &context, rules, request, actor, person, event](
                           const PersonState& state, absl::Time instant) -> absl::StatusOr<PlannedAct> {
    Emergency emergency;
    emergency.id = event.event_id;
    emergency.recipient = request.recipient().institution();
    emergency.recipient_function = request.recipient().function();
    emergency.categories = event.categories;
    emergency.from = instant;
    emergency.until = instant + absl::Hours(request.hours() == 0 ? kMostHours : request.hours());
    emergency.declared_by = actor.institution;
    emergency.declared_agent = actor.agent;
    emergency.recipient_kind = std::string(rules->KindOf(emergency.recipient));
    RETURN_IF_ERROR(MayBeDeclared(registry, person, state, emergency, request.source_reference()));
    v1::EmergencyDeclared payload;
    payload.set_emergency_id(event.event_id.ToHex());
    *payload.mutable_recipient() = request.recipient();
    *payload.mutable_expires() = TimeTo(emergency.until);
    payload.set_facts(request.facts());
    payload.set_source_reference(request.source_reference());
    payload.set_declared_by(actor.institution);
    payload.set_recipient_kind(emergency.recipient_kind);
    PlannedAct act;
    act.remembered.set_event_id(event.event_id.ToBytes());
    act.remembered.set_until(Micros(emergency.until));
    act.event = event;
    act.event.details.mutable_payload()->PackFrom(payload);
    act.first.push_back(AddDuty(context, ReviewOf(person, emergency)));
    act.first.push_back(AddDuty(context, InformationAfter(person, emergency, registry.paris.zone())));
    act.state = state;
    act.state.Add(std::move(emergency));
    act.room = Store::Room::kEmergencies;
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

namespace {

// By somebody else than the declarer. Where both are of one institution and no agent was named, nobody knows.
absl::Status CheckReviewer(const Emergency& emergency, const rpc::Actor& actor) {
  const bool same = emergency.declared_by == actor.institution &&
                    (emergency.declared_agent.empty() || emergency.declared_agent == actor.agent);
  return same ? rpc::Refusal(absl::StatusCode::kPermissionDenied,
                             common::v1::ERROR_REASON_SECOND_PERSON_REQUIRED,
                             "an emergency is judged by somebody else than who declared it")
              : absl::OkStatus();
}

absl::StatusOr<PlannedAct> PlanReview(const v1::ReviewRequest& request, const rpc::Actor& actor,
                                      const Id128& id, const PersonState& state, absl::Time instant,
                                      audit::Event event) {
  const Emergency* emergency = state.FindEmergency(id);
  if (emergency == nullptr || emergency->recipient != actor.institution) {
    return rpc::NoSuchOrNotYours();
  }
  if (emergency->reviewed) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this emergency was judged before");
  }
  RETURN_IF_ERROR(CheckReviewer(*emergency, actor));
  v1::EmergencyReviewed payload;
  payload.set_emergency_id(request.emergency_id());
  payload.set_outcome(request.outcome());
  payload.set_reasons(request.reasons());
  PlannedAct act;
  act.event = std::move(event);
  act.event.categories = emergency->categories;
  act.event.details.mutable_recipient()->set_institution(emergency->recipient);
  act.event.details.mutable_recipient()->set_function(emergency->recipient_function);
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(act.event.event_id.ToBytes());
  act.state = state;
  act.state.Review(id, instant, request.outcome());
  return act;
}

}  // namespace

Task<absl::StatusOr<v1::ReviewResponse>> EmergencyHandlers::Review(rpc::Call call,
                                                                   v1::ReviewRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.emergency_id()));
  if (request.outcome() != v1::REVIEW_OUTCOME_JUSTIFIED &&
      request.outcome() != v1::REVIEW_OUTCOME_NOT_JUSTIFIED) {
    co_return rpc::InvalidField("outcome", "is required");
  }
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_EMERGENCY_REVIEWED, request.request_id());
  event.event_id = context.random.Id();
  event.ground = common::v1::GROUND_EMERGENCY;
  const PlanAct plan = [request, actor, id, event](const PersonState& state, absl::Time instant) {
    return PlanReview(request, actor, id, state, instant, event);
  };
  ActRequest what{person,
                  rpc::RequestOwner(call, actor),
                  kReview,
                  request.request_id(),
                  ContentOf(request),
                  request.want_proof()};
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  CO_ASSIGN_OR_RETURN(const VersionedState now, registry_.store.Load(person));
  if (const Emergency* emergency = now.state->FindEmergency(id); emergency != nullptr) {
    // What is left of it is passed over: an entry that stays does no harm.
    storage::CommitRequest gone = RemoveDuty(context, ReviewOf(person, *emergency));
    const absl::StatusOr<storage::CommitResult> removed = co_await context.store.Commit(std::move(gone));
    (void)removed;
  }
  v1::ReviewResponse response;
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::ListPendingResponse>> EmergencyHandlers::ListPending(rpc::Call call,
                                                                             v1::ListPendingRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  co_await ResumeOn(registry_.context.executor);
  DutyFilter filter;
  filter.institution = call.caller.institution;
  filter.kind = v1::DUTY_KIND_REVIEW_EMERGENCY;
  filter.overdue_only = request.overdue_only();
  filter.most = PageSize(request.page_size());
  filter.from = request.page_token();
  CO_ASSIGN_OR_RETURN(const DutyPage page, ListDuties(registry_, filter, registry_.context.log.Now()));
  v1::ListPendingResponse response;
  for (size_t i = 0; i < page.duties.size(); ++i) {
    const Emergency& emergency = page.emergencies[i];
    v1::PendingReview* out = response.add_pending();
    out->set_emergency_id(emergency.id.ToHex());
    *out->mutable_person() = rpc::RefFor(registry_.context, call, page.persons[i]);
    out->set_declared_by(emergency.declared_by);
    *out->mutable_declared() = TimeTo(emergency.from);
    *out->mutable_expires() = TimeTo(emergency.until);
    for (const std::string& category : emergency.categories) {
      out->add_categories(category);
    }
    *out->mutable_due() = page.duties[i].due();
    out->set_escalated(page.escalated[i]);
  }
  response.set_next_page_token(page.next);
  co_return response;
}

}  // namespace relais::consent
