#include "services/routing/courier.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/routing/v1/events.pb.h"
#include "services/routing/change.h"
#include "services/routing/domain/content.h"
#include "services/routing/domain/delivery.h"
#include "services/routing/events.h"
#include "services/routing/notices.h"

namespace relais::routing {
namespace {

constexpr int kTries = 20;
// An answer has at most 1 MiB and one message some 20 KiB: so much is offered that all of it can be handed
// over. What is offered and cannot be costs an attempt.
constexpr size_t kOffersAtOnce = 32;
constexpr size_t kMostOfferedBytes = size_t{256} << 10;

// A desk may have changed hands since: what was meant for one institution is never another's (D-2.6). And a
// DPO's system gets nothing about a person, whoever chose its desk.
bool IsFor(const rpc::Call& call, const v1::MessageState& message) {
  return call.caller.is_service() || (call.caller.institution == message.recipient().institution() &&
                                      (IsNotice(message) || !ReadsNoticesAlone(call.caller)));
}

bool IsWithinItsSender(const v1::MessageState& message) {
  return message.recipient().institution() == message.sender().institution();
}

}  // namespace

consent::v1::CheckResponse Courier::PermitAboutNobody(const v1::MessageState& message, absl::Time now) {
  constexpr absl::Duration kLife = absl::Minutes(1);
  consent::v1::CheckResponse permit;
  permit.set_decision(common::v1::DECISION_PERMIT);
  permit.set_ground(message.stated_ground().ground());
  *permit.mutable_permit()->mutable_expires() = ToProto(now + kLife);
  return permit;
}

uint64_t Courier::SizeOf(std::string_view revision) {
  const size_t colon = revision.rfind(':');
  uint64_t size = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = revision.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), size);
  }
  return size;
}

consent::v1::CheckRequest Courier::CheckOf(const v1::MessageState& message) {
  consent::v1::CheckRequest request;
  request.mutable_person()->set_person_id(message.person());
  *request.mutable_sender() = message.sender();
  *request.mutable_recipient() = message.recipient();
  request.set_recipient_desk(message.desk());
  request.set_purpose(message.purpose());
  *request.mutable_categories() = message.categories();
  const bool acts_for_her = GoesOnHerAgreementAlone(message.content()) && IsWithinItsSender(message);
  request.set_act(acts_for_her ? common::v1::ACT_HOST : common::v1::ACT_TRANSMIT);
  if (message.has_stated_ground()) {
    *request.mutable_stated_ground() = message.stated_ground();
  }
  request.set_exercise(message.exercise());
  return request;
}

bool Courier::Permits(const v1::MessageState& message, const consent::v1::CheckResponse& answer) {
  if (StaysWithWhoActsForHer(message.content()) && !IsWithinItsSender(message)) {
    return false;
  }
  return answer.decision() == common::v1::DECISION_PERMIT &&
         (!GoesOnHerAgreementAlone(message.content()) || answer.ground() == common::v1::GROUND_AGREEMENT);
}

absl::Status Courier::CanDeliver() const {
  RETURN_IF_ERROR(context_.MayDisclose());
  if (consent_ == nullptr || !consent_->LeaseHeld()) {
    return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_UNAVAILABLE,
                        "no lease on the consent registry");
  }
  return absl::OkStatus();
}

bool Courier::MayStillSend(const Outgoing& offer) const {
  if (!CanDeliver().ok() || context_.clock.Now() >= offer.permit_expires ||
      (!offer.person.IsZero() && !revocations_.Stands(offer.person, offer.checked_at))) {
    return false;
  }
  const absl::StatusOr<Id128> id = Id128::FromHex(offer.message.message_id());
  if (!id.ok()) {
    return false;
  }
  const auto stored = store_.Message(*id);
  return stored.ok() && stored->has_value() &&
         (*stored)->value.delivery() == v1::MessageState::DELIVERY_OFFERED &&
         (*stored)->value.desk() == offer.message.desk();
}

Task<absl::StatusOr<std::vector<Outgoing>>> Courier::OfferDue(rpc::Call call, std::string desk,
                                                              size_t limit) {
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_RETURN_IF_ERROR(CanDeliver());
  const std::vector<Id128> due = inbox_.Due(desk, context_.clock.Now(), limit);
  std::vector<Outgoing> offers;
  absl::Status failure;
  size_t bytes = 0;
  for (size_t at = 0; at < due.size() && bytes < kMostOfferedBytes && failure.ok();) {
    std::vector<Task<absl::StatusOr<std::optional<Outgoing>>>> tasks;
    for (const size_t end = std::min(at + kOffersAtOnce, due.size()); at < end; ++at) {
      tasks.push_back(OfferOne(call, desk, due[at]));
    }
    auto results = co_await WhenAll(context_.executor, std::move(tasks));
    for (auto& result : results) {
      if (!result.ok()) {
        failure = result.status();
      } else if (result->has_value()) {
        bytes += (*result)->message.ByteSizeLong();
        offers.push_back(std::move(**result));
      }
    }
  }
  if (offers.empty() && !failure.ok()) {
    co_return failure;
  }
  co_return offers;
}

Task<absl::StatusOr<std::optional<Outgoing>>> Courier::OfferOne(rpc::Call call, std::string desk, Id128 id) {
  CO_ASSIGN_OR_RETURN(auto stored, store_.Message(id));
  // Pointers lag behind: an escalated message is another desk's, perhaps another institution's.
  if (!stored.has_value() || stored->value.desk() != desk || !IsFor(call, stored->value) ||
      !IsDue(stored->value, context_.clock.Now())) {
    co_return std::optional<Outgoing>();
  }
  absl::StatusOr<consent::v1::CheckResponse> permit = PermitAboutNobody(stored->value, context_.clock.Now());
  if (!IsAboutNobody(stored->value)) {
    consent::v1::CheckRequest check = CheckOf(stored->value);
    permit = co_await peers_.check(std::move(check), settings_.peer_timeout);
  }
  if (!permit.ok()) {
    const absl::Status failure = rpc::PeerFailure(permit.status(), "consent");
    if (absl::IsUnavailable(failure)) {
      co_return failure;
    }
    // One message that consent cannot judge must not hold up the others.
    log::Warn("a message cannot be checked", {log::Field::Code(failure)});
    co_return std::optional<Outgoing>();
  }
  if (!Permits(stored->value, *permit)) {
    const absl::Status pulled = co_await PullBack(id, "CONSENT");
    CO_RETURN_IF_ERROR(pulled);
    co_return std::optional<Outgoing>();
  }
  v1::MessageState& message = stored->value;
  if (!routing::Offer(message, settings_.delivery, permit->permit().permit_id(), context_.clock.Now()).ok()) {
    co_return std::optional<Outgoing>();
  }
  const auto sendable = co_await RecordOffer(call, id, *stored, permit->ground());
  CO_RETURN_IF_ERROR(sendable.status());
  if (!*sendable) {
    co_return std::optional<Outgoing>();
  }
  co_return std::optional<Outgoing>(MakeOffer(id, message, *permit));
}

// False: it died of its last attempt; or another desk's system, or the person's withdrawal, was faster: then
// it is not sent now.
Task<absl::StatusOr<bool>> Courier::RecordOffer(rpc::Call call, Id128 id, Stored<v1::MessageState> offered,
                                                common::v1::Ground ground) {
  const bool dead = offered.value.delivery() == v1::MessageState::DELIVERY_DEAD;
  storage::CommitRequest commit;
  CO_RETURN_IF_ERROR(store_.PutMessage(offered, id, commit));
  audit::Event event = dead ? DeadEvent(call, id, offered.value) : OfferedEvent(call, id, offered.value);
  event.ground = ground;
  CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
  commit.leaves.push_back(std::move(draft));
  const auto done = co_await context_.store.Commit(std::move(commit));
  if (absl::IsAborted(done.status())) {
    co_return false;
  }
  CO_RETURN_IF_ERROR(done.status());
  co_return !dead;
}

Outgoing Courier::MakeOffer(const Id128& id, const v1::MessageState& message,
                            const consent::v1::CheckResponse& permit) const {
  Outgoing offer;
  if (!IsAboutNobody(message)) {
    offer.person = *Id128::FromBytes(message.person());
  }
  offer.checked_at = SizeOf(permit.revision());
  offer.permit_expires = FromProto(permit.permit().expires());
  offer.again = FromProto(message.next_attempt());
  v1::Message& out = offer.message;
  out.set_message_id(id.ToHex());
  // A message that crosses institutions is re-addressed: the recipient's own handle (architecture,
  // "Persons").
  if (!IsAboutNobody(message)) {
    *out.mutable_person() = rpc::HandleFor(context_, message.recipient().institution(), offer.person);
  }
  *out.mutable_sender() = message.sender();
  *out.mutable_recipient() = message.recipient();
  out.set_desk(message.desk());
  out.set_purpose(message.purpose());
  out.set_ground(permit.ground());
  *out.mutable_content() = message.content();
  if (message.content().has_expiring_paper() && !IsWithinItsSender(message)) {
    out.mutable_content()->mutable_expiring_paper()->clear_document_id();  // passed on: it may not read it
  }
  *out.mutable_marks() = message.marks();
  // On whatever it was sent: what it is handed over on decides (D-2.7).
  if (permit.ground() == common::v1::GROUND_AGREEMENT &&
      WithholdSpecialSigns(*context_.directory(), *out.mutable_content())) {
    out.add_marks(std::string(kSignsWithheld));
  }
  out.set_urgency(message.urgency());
  *out.mutable_deadline() = message.deadline();
  *out.mutable_submitted() = message.submitted();
  out.set_attempt(message.attempts());
  out.set_why_you(message.why());
  out.set_permit_id(permit.permit().permit_id());
  out.set_exercise(message.exercise());
  return offer;
}

Task<absl::Status> Courier::Reconsider(Id128 id) {
  CO_ASSIGN_OR_RETURN(const auto stored, store_.Message(id));
  if (!stored.has_value()) {
    co_return absl::OkStatus();
  }
  v1::MessageState trial = stored->value;
  if (!Withdraw(trial)) {
    co_return absl::OkStatus();
  }
  consent::v1::CheckRequest request = CheckOf(stored->value);
  request.set_dry_run(true);
  auto answer = co_await peers_.check(std::move(request), settings_.peer_timeout);
  if (!answer.ok()) {
    co_return rpc::PeerFailure(answer.status(), "consent");
  }
  if (Permits(stored->value, *answer)) {
    co_return absl::OkStatus();
  }
  absl::Status pulled = co_await PullBack(id, "CONSENT");
  co_return pulled;
}

Task<absl::Status> Courier::TakeBack(Id128 id) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const bool there, store_.Has(id));
    CO_ASSIGN_OR_RETURN(const std::optional<absl::Time> before, store_.TakenBackAt(id));
    storage::CommitRequest commit;
    if (there) {
      CO_ASSIGN_OR_RETURN(auto stored, store_.Message(id));
      const TakenBack taken = stored.has_value() ? routing::TakeBack(stored->value) : TakenBack::kNothing;
      if (taken == TakenBack::kNothing) {
        co_return absl::OkStatus();  // also: it goes with her
      }
      CO_RETURN_IF_ERROR(store_.PutMessage(*stored, id, commit));
      if (taken == TakenBack::kWithdrawn) {
        const audit::Event event = WithdrawnEvent(OwnCall(context_), id, stored->value, "SENDER");
        CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
        commit.leaves.push_back(std::move(draft));
      }
    } else if (before.has_value()) {
      co_return absl::OkStatus();
    } else {
      commit = RoutingStore::NoteTakenBack(id, context_.log.Now());
    }
    const auto done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("a message changes too often");
}

Task<absl::Status> Courier::PullBack(Id128 id, std::string cause) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto stored, store_.Message(id));
    if (!stored.has_value() || !Withdraw(stored->value)) {
      co_return absl::OkStatus();
    }
    storage::CommitRequest commit;
    CO_RETURN_IF_ERROR(store_.PutMessage(*stored, id, commit));
    const audit::Event event = WithdrawnEvent(OwnCall(context_), id, stored->value, cause);
    CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
    commit.leaves.push_back(std::move(draft));
    const auto done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("a message changes too often");
}

}  // namespace relais::routing
