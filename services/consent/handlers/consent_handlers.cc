#include "services/consent/handlers/consent_handlers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/against.h"
#include "services/consent/domain/consent_state.h"
#include "services/consent/domain/period.h"
#include "services/consent/handlers/acting_for_her.h"
#include "services/consent/handlers/notice_handlers.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/representation.h"

namespace relais::consent {
namespace {

constexpr char kRenew[] = "relais.consent.v1.ConsentService/RenewConsent";
constexpr size_t kEtagBytes = 16;
constexpr size_t kMostEvents = 1000;
// Of a page: so much takes some ten milliseconds. A page has at least one agreement.
constexpr size_t kMostCompared = 2'000'000;

// HoldTogether looks up no more than that of a line, whatever noes hold of it.
size_t MostLookedUp(const Line& line) {
  return line.recipients.size() *
         (1 + line.categories.size() * (1 + line.purposes.size() * (1 + line.acts.size())));
}

// The most that it takes to tell what her noes took of an agreement: lines that are compared, `per_line` for
// each of its own, and, where there are any, what is looked up of them together.
size_t ToCompare(const Agreement& agreement, size_t per_line) {
  size_t all = 0;
  for (const Line& line : agreement.lines) {
    all += per_line == 0 ? 0 : per_line + MostLookedUp(line);
  }
  return all;
}

bool IsTheirs(const Agreement& agreement, const rpc::Call& call) {
  return call.caller.is_service() || agreement.collector == call.caller.institution;
}

// What the caller reads of an agreement. Her host acts for her, and finds by its id what it may get the
// receipt of: the id, the state and the period of what concerns it as a host, and no more.
enum class View { kNothing, kShort, kWhole };

class Reader {
 public:
  Reader(const rpc::Call& call, const PersonState& state, const Rules& rules, Moment moment)
      : call_(call), state_(state), rules_(rules), moment_(moment) {}
  View Of(const Agreement& agreement) {
    if (IsTheirs(agreement, call_)) {
      return View::kWhole;
    }
    return ConcernsHost(agreement, rules_, call_.caller.institution) && Hosts() ? View::kShort
                                                                                : View::kNothing;
  }

 private:
  bool Hosts() {
    if (!hosts_) {
      hosts_ = IsHost(state_, rules_, call_.caller.institution, moment_);
    }
    return *hosts_;
  }

  const rpc::Call& call_;
  const PersonState& state_;
  const Rules& rules_;
  const Moment moment_;
  std::optional<bool> hosts_;
};

v1::Consent Seen(v1::Consent whole, View view) {
  if (view == View::kWhole) {
    return whole;
  }
  v1::Consent out;
  out.set_consent_id(whole.consent_id());
  out.set_state(whole.state());
  *out.mutable_valid_from() = whole.valid_from();
  *out.mutable_valid_until() = whole.valid_until();
  return out;
}

// Nullopt: its proof is gone, as it may be from then on (D-2.10), also where what ended it so early has left
// with another name. Before that it is there. DATA_LOSS: it does not read.
absl::StatusOr<std::optional<v1::Consent>> ReadComplete(Registry& registry, const RetentionRules& retention,
                                                        const Id128& person, const Agreement& agreement,
                                                        absl::Time now) {
  v1::Consent consent;
  const absl::StatusOr<bool> found = registry.store.OpenRow(person, ConsentKey(agreement.id), consent);
  if (audit::DoesNotRead(found.status())) {
    return absl::DataLossError("an agreement does not read");
  }
  RETURN_IF_ERROR(found.status());
  if (*found) {
    return std::optional(std::move(consent));
  }
  if (!AgreementProofDue(agreement.at, now, retention)) {
    return absl::DataLossError("an agreement is not complete");
  }
  return std::optional<v1::Consent>();
}

// As it is now: its end by the last renewal, its state, what became of it, its etag. Whose it is to whoever
// reads it is no part of that.
v1::Consent AsOf(v1::Consent consent, const PersonState& state, const Agreement& agreement,
                 const Rules& rules, absl::Time now) {
  if (!consent.renewals().empty()) {
    const v1::Renewal& last = consent.renewals(consent.renewals_size() - 1);
    *consent.mutable_valid_until() = last.valid_until();
    consent.clear_mandate_until();
    if (last.has_mandate_until()) {
      *consent.mutable_mandate_until() = last.mandate_until();
    }
  }
  const ConsentHistory history = HistoryOf(state, agreement, rules, now);
  consent.set_state(history.state);
  consent.clear_events();
  const size_t all = history.changes.size();
  for (size_t i = all - std::min(all, kMostEvents); i < all; ++i) {
    v1::ConsentEvent& event = *consent.add_events();
    *event.mutable_at() = TimeTo(history.changes[i].at);
    event.set_state(history.changes[i].state);
  }
  // Also of one that was recorded without saying so.
  consent.set_secrecy_ground(common::v1::GROUND_AGREEMENT);
  consent.clear_person();
  consent.clear_etag();
  consent.set_etag(crypto::HexEncode(crypto::Sha256(consent.SerializeAsString()).substr(0, kEtagBytes)));
  return consent;
}

// Never before her last act, whatever the clock did.
absl::Time NowFor(const Registry& registry, const PersonState& state) {
  return std::max(WholeMicros(registry.context.log.Now()), state.latest());
}

// Each is kept with its notice and evidence: many more would not fit where an agreement is kept.
constexpr size_t kMostRenewals = 100;

absl::Status WrongState(std::string_view message) {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, message);
}

absl::Status Ended() { return WrongState("this agreement has ended or was taken back: record a new one"); }

absl::StatusOr<Renewal> MakeRenewal(Registry& registry, const Rules& rules, const Id128& person,
                                    const v1::RenewConsentRequest& request, const rpc::Actor& actor,
                                    const Agreement& agreement, v1::Representation given_by,
                                    absl::Time instant) {
  if (agreement.represented != request.has_representative()) {
    return rpc::InvalidField("representative", agreement.represented
                                                   ? "is required: a representative gave this agreement"
                                                   : "must be left out: she gave this agreement herself");
  }
  if (agreement.represented && request.representative().kind() != given_by) {
    return rpc::InvalidField(
        "representative.kind",
        "is another capacity than that in which the agreement was given: record it anew");
  }
  const v1::Representative* by = request.has_representative() ? &request.representative() : nullptr;
  ASSIGN_OR_RETURN(const Represented represented, RepresentedBy(registry, rules, person, actor.institution,
                                                                by, agreement.lines.all(), instant));
  PeriodAsked asked;
  if (request.has_valid_until()) {
    asked.until = TimeFrom(request.valid_until());
  }
  const Period period = JudgePeriod(asked, instant, registry.paris.zone());
  if (!period.ok()) {
    return rpc::InvalidField(period.field, period.problem);
  }
  Renewal renewal{instant, period.until, represented.mandate_until};
  const Term now = agreement.TermAt(instant);
  if (!now.by_mandate && std::min(renewal.valid_until, renewal.mandate_until) < now.until) {
    return rpc::InvalidField("valid_until", "must not be before the end it has: withdraw it instead");
  }
  return renewal;
}

v1::Renewal RenewalOf(const v1::RenewConsentRequest& request, const v1::Notice& notice,
                      const Renewal& renewal) {
  v1::Renewal out;
  *out.mutable_at() = TimeTo(renewal.at);
  *out.mutable_valid_until() = TimeTo(renewal.valid_until);
  out.set_method(request.method());
  *out.mutable_notice() = notice;
  *out.mutable_aids() = request.aids();
  out.set_evidence(request.evidence());
  if (request.has_representative()) {
    *out.mutable_representative() = request.representative();
  }
  if (renewal.mandate_until != absl::InfiniteFuture()) {
    *out.mutable_mandate_until() = TimeTo(renewal.mandate_until);
  }
  return out;
}

struct RenewalAsked {
  v1::RenewConsentRequest request;
  rpc::Actor actor;
  Id128 person;
  Id128 consent;
  std::shared_ptr<const Rules> rules;
  absl::CivilDay today;
  audit::Event event;
};

// D-2.7: the lines are agreed to again, under the directory of today.
absl::Status CheckStillAllowed(const RenewalAsked& asked, const Agreement& agreement) {
  for (const Line& line : agreement.lines) {
    for (const std::string& category : line.categories) {
      const CategoryRule rule = asked.rules->CategoryOf(category);
      if (rule.offence || (rule.special && !agreement.explicit_given)) {
        return WrongState("the directory no longer lets this be agreed to so: record a new agreement");
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<PlannedAct> PlanRenewal(Registry& registry, const RetentionRules& retention,
                                       const RenewalAsked& asked, const PersonState& state,
                                       absl::Time instant) {
  const Agreement* agreement = state.FindAgreement(asked.consent);
  if (agreement == nullptr || agreement->collector != asked.actor.institution) {
    return rpc::NoSuchOrNotYours();
  }
  ASSIGN_OR_RETURN(std::optional<v1::Consent> complete,
                   ReadComplete(registry, retention, asked.person, *agreement, instant));
  if (!complete) {
    return Ended();
  }
  v1::Consent consent = *std::move(complete);
  const v1::Consent now = AsOf(consent, state, *agreement, *asked.rules, instant);
  if (!asked.request.etag().empty() && asked.request.etag() != now.etag()) {
    return rpc::Refusal(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH,
                        "the agreement has changed since it was read");
  }
  if (!IsRenewable(now.state())) {
    return Ended();
  }
  if (agreement->renewals.size() >= kMostRenewals) {
    return WrongState("this agreement was renewed too often: record a new one");
  }
  if (!agreement->source_reference.empty()) {
    return WrongState("an agreement limited to one report is not renewed (D-4.4a)");
  }
  RETURN_IF_ERROR(CheckStillAllowed(asked, *agreement));
  v1::Notice notice = asked.request.notice();
  RETURN_IF_ERROR(CompleteNotice(registry, asked.actor.institution, notice));
  ASSIGN_OR_RETURN(const Renewal renewal,
                   MakeRenewal(registry, *asked.rules, asked.person, asked.request, asked.actor, *agreement,
                               consent.representative().kind(), instant));
  v1::ConsentRenewed payload;
  payload.set_consent_id(asked.consent.ToHex());
  *payload.mutable_renewal() = RenewalOf(asked.request, notice, renewal);
  *consent.add_renewals() = payload.renewal();
  PlannedAct act;
  act.text = ConsentText{agreement->origin.of, consent};
  act.event = asked.event;
  DescribeLines(consent.lines(), act.event);
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(asked.event.event_id.ToBytes());
  act.remembered.set_until(Micros(renewal.valid_until));
  act.ends =
      EndsAt{agreement->origin.of, asked.consent, std::min(renewal.valid_until, renewal.mandate_until)};
  act.state = state;
  act.state.Renew(asked.consent, renewal);
  act.room = Store::Room::kLets;
  return act;
}

}  // namespace

Task<absl::StatusOr<v1::RenewConsentResponse>> ConsentHandlers::RenewConsent(
    rpc::Call call, v1::RenewConsentRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  RenewalAsked asked;
  CO_ASSIGN_OR_RETURN(asked.actor, rpc::ActorOf(call, ActingOf(request)));
  CO_ASSIGN_OR_RETURN(asked.person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(asked.consent, Id128::FromHex(request.consent_id()));
  if (request.method() == v1::METHOD_SPOKEN_ON_SITE) {
    co_return rpc::InvalidField("method", "what was said on site is limited to its report (D-4.4a)");
  }
  asked.rules = registry_.rules.Of(call.directory);
  asked.event = rpc::EventOf(call, asked.actor, audit::v1::EVENT_CLASS_CONSENT_RENEWED, request.request_id());
  asked.event.event_id = context.random.Id();
  asked.request = request;
  ActRequest what{asked.person,
                  rpc::RequestOwner(call, asked.actor),
                  kRenew,
                  request.request_id(),
                  ContentOf(request),
                  request.want_proof()};
  const PlanAct plan = [&registry = registry_, &retention = retention_, asked](const PersonState& state,
                                                                               absl::Time instant) {
    return PlanRenewal(registry, retention, asked, state, instant);
  };
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  v1::RenewConsentResponse response;
  *response.mutable_valid_until() = TimeTo(FromMicros(act->remembered.until()));
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::GetConsentResponse>> ConsentHandlers::GetConsent(rpc::Call call,
                                                                         v1::GetConsentRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.consent_id()));
  co_await ResumeOn(registry_.context.executor);
  CO_ASSIGN_OR_RETURN(const VersionedState loaded, registry_.store.Load(person));
  const Agreement* agreement = loaded.state->FindAgreement(id);
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  const absl::Time now = NowFor(registry_, *loaded.state);
  Reader reader(call, *loaded.state, *rules, {now, registry_.paris.DayOf(now)});
  const View view = agreement == nullptr ? View::kNothing : reader.Of(*agreement);
  if (view == View::kNothing) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_ASSIGN_OR_RETURN(std::optional<v1::Consent> consent,
                      ReadComplete(registry_, retention_, person, *agreement, now));
  if (!consent) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::GetConsentResponse response;
  *response.mutable_consent() = Seen(AsOf(*std::move(consent), *loaded.state, *agreement, *rules, now), view);
  *response.mutable_consent()->mutable_person() = rpc::RefFor(registry_.context, call, person);
  co_return response;
}

Task<absl::StatusOr<v1::ListConsentsResponse>> ConsentHandlers::ListConsents(
    rpc::Call call, v1::ListConsentsRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry_.context, call, request.person(), "person"));
  std::string after;
  if (!absl::WebSafeBase64Unescape(request.page_token(), &after) ||
      (!after.empty() && after.size() != Id128::kSize)) {
    co_return rpc::InvalidField("page_token", "is not one of this method's");
  }
  co_await ResumeOn(registry_.context.executor);
  CO_ASSIGN_OR_RETURN(const VersionedState loaded, registry_.store.Load(person));
  // From her decoded state, so that others' agreements leave no trace in pages or tokens.
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  const absl::Time now = NowFor(registry_, *loaded.state);
  Reader reader(call, *loaded.state, *rules, {now, registry_.paris.DayOf(now)});
  std::vector<const Agreement*> theirs;
  for (const Agreement& agreement : loaded.state->agreements()) {
    if (agreement.id.ToBytes() > after && reader.Of(agreement) != View::kNothing) {
      theirs.push_back(&agreement);
    }
  }
  std::sort(theirs.begin(), theirs.end(),
            [](const Agreement* a, const Agreement* b) { return a->id < b->id; });
  const size_t most = PageSize(request.page_size());
  v1::ListConsentsResponse response;
  size_t bytes = 0;
  size_t compared = 0;
  const size_t per_line = ComparedPerLine(*loaded.state);
  constexpr size_t kMostBytes = 900'000;  // a message has 1 MiB
  Id128 last;
  for (const Agreement* agreement : theirs) {
    const size_t to_compare = ToCompare(*agreement, per_line);
    const bool too_long = response.consents_size() > 0 && compared + to_compare > kMostCompared;
    if (static_cast<size_t>(response.consents_size()) >= most || bytes > kMostBytes || too_long) {
      response.set_next_page_token(absl::WebSafeBase64Escape(last.ToBytes()));
      break;
    }
    last = agreement->id;
    absl::StatusOr<std::optional<v1::Consent>> consent =
        ReadComplete(registry_, retention_, person, *agreement, now);
    if (audit::DoesNotRead(consent.status())) {
      response.set_unreadable(response.unreadable() + 1);
      continue;
    }
    CO_RETURN_IF_ERROR(consent.status());
    if (!consent->has_value()) {
      continue;
    }
    compared += to_compare;
    v1::Consent& listed = *response.add_consents();
    listed = Seen(AsOf(**std::move(consent), *loaded.state, *agreement, *rules, now), reader.Of(*agreement));
    *listed.mutable_person() = rpc::RefFor(registry_.context, call, person);
    bytes += listed.ByteSizeLong();
  }
  co_return response;
}

}  // namespace relais::consent
