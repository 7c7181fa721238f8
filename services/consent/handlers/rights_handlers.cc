#include "services/consent/handlers/rights_handlers.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/rights_rows.h"

namespace relais::consent {
namespace {

constexpr char kOpen[] = "relais.consent.v1.RightsService/Open";
constexpr char kAnswer[] = "relais.consent.v1.RightsService/Answer";
constexpr char kRestrict[] = "relais.consent.v1.RightsService/Restrict";
constexpr char kUnrestrict[] = "relais.consent.v1.RightsService/Unrestrict";
constexpr int kDefaultPage = 50;
constexpr size_t kRowsAtOnce = 200;

absl::Status WrongState(std::string_view message) {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, message);
}

absl::Status Refused(RightsProblem problem) {
  switch (problem) {
    case RightsProblem::kNone:
      return absl::OkStatus();
    case RightsProblem::kInTheFuture:
      return rpc::InvalidField("received", "must not be in the future");
    case RightsProblem::kTooFarBack:
      return rpc::InvalidField("received", "must not be more than 90 days back");
    case RightsProblem::kAnswered:
      return WrongState("this request is answered already");
    case RightsProblem::kNoReasons:
      return rpc::InvalidField("reasons", "is required with this outcome (RGPD art. 12.3, 12.4)");
    case RightsProblem::kExtendedAlready:
      return WrongState("its time was extended already (RGPD art. 12.3)");
    case RightsProblem::kTooLateToExtend:
      return WrongState("its first month is over: it can no longer be extended (RGPD art. 12.3)");
  }
  return absl::InternalError("no such problem");
}

template <typename Request>
ActRequest ActOf(const rpc::Call& call, const rpc::Actor& actor, const Request& request, const Id128& person,
                 const char* method, bool of_name) {
  return {person,
          rpc::RequestOwner(call, actor),
          method,
          request.request_id(),
          ContentOf(request),
          request.want_proof(),
          of_name};
}

// An act of which her state knows nothing but its instant.
PlannedAct Noted(const PersonState& state, const audit::Event& event,
                 const google::protobuf::Message& payload) {
  PlannedAct act;
  act.state = state;
  act.event = event;
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(event.event_id.ToBytes());
  return act;
}

absl::StatusOr<PlannedAct> PlanOpening(Registry& registry, const Id128& person, const RightsRow& row,
                                       const PersonState& state, const audit::Event& event) {
  v1::RightsOpened payload;
  payload.set_rights_id(row.id.ToHex());
  payload.set_right(row.right);
  *payload.mutable_received() = DateTo(row.the.received);
  *payload.mutable_due() = TimeTo(OverdueFrom(row.the, registry.paris));
  payload.set_reference(row.reference);
  PlannedAct act = Noted(state, event, payload);
  ASSIGN_OR_RETURN(storage::Mutation stored,
                   registry.store.WriteSealed(person, RightsKey(row.id), StoredFrom(row, registry.paris)));
  act.rows.push_back(std::move(stored));
  act.first.push_back(DueOf(registry, person, row));
  return act;
}

absl::StatusOr<PlannedAct> PlanAnswer(Registry& registry, const Id128& person,
                                      const v1::AnswerRequest& request, const std::string& institution,
                                      const PersonState& state, absl::Time instant,
                                      const audit::Event& event) {
  ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.rights_id()));
  ASSIGN_OR_RETURN(RightsRow row, ReadRights(registry, person, id, institution));
  const RightsVerdict verdict =
      AnswerCase(row.the, request.outcome(), request.reasons(), registry.paris.DayOf(instant));
  RETURN_IF_ERROR(Refused(verdict.problem));
  row.the = verdict.next;
  v1::RightsAnswered payload;
  payload.set_rights_id(request.rights_id());
  payload.set_outcome(request.outcome());
  payload.set_reasons(request.reasons());
  const bool pending = IsPending(row.the);
  if (pending) {
    *payload.mutable_due() = TimeTo(OverdueFrom(row.the, registry.paris));
  }
  PlannedAct act = Noted(state, event, payload);
  ASSIGN_OR_RETURN(storage::Mutation stored,
                   registry.store.WriteSealed(person, RightsKey(row.id), StoredFrom(row, registry.paris)));
  act.rows.push_back(std::move(stored));
  if (pending) {
    act.first.push_back(DueOf(registry, person, row));
  }
  return act;
}

audit::Event EventFor(const rpc::ServiceContext& context, const rpc::Call& call, const rpc::Actor& actor,
                      audit::v1::EventClass event_class, const std::string& request_id) {
  audit::Event event = rpc::EventOf(call, actor, event_class, request_id);
  event.event_id = context.random.Id();
  return event;
}

bool IsOverdue(const RightsRow& row, const DueRow& due, const calendar::Paris& paris) {
  return IsPending(row.the) && OverdueFrom(row.the, paris) == due.due;
}

}  // namespace

Task<absl::StatusOr<v1::OpenResponse>> RightsHandlers::Open(rpc::Call call, v1::OpenRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  const absl::CivilDay today = registry_.paris.DayOf(context.log.Now());
  absl::CivilDay received = today;
  if (request.has_received()) {
    const std::optional<absl::CivilDay> day = DayFrom(request.received());
    if (!day) {
      co_return rpc::InvalidField("received", "is no day");
    }
    received = *day;
  }
  const RightsVerdict opened = OpenCase(received, today);
  CO_RETURN_IF_ERROR(Refused(opened.problem));
  const audit::Event event =
      EventFor(context, call, actor, audit::v1::EVENT_CLASS_RIGHTS_OPENED, request.request_id());
  const RightsRow row{event.event_id, actor.institution, request.right(), request.reference(), opened.next};
  const PlanAct plan = [&registry = registry_, person, row, event](const PersonState& state,
                                                                   absl::Time /*instant*/) {
    return PlanOpening(registry, person, row, state, event);
  };
  ActRequest what = ActOf(call, actor, request, person, kOpen, true);
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(act->remembered.event_id()));
  CO_ASSIGN_OR_RETURN(const RightsRow made, ReadRights(registry_, person, id, actor.institution));
  v1::OpenResponse response;
  *response.mutable_request() = RequestOf(registry_, person, made);
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::AnswerResponse>> RightsHandlers::Answer(rpc::Call call, v1::AnswerRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  const audit::Event event =
      EventFor(context, call, actor, audit::v1::EVENT_CLASS_RIGHTS_ANSWERED, request.request_id());
  const PlanAct plan = [&registry = registry_, person, request, institution = actor.institution, event](
                           const PersonState& state, absl::Time instant) {
    return PlanAnswer(registry, person, request, institution, state, instant, event);
  };
  ActRequest what = ActOf(call, actor, request, person, kAnswer, true);
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.rights_id()));
  CO_ASSIGN_OR_RETURN(const RightsRow made, ReadRights(registry_, person, id, actor.institution));
  v1::AnswerResponse response;
  *response.mutable_request() = RequestOf(registry_, person, made);
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::ListOverdueResponse>> RightsHandlers::ListOverdue(rpc::Call call,
                                                                          v1::ListOverdueRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  co_await ResumeOn(registry_.context.executor);
  const absl::StatusOr<std::string> token = crypto::HexDecode(request.page_token());
  if (!token.ok()) {
    co_return rpc::InvalidField("page_token", "is none of this list's");
  }
  const absl::Time now = registry_.context.log.Now();
  const int page_size = request.page_size() == 0 ? kDefaultPage : request.page_size();
  std::string from = *token;
  v1::ListOverdueResponse response;
  std::vector<std::string> settled;
  uint32_t unreadable = 0;
  for (bool more = true; more;) {
    CO_ASSIGN_OR_RETURN(const DueRows page, DueBefore(registry_, actor.institution, now, from, kRowsAtOnce));
    from = page.next;
    more = !from.empty();
    unreadable += page.unreadable;
    for (const DueRow& due : page.rows) {
      if (response.requests_size() == page_size || settled.size() == kMostSettled) {
        response.set_next_page_token(crypto::HexEncode(due.key));
        more = false;
        break;
      }
      const absl::StatusOr<RightsRow> row = ReadRights(registry_, due.person, due.id, actor.institution);
      if (absl::IsNotFound(row.status())) {
        continue;  // it may still be coming into being; when she is erased the row goes with her
      }
      if (audit::DoesNotRead(row.status())) {
        ++unreadable;
        continue;
      }
      CO_RETURN_IF_ERROR(row.status());
      if (IsOverdue(*row, due, registry_.paris)) {
        *response.add_requests() = RequestOf(registry_, due.person, *row);
      } else {
        settled.push_back(due.key);  // answered, or due later by now
      }
    }
  }
  response.set_unreadable(unreadable);
  // What was settled leaves the list.
  if (registry_.context.Writable().ok()) {
    const absl::Status forgotten = co_await ForgetDue(registry_, actor.institution, std::move(settled));
    CO_RETURN_IF_ERROR(forgotten);
  }
  co_return response;
}

Task<absl::StatusOr<v1::RestrictResponse>> RightsHandlers::Restrict(rpc::Call call,
                                                                    v1::RestrictRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  const audit::Event event =
      EventFor(context, call, actor, audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, request.request_id());
  const PlanAct plan = [event, institution = actor.institution](
                           const PersonState& state, absl::Time instant) -> absl::StatusOr<PlannedAct> {
    if (state.FindRestriction(institution) != nullptr) {
      return WrongState("your processing is restricted already");
    }
    v1::ProcessingRestricted payload;
    payload.set_restriction_id(event.event_id.ToHex());
    payload.set_institution(institution);
    PlannedAct act = Noted(state, event, payload);
    act.state.Add(Restriction{event.event_id, institution, instant, std::nullopt});
    act.room = Store::Room::kWholeNoes;
    return act;
  };
  ActRequest what = ActOf(call, actor, request, person, kRestrict, false);
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(act->remembered.event_id()));
  v1::RestrictResponse response;
  response.set_restriction_id(id.ToHex());
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::UnrestrictResponse>> RightsHandlers::Unrestrict(rpc::Call call,
                                                                        v1::UnrestrictRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  const std::optional<absl::CivilDay> informed = DayFrom(request.informed_on());
  if (!informed || *informed > registry_.paris.DayOf(context.log.Now())) {
    co_return rpc::InvalidField("informed_on", "must be a day, not in the future (RGPD art. 18.3)");
  }
  const audit::Event event =
      EventFor(context, call, actor, audit::v1::EVENT_CLASS_PROCESSING_UNRESTRICTED, request.request_id());
  const PlanAct plan = [event, institution = actor.institution, informed = request.informed_on()](
                           const PersonState& state, absl::Time instant) -> absl::StatusOr<PlannedAct> {
    PersonState next = state;
    const std::optional<Id128> ended = next.EndRestriction(institution, instant);
    if (!ended) {
      return WrongState("your processing is not restricted");
    }
    v1::ProcessingUnrestricted payload;
    payload.set_restriction_id(ended->ToHex());
    payload.set_institution(institution);
    *payload.mutable_informed_on() = informed;
    PlannedAct act = Noted(next, event, payload);
    act.remembered.add_consent_ids(ended->ToBytes());
    act.room = Store::Room::kEmergencies;  // the next restriction is one more
    return act;
  };
  ActRequest what = ActOf(call, actor, request, person, kUnrestrict, false);
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  v1::UnrestrictResponse response;
  if (act->remembered.consent_ids_size() == 1) {
    CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(act->remembered.consent_ids(0)));
    response.set_restriction_id(id.ToHex());
  }
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
