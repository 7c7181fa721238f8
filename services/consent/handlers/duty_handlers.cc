#include "services/consent/handlers/duty_handlers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/domain/period.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/codes.h"
#include "services/consent/handlers/notice_handlers.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kRecordInformation[] = "relais.consent.v1.ConsentService/RecordInformation";

// Somebody is told of institutions by name, not of kinds; of acts only where they were said.
absl::Status CheckBeforehand(const Rules& rules, const v1::RecordInformationRequest& request) {
  RETURN_IF_ERROR(CheckLines(rules, request.lines(), false));
  for (int i = 0; i < request.lines_size(); ++i) {
    const v1::ConsentLine& line = request.lines(i);
    const auto path = [i](const char* list) { return absl::StrCat("lines[", i, "].", list); };
    if (line.purposes().empty()) {
      return rpc::InvalidField(path("purposes"), "must not be empty");
    }
    if (line.categories().empty()) {
      return rpc::InvalidField(path("categories"), "must not be empty");
    }
    if (line.recipients().empty()) {
      return rpc::InvalidField(path("recipients"), "must not be empty");
    }
    for (int k = 0; k < line.recipients_size(); ++k) {
      if (line.recipients(k).institution().empty()) {
        return rpc::InvalidField(absl::StrCat(path("recipients"), "[", k, "]"),
                                 "must be an institution: she is told who receives");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckInformation(const Rules& rules, const v1::RecordInformationRequest& request) {
  const bool after = request.occasion() == v1::INFORMATION_OCCASION_AFTER_EMERGENCY;
  if (after == request.emergency_id().empty()) {
    return rpc::InvalidField("emergency_id", after ? "is required" : "only after an emergency");
  }
  switch (request.occasion()) {
    case v1::INFORMATION_OCCASION_BEFOREHAND:
      return CheckBeforehand(rules, request);
    case v1::INFORMATION_OCCASION_AFTER_EMERGENCY:
    case v1::INFORMATION_OCCASION_FIRST_CONTACT:
      return request.lines().empty() ? absl::OkStatus()
                                     : rpc::InvalidField("lines", "only of what is told beforehand");
    default:
      return rpc::InvalidField("occasion", "is required");
  }
}

// The row of art. 14, if it is owed.
absl::StatusOr<std::optional<v1::StoredDuty>> OwedDuty(Registry& registry, const Id128& person,
                                                       const std::string& institution) {
  v1::StoredDuty duty;
  ASSIGN_OR_RETURN(const bool owed, registry.store.OpenRowOfName(person, DutyRow(institution), duty));
  return owed ? std::optional(std::move(duty)) : std::nullopt;
}

absl::Status MeetFirstContact(Registry& registry, const Id128& person, const std::string& institution,
                              absl::Time instant, PlannedAct& act) {
  ASSIGN_OR_RETURN(std::optional<v1::StoredDuty> duty, OwedDuty(registry, person, institution));
  if (!duty || duty->met() != 0) {
    return absl::OkStatus();
  }
  duty->set_met(Micros(instant));
  ASSIGN_OR_RETURN(storage::Mutation row, registry.store.WriteSealed(person, DutyRow(institution), *duty));
  act.rows.push_back(std::move(row));
  act.remembered.set_duties_met(1);
  return absl::OkStatus();
}

absl::Status MeetEmergency(const std::string& emergency_id, const std::string& institution,
                           absl::Time instant, PlannedAct& act) {
  ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(emergency_id));
  const Emergency* emergency = act.state.FindEmergency(id);
  if (emergency == nullptr ||
      (emergency->recipient != institution && emergency->declared_by != institution)) {
    return rpc::NoSuchOrNotYours();
  }
  const bool owed = act.state.Inform(id, instant);
  act.remembered.set_duties_met(owed && emergency->recipient == institution ? 1 : 0);
  return absl::OkStatus();
}

struct Informing {
  v1::RecordInformationRequest request;
  rpc::Actor actor;
  Id128 person;
  audit::Event event;
};

absl::StatusOr<PlannedAct> PlanInformation(Registry& registry, const Informing& informing,
                                           const PersonState& state, absl::Time instant) {
  const v1::RecordInformationRequest& request = informing.request;
  const std::string& institution = informing.actor.institution;
  PlannedAct act;
  act.state = state;
  act.event = informing.event;
  act.remembered.set_event_id(informing.event.event_id.ToBytes());
  v1::InformationRecorded payload;
  payload.set_information_id(informing.event.event_id.ToHex());
  payload.set_occasion(request.occasion());
  *payload.mutable_lines() = request.lines();
  payload.set_emergency_id(request.emergency_id());
  payload.set_told_by(institution);
  if (request.has_notice()) {
    *payload.mutable_notice() = request.notice();
    RETURN_IF_ERROR(CompleteNotice(registry, institution, *payload.mutable_notice()));
  }
  switch (request.occasion()) {
    case v1::INFORMATION_OCCASION_BEFOREHAND: {
      Information information;
      information.id = informing.event.event_id;
      information.at = instant;
      information.by = institution;
      information.by_function = informing.actor.function;
      information.lines = LinesFrom(request.lines());
      act.state.Add(std::move(information));
      act.room = Store::Room::kLets;
      break;
    }
    case v1::INFORMATION_OCCASION_AFTER_EMERGENCY:
      RETURN_IF_ERROR(MeetEmergency(request.emergency_id(), institution, instant, act));
      break;
    default:
      RETURN_IF_ERROR(MeetFirstContact(registry, informing.person, institution, instant, act));
      break;
  }
  act.event.details.mutable_payload()->PackFrom(payload);
  return act;
}

bool BringsDuty(const Answer& answer) {
  return answer.whole.permitted() &&
         std::find(answer.obligations.begin(), answer.obligations.end(),
                   v1::OBLIGATION_INFORM_AT_FIRST_CONTACT) != answer.obligations.end();
}

}  // namespace

absl::StatusOr<std::optional<storage::CommitRequest>> OweInformation(Registry& registry,
                                                                     const Inquiry& inquiry,
                                                                     const Id128& person,
                                                                     const Decided& decided,
                                                                     storage::CommitRequest& commit) {
  if (!BringsDuty(decided.answer) || inquiry.request.exercise()) {
    return std::optional<storage::CommitRequest>();
  }
  const std::string row = DutyRow(inquiry.question.recipient);
  v1::StoredDuty before;
  ASSIGN_OR_RETURN(const bool known, registry.store.OpenRowOfName(person, row, before));
  if (known) {
    return std::optional<storage::CommitRequest>();
  }
  DutyName duty{inquiry.question.recipient, person, v1::DUTY_KIND_INFORM_FIRST_CONTACT, decided.event_id,
                WholeMicros(AddMonths(decided.now, 1, registry.paris.zone()))};
  v1::StoredDuty stored;
  stored.set_id(duty.id.ToBytes());
  stored.set_due(Micros(duty.due));
  stored.set_since(Micros(decided.now));
  stored.set_ground(decided.answer.whole.ground);
  ASSIGN_OR_RETURN(storage::Mutation mutation, registry.store.WriteSealed(person, row, stored));
  mutation.key = RowKey(decided.root, person, row);
  commit.preconditions.push_back({mutation.key, std::nullopt});
  commit.batch.push_back(std::move(mutation));
  return std::optional(AddDuty(registry.context, duty));
}

// Entries of what is met. One that stays does no harm.
Task<absl::Status> DutyHandlers::TidyUp(Id128 person, std::string institution,
                                        v1::RecordInformationRequest request) {
  std::optional<DutyName> met;
  if (request.occasion() == v1::INFORMATION_OCCASION_FIRST_CONTACT) {
    CO_ASSIGN_OR_RETURN(const std::optional<v1::StoredDuty> duty, OwedDuty(registry_, person, institution));
    if (duty && duty->met() != 0) {
      CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(duty->id()));
      met = DutyName{institution, person, v1::DUTY_KIND_INFORM_FIRST_CONTACT, id, FromMicros(duty->due())};
    }
  } else if (request.occasion() == v1::INFORMATION_OCCASION_AFTER_EMERGENCY) {
    CO_ASSIGN_OR_RETURN(const VersionedState now, registry_.store.Load(person));
    CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.emergency_id()));
    if (const Emergency* emergency = now.state->FindEmergency(id); emergency != nullptr) {
      met = InformationAfter(person, *emergency, registry_.paris.zone());
    }
  }
  if (!met) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest gone = RemoveDuty(registry_.context, *met);
  const absl::StatusOr<storage::CommitResult> removed =
      co_await registry_.context.store.Commit(std::move(gone));
  co_return removed.status();
}

Task<absl::StatusOr<v1::RecordInformationResponse>> DutyHandlers::RecordInformation(
    rpc::Call call, v1::RecordInformationRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  Informing informing;
  CO_ASSIGN_OR_RETURN(informing.actor, rpc::ActorOf(call, ActingOf(request)));
  CO_ASSIGN_OR_RETURN(informing.person, rpc::PersonOf(context, call, request.person(), "person"));
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  CO_RETURN_IF_ERROR(CheckInformation(*rules, request));
  informing.event =
      rpc::EventOf(call, informing.actor, audit::v1::EVENT_CLASS_INFORMATION_RECORDED, request.request_id());
  informing.event.event_id = context.random.Id();
  DescribeLines(request.lines(), informing.event);
  informing.request = request;
  ActRequest what{informing.person,   rpc::RequestOwner(call, informing.actor),
                  kRecordInformation, request.request_id(),
                  ContentOf(request), request.want_proof()};
  const PlanAct plan = [&registry = registry_, informing](const PersonState& state, absl::Time instant) {
    return PlanInformation(registry, informing, state, instant);
  };
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  const absl::Status tidied = co_await TidyUp(informing.person, informing.actor.institution, request);
  (void)tidied;
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(act->remembered.event_id()));
  v1::RecordInformationResponse response;
  response.set_information_id(id.ToHex());
  response.set_duties_met(act->remembered.duties_met());
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::ListObligationsResponse>> DutyHandlers::ListObligations(
    rpc::Call call, v1::ListObligationsRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  co_await ResumeOn(registry_.context.executor);
  DutyFilter filter;
  filter.institution = call.caller.institution;
  filter.kind = request.kind();
  filter.overdue_only = request.overdue_only();
  filter.most = PageSize(request.page_size());
  filter.from = request.page_token();
  CO_ASSIGN_OR_RETURN(DutyPage page, ListDuties(registry_, filter, registry_.context.log.Now()));
  v1::ListObligationsResponse response;
  for (size_t i = 0; i < page.duties.size(); ++i) {
    v1::Duty* out = response.add_obligations();
    *out = std::move(page.duties[i]);
    if (!out->has_person()) {
      *out->mutable_person() = rpc::RefFor(registry_.context, call, page.persons[i]);
    }
  }
  response.set_next_page_token(page.next);
  response.set_unreadable(page.unreadable);
  co_return response;
}

}  // namespace relais::consent
