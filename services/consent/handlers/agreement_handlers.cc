#include "services/consent/handlers/agreement_handlers.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/domain/her_acts.h"
#include "services/consent/domain/period.h"
#include "services/consent/expiries.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/codes.h"
#include "services/consent/handlers/notice_handlers.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/representation.h"

namespace relais::consent {
namespace {

constexpr char kRecordConsent[] = "relais.consent.v1.ConsentService/RecordConsent";
constexpr char kRecordRefusal[] = "relais.consent.v1.ConsentService/RecordRefusal";
constexpr char kWithdrawConsent[] = "relais.consent.v1.ConsentService/WithdrawConsent";
// In one leaf, which has a bound. Whatever their number, all are withdrawn: her lines decide, not this list.
constexpr size_t kMostIdsInLeaf = 500;

absl::Status CheckAgreement(const Rules& rules, const v1::RecordConsentRequest& request,
                            absl::CivilDay today) {
  RETURN_IF_ERROR(CheckLines(rules, request.lines(), true));
  RETURN_IF_ERROR(CheckMayAgree(rules, request.lines(), request.explicit_(), today));
  if (request.method() == v1::METHOD_SPOKEN_ON_SITE && request.source_reference().empty()) {
    return rpc::InvalidField("source_reference", "is required of what was said on site (D-4.4a)");
  }
  return absl::OkStatus();
}

absl::StatusOr<Agreement> MakeAgreement(const v1::RecordConsentRequest& request, const Id128& id,
                                        const rpc::Actor& actor, const Represented& represented,
                                        absl::Time instant, absl::TimeZone zone, const Lines& lines) {
  PeriodAsked asked;
  if (request.has_valid_from()) {
    asked.from = TimeFrom(request.valid_from());
  }
  if (request.has_valid_until()) {
    asked.until = TimeFrom(request.valid_until());
  }
  asked.on_site = request.method() == v1::METHOD_SPOKEN_ON_SITE;
  const Period period = JudgePeriod(asked, instant, zone);
  if (!period.ok()) {
    return rpc::InvalidField(period.field, period.problem);
  }
  Agreement agreement;
  agreement.id = id;
  agreement.at = std::min(period.from, instant);
  agreement.recorded = instant;
  agreement.valid_from = period.from;
  agreement.valid_until = period.until;
  agreement.explicit_given = request.explicit_();
  agreement.source_reference = request.source_reference();
  if (!request.source_reference().empty()) {
    agreement.reference_of = actor.institution;
  }
  agreement.lines = lines;
  agreement.represented = represented.represented;
  agreement.mandate_until = represented.mandate_until;
  agreement.child_protection_only = represented.child_protection_only;
  agreement.collector = actor.institution;
  return agreement;
}

v1::Consent ConsentOf(const v1::RecordConsentRequest& request, const Agreement& agreement,
                      const Represented& represented, const v1::Notice& notice, const rpc::Actor& actor) {
  v1::Consent consent;
  consent.set_consent_id(agreement.id.ToHex());
  consent.mutable_collector()->set_institution(actor.institution);
  consent.mutable_collector()->set_function(actor.function);
  *consent.mutable_lines() = request.lines();
  consent.set_legal_basis(request.legal_basis());
  consent.set_secrecy_ground(common::v1::GROUND_AGREEMENT);
  consent.set_explicit_(request.explicit_());
  *consent.mutable_valid_from() = TimeTo(agreement.valid_from);
  *consent.mutable_valid_until() = TimeTo(agreement.valid_until);
  consent.set_method(request.method());
  *consent.mutable_notice() = notice;
  *consent.mutable_aids() = request.aids();
  consent.set_evidence(request.evidence());
  consent.set_source_reference(request.source_reference());
  if (request.has_representative()) {
    *consent.mutable_representative() = request.representative();
  }
  SetMandateEnd(represented, consent);
  return consent;
}

template <typename Request>
ActRequest ActOf(const Request& request, const Id128& person, std::string owner, const char* method) {
  return {person, std::move(owner), method, request.request_id(), ContentOf(request), request.want_proof()};
}

PlannedAct Denied(const PersonState& state, Denial denial, audit::Event event) {
  PlannedAct act;
  act.state = state;
  act.remembered.set_event_id(event.event_id.ToBytes());
  act.event = std::move(event);
  act.state.Add(std::move(denial));
  act.room = Store::RoomOf(state, act.state.denials().back());
  return act;
}

// D-2.12: ended by its collector or declared invalid by an authority. No word of hers.
absl::Status CheckEnd(const v1::WithdrawConsentRequest& request) {
  if (request.consent_id().empty()) {
    return rpc::InvalidField("consent_id", "is required with `end`");
  }
  if (!request.lines().empty()) {
    return rpc::InvalidField("lines", "must be empty with `end`: the agreement ends whole");
  }
  if (request.said_by() != v1::REPRESENTATION_UNSPECIFIED) {
    return rpc::InvalidField("said_by", "must be empty with `end`: it is no word of hers");
  }
  if (request.end() != v1::CONSENT_END_TERMINATED && request.end() != v1::CONSENT_END_INVALIDATED) {
    return rpc::InvalidField("end", "is not known");
  }
  if (request.end() == v1::CONSENT_END_INVALIDATED && request.decision_reference().empty()) {
    return rpc::InvalidField("decision_reference", "is required: the authority's decision");
  }
  return absl::OkStatus();
}

absl::StatusOr<PlannedAct> PlanEnd(const v1::WithdrawConsentRequest& request, const rpc::Actor& actor,
                                   const PersonState& state, absl::Time instant, audit::Event event) {
  const absl::StatusOr<Id128> id = Id128::FromHex(request.consent_id());
  const Agreement* agreement = id.ok() ? state.FindAgreement(*id) : nullptr;
  if (agreement == nullptr || agreement->collector != actor.institution) {
    return rpc::NoSuchOrNotYours();
  }
  PlannedAct act;
  act.state = state;
  if (!act.state.End(*id, {instant, request.end() == v1::CONSENT_END_INVALIDATED})) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this agreement was ended before");
  }
  v1::ConsentWithdrawn payload;
  payload.set_consent_id(request.consent_id());
  payload.add_consent_ids(request.consent_id());
  LinesTo({Line()}, *payload.mutable_lines());
  payload.set_end(request.end());
  payload.set_decision_reference(request.decision_reference());
  event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(event.event_id.ToBytes());
  act.remembered.add_consent_ids(id->ToBytes());
  act.event = std::move(event);
  return act;
}

// Those that who withdraws may see: its own, and the one it named. All others are touched unsaid: an id that
// is another desk's would tell of the desk, or of a link (ADR 50).
std::vector<Id128> Shown(const std::vector<Id128>& touched, const PersonState& state, const Denial& denial,
                         std::string_view institution) {
  std::vector<Id128> shown;
  for (const Id128& id : touched) {
    const Agreement* agreement = state.FindAgreement(id);
    if (denial.agreement == id || (agreement != nullptr && agreement->collector == institution)) {
      shown.push_back(id);
    }
  }
  return shown;
}

// All that it touched, for who may read everything: no act of the desk's, whose DPO reads its own (ADR 50).
audit::Event TouchedEvent(const audit::Event& withdrawal, const std::vector<Id128>& touched) {
  v1::AgreementsTouched payload;
  payload.set_withdrawal_id(withdrawal.event_id.ToHex());
  for (size_t i = 0; i < std::min(touched.size(), kMostIdsInLeaf); ++i) {
    payload.add_consent_ids(touched[i].ToHex());
  }
  audit::Event event = AsRegistrys(withdrawal);
  event.event_class = audit::v1::EVENT_CLASS_AGREEMENTS_TOUCHED;
  event.event_id = {};
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

absl::StatusOr<PlannedAct> PlanWithdrawal(const v1::WithdrawConsentRequest& request, const rpc::Actor& actor,
                                          const Rules& rules, const PersonState& state, absl::Time instant,
                                          audit::Event event) {
  Denial denial;
  denial.id = event.event_id;
  denial.kind = Denial::Kind::kWithdrawal;
  denial.at = instant;
  denial.lines = LinesFrom(request.lines());
  denial.represented = request.said_by() != v1::REPRESENTATION_UNSPECIFIED;
  if (!request.consent_id().empty()) {
    const absl::StatusOr<Id128> id = Id128::FromHex(request.consent_id());
    if (!id.ok() || state.FindAgreement(*id) == nullptr) {
      return rpc::NoSuchOrNotYours();
    }
    denial.agreement = *id;
    if (denial.lines.empty()) {
      denial.lines.emplace_back();  // all of it
    }
  }
  const std::vector<Id128> touched = AgreementsTouched(state, denial, rules, instant);
  const std::vector<Id128> shown = Shown(touched, state, denial, actor.institution);
  v1::ConsentWithdrawn payload;
  payload.set_consent_id(request.consent_id());
  payload.set_said_by(request.said_by());
  LinesTo(denial.lines, *payload.mutable_lines());
  for (size_t i = 0; i < std::min(shown.size(), kMostIdsInLeaf); ++i) {
    payload.add_consent_ids(shown[i].ToHex());
  }
  event.details.mutable_payload()->PackFrom(payload);
  std::optional<audit::Event> unsaid;
  if (!denial.agreement) {  // always: that there is one tells nothing
    unsaid = TouchedEvent(event, touched);
  }
  PlannedAct act = Denied(state, std::move(denial), std::move(event));
  act.unsaid = std::move(unsaid);
  for (const Id128& id : shown) {
    act.remembered.add_consent_ids(id.ToBytes());
  }
  return act;
}

}  // namespace

Task<absl::StatusOr<v1::RecordConsentResponse>> AgreementHandlers::RecordConsent(
    rpc::Call call, v1::RecordConsentRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  CO_RETURN_IF_ERROR(CheckAgreement(*rules, request, registry_.paris.DayOf(context.log.Now())));
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_CONSENT_RECORDED, request.request_id());
  event.event_id = context.random.Id();
  DescribeLines(request.lines(), event);
  const PlanAct plan = [&registry = registry_, &context, &store = registry_.store, rules, request, actor,
                        person,
                        event](const PersonState& state, absl::Time instant) -> absl::StatusOr<PlannedAct> {
    v1::Notice notice = request.notice();
    RETURN_IF_ERROR(CompleteNotice(registry, actor.institution, notice));
    const v1::Representative* by = request.has_representative() ? &request.representative() : nullptr;
    const Lines lines = store.cache().lines().Shared(request.lines());
    ASSIGN_OR_RETURN(const Represented represented,
                     RepresentedBy(registry, *rules, person, actor.institution, by, lines.all(), instant));
    ASSIGN_OR_RETURN(Agreement agreement, MakeAgreement(request, event.event_id, actor, represented, instant,
                                                        registry.paris.zone(), lines));
    v1::ConsentRecorded payload;
    *payload.mutable_consent() = ConsentOf(request, agreement, represented, notice, actor);
    PlannedAct act;
    ASSIGN_OR_RETURN(storage::Mutation complete,
                     store.WriteSealed(person, ConsentKey(agreement.id), payload.consent()));
    act.rows.push_back(std::move(complete));
    act.event = event;
    act.event.details.mutable_payload()->PackFrom(payload);
    act.remembered.set_event_id(event.event_id.ToBytes());
    act.first.push_back(EndOf(context, person, agreement.id, agreement.TermAt(instant).until));
    act.state = state;
    act.state.Add(std::move(agreement));
    act.room = Store::Room::kLets;
    return act;
  };
  ActRequest what = ActOf(request, person, rpc::RequestOwner(call, actor), kRecordConsent);
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  if (!act.ok()) {
    co_return act.status();
  }
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(act->remembered.event_id()));
  v1::RecordConsentResponse response;
  response.set_consent_id(id.ToHex());
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::RecordRefusalResponse>> AgreementHandlers::RecordRefusal(
    rpc::Call call, v1::RecordRefusalRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_RETURN_IF_ERROR(CheckLines(*registry_.rules.Of(call.directory), request.lines(), false));
  CO_RETURN_IF_ERROR(CheckSaidBy(request.said_by()));
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, request.request_id());
  event.event_id = context.random.Id();
  DescribeLines(request.lines(), event);
  v1::RefusalRecorded payload;
  payload.set_refusal_id(event.event_id.ToHex());
  *payload.mutable_lines() = request.lines();
  payload.set_said_by(request.said_by());
  event.details.mutable_payload()->PackFrom(payload);
  const PlanAct plan = [lines = LinesFrom(request.lines()), event,
                        represented = request.said_by() != v1::REPRESENTATION_UNSPECIFIED](
                           const PersonState& state, absl::Time instant) -> absl::StatusOr<PlannedAct> {
    return Denied(state, {event.event_id, Denial::Kind::kRefusal, instant, std::nullopt, lines, represented},
                  event);
  };
  ActRequest what = ActOf(request, person, rpc::RequestOwner(call, actor), kRecordRefusal);
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  if (!act.ok()) {
    co_return act.status();
  }
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(act->remembered.event_id()));
  v1::RecordRefusalResponse response;
  response.set_refusal_id(id.ToHex());
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::WithdrawConsentResponse>> AgreementHandlers::WithdrawConsent(
    rpc::Call call, v1::WithdrawConsentRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  const bool by_her = request.end() == v1::CONSENT_END_UNSPECIFIED;
  CO_RETURN_IF_ERROR(CheckSaidBy(request.said_by()));
  if (!by_her) {
    CO_RETURN_IF_ERROR(CheckEnd(request));
  } else if (request.consent_id().empty() || !request.lines().empty()) {
    CO_RETURN_IF_ERROR(CheckLines(*rules, request.lines(), false));
  }
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, request.request_id());
  event.event_id = context.random.Id();
  DescribeLines(request.lines(), event);
  const PlanAct plan = [request, rules, actor, by_her, event](const PersonState& state, absl::Time instant) {
    return by_her ? PlanWithdrawal(request, actor, *rules, state, instant, event)
                  : PlanEnd(request, actor, state, instant, event);
  };
  ActRequest what = ActOf(request, person, rpc::RequestOwner(call, actor), kWithdrawConsent);
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  if (!act.ok()) {
    co_return act.status();
  }
  v1::WithdrawConsentResponse response;
  for (const std::string& id : act->remembered.consent_ids()) {
    CO_ASSIGN_OR_RETURN(const Id128 consent, Id128::FromBytes(id));
    response.add_consent_ids(consent.ToHex());
  }
  CO_ASSIGN_OR_RETURN(const Id128 withdrawal, Id128::FromBytes(act->remembered.event_id()));
  response.set_withdrawal_id(withdrawal.ToHex());
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
