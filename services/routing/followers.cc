#include "services/routing/followers.h"

#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/followed_holds.h"
#include "common/audit/followed_links.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/routing/v1/events.pb.h"
#include "services/routing/change.h"
#include "services/routing/domain/delivery.h"
#include "services/routing/domain/referent.h"
#include "services/routing/events.h"

namespace relais::routing {
namespace {

constexpr absl::Duration kOwnCatchUp = absl::Seconds(5);
constexpr absl::Duration kDrainPoll = absl::Milliseconds(10);
constexpr std::string_view kCoordination = "REFERENT_COORDINATION";
constexpr std::string_view kIdentity = "IDENTITY";

bool Revokes(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN ||
         event_class == audit::v1::EVENT_CLASS_REFUSAL_RECORDED ||
         event_class == audit::v1::EVENT_CLASS_OBJECTION_RECORDED;
}

v1::InboxPointer PointerOf(const rpc::ServiceContext& context, const Id128& id,
                           const v1::MessageState& message) {
  v1::InboxPointer pointer;
  pointer.set_message(id.ToBytes());
  // What is about nobody is in an order of its own.
  pointer.set_order(IsAboutNobody(message)
                        ? id.ToBytes()
                        : context.idempotency.Bucket("order", "", message.person()).id.ToBytes());
  *pointer.mutable_submitted() = message.submitted();
  *pointer.mutable_deadline() = message.deadline();
  pointer.set_urgency(message.urgency());
  pointer.set_delivery(message.delivery());
  pointer.set_attempts(message.attempts());
  *pointer.mutable_next_attempt() = message.next_attempt();
  pointer.set_taken(!message.taken_by().empty());
  pointer.set_escalated(message.past_desks_size() > 0);
  return pointer;
}

// What a desk has to look at: not delivered, or not taken.
bool BelongsInInbox(const v1::MessageState& message) {
  return IsUndelivered(message) || WaitsForHuman(message);
}

v1::SubmitRequest ProposalOf(const v1::ReferentState& referent, const Id128& person) {
  v1::SubmitRequest request;
  request.mutable_person()->set_person_id(person.ToBytes());
  *request.mutable_sender() = referent.proposed_by();
  request.set_purpose(std::string(kCoordination));
  request.add_categories(std::string(kIdentity));
  request.mutable_content()->mutable_referent_proposal()->set_referent_id(referent.referent_id());
  request.mutable_content()->mutable_referent_proposal()->set_agent(referent.agent());
  request.set_urgency(v1::URGENCY_ORDINARY);
  request.set_desk(referent.desk());
  return request;
}

}  // namespace

std::string OwnLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const auto person = PersonOf(leaf);
  return person.has_value() ? person->ToBytes() : "";
}

Task<absl::Status> OwnLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  const auto message = MessageOf(leaf);
  absl::Status status;
  if (message.has_value()) {
    status = co_await Indexed(std::move(leaf), *message, effects);
  } else if (leaf.header.event_class() == audit::v1::EVENT_CLASS_REFERENT_CHANGED) {
    status = co_await ReferentChanged(std::move(leaf), effects);
  } else if (effects && Notices::Concerns(leaf)) {
    std::string service(kOwnName);
    status = co_await notices_.Tell(std::move(service), std::move(leaf));
  }
  // Somebody who is being erased: what the leaf asks for is no longer to be done.
  co_return audit::IsErased(status) ? absl::OkStatus() : status;
}

Task<absl::Status> OwnLeaves::Indexed(audit::FollowedLeaf leaf, Id128 message, bool effects) {
  const absl::Status indexed = co_await Reindex(message);
  CO_RETURN_IF_ERROR(indexed);
  if (!effects || leaf.header.event_class() != audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED) {
    co_return absl::OkStatus();
  }
  // A withdrawal followed between the check of the submission and its commit is caught here.
  CO_ASSIGN_OR_RETURN(const auto stored, store_.Message(message));
  const auto person = PersonOf(leaf);
  if (stored.has_value() && person.has_value() && !revocations_.Stands(*person, stored->value.checked_at())) {
    absl::Status reconsidered = co_await courier_.Reconsider(message);
    co_return reconsidered;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> OwnLeaves::ReferentChanged(audit::FollowedLeaf leaf, bool effects) {
  v1::ReferentChanged changed;
  const auto person = PersonOf(leaf);
  if (!person.has_value() || !leaf.details.payload().UnpackTo(&changed)) {
    co_return absl::OkStatus();
  }
  // Whatever the leaf says: what stands in her slots now counts.
  const absl::Status settled = co_await pivots_.Settle(*person);
  CO_RETURN_IF_ERROR(settled);
  if (!effects) {
    co_return absl::OkStatus();
  }
  absl::Status done;
  switch (changed.conflict()) {
    case v1::PIVOT_CONFLICT_LEADS:
    case v1::PIVOT_CONFLICT_FOLLOWS:
    case v1::PIVOT_CONFLICT_OVER:
      done = co_await notices_.TellConflict(*person, std::move(leaf));
      break;
    default:
      if (changed.state() == v1::Referent::STATE_AGREED) {
        done = co_await Propose(*person, changed.referent_id(), leaf.index);
      }
  }
  co_return done;
}

// D-5.2: the proposed institution has no name for her until it is told; what tells it is her agreement, as
// for any message. Without one nothing is sent, and that is no failure.
Task<absl::Status> OwnLeaves::Propose(Id128 person, std::string referent_id, uint64_t leaf_index) {
  CO_ASSIGN_OR_RETURN(const auto slot, store_.Slot(person));
  const v1::ReferentState* referent = FindReferent(slot.value, referent_id);
  if (referent == nullptr || referent->state() != v1::Referent::STATE_AGREED) {
    co_return absl::OkStatus();
  }
  v1::SubmitRequest request = ProposalOf(*referent, person);
  request.set_request_id(audit::EffectId(context_.log.OriginOf(leaf_index), leaf_index, 0));
  const auto sent = co_await routing_.Submit(OwnCall(context_), std::move(request));
  if (sent.ok() || rpc::ReasonOf(sent.status()) == common::v1::ERROR_REASON_NOT_PERMITTED) {
    co_return absl::OkStatus();
  }
  switch (sent.status().code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kNotFound:
      log::Error("a référent cannot be told of a proposal", {log::Field::Code(sent.status())});
      co_return absl::OkStatus();
    default:
      co_return sent.status();
  }
}

Task<absl::Status> OwnLeaves::Reindex(Id128 message) {
  CO_ASSIGN_OR_RETURN(const auto stored, store_.Message(message));
  if (!stored.has_value()) {
    co_return absl::OkStatus();
  }
  const v1::MessageState& state = stored->value;
  for (const std::string& desk : state.past_desks()) {
    if (desk != state.desk()) {
      absl::Status removed = co_await inbox_.Remove(desk, message);
      CO_RETURN_IF_ERROR(removed);
    }
  }
  absl::Status pointed = absl::OkStatus();
  if (BelongsInInbox(state)) {
    pointed = co_await inbox_.Put(state.desk(), PointerOf(context_, message, state));
  } else {
    pointed = co_await inbox_.Remove(state.desk(), message);
  }
  CO_RETURN_IF_ERROR(pointed);
  if (IsAboutNobody(state)) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(state.person()));
  const auto linked =
      co_await context_.store.Commit(RoutingStore::LinkToPerson(person, message, IsUndelivered(state)));
  co_return linked.status();
}

std::string ConsentLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  if (audit::IsOfLink(leaf) || audit::IsOfHold(leaf) ||
      leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
    return "several persons";  // no person's 16 bytes
  }
  const auto person = PersonOf(leaf);
  return person.has_value() ? person->ToBytes() : "";
}

bool ConsentLeaves::Concerns(const audit::FollowedLeaf& leaf) const {
  return Revokes(leaf.header.event_class()) ||
         leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED || audit::IsOfHold(leaf) ||
         audit::IsOfLink(leaf) || Notices::Concerns(leaf);
}

Task<absl::Status> ConsentLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  if (Notices::Concerns(leaf)) {
    absl::Status told;
    if (effects) {
      std::string service = "consent";
      told = co_await notices_.Tell(std::move(service), std::move(leaf));
    }
    co_return told;
  }
  if (audit::IsOfHold(leaf)) {
    const absl::Status followed = co_await Hold(std::move(leaf));
    co_return followed;
  }
  if (audit::IsOfLink(leaf)) {
    const absl::Status linked = co_await Linked(std::move(leaf), effects);
    co_return linked;
  }
  const auto person = PersonOf(leaf);
  if (person.has_value() && leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
    revocations_.Note(*person, leaf.index, context_.clock.Monotonic());
    const absl::Status begun = co_await Erase(*person, std::move(leaf));
    co_return begun;
  }
  if (!Revokes(leaf.header.event_class()) || !person.has_value()) {
    co_return absl::OkStatus();
  }
  revocations_.Note(*person, leaf.index, context_.clock.Monotonic());
  if (effects) {
    PullBackLater(*person);
  }
  co_return absl::OkStatus();
}

// A leaf of either class, also one that does not say who: what the registry decides about everybody who is
// one human with whom it is about, or was, may be another from that leaf on. Names that were hers before have
// no leaf of their own.
Task<absl::Status> ConsentLeaves::Linked(audit::FollowedLeaf leaf, bool effects) {
  const uint64_t index = leaf.index;
  if (const auto person = PersonOf(leaf); person.has_value()) {
    revocations_.Note(*person, index, context_.clock.Monotonic());
  }
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, co_await links_.Apply(std::move(leaf)));
  for (const Id128& name : names) {
    revocations_.Note(name, index, context_.clock.Monotonic());
  }
  for (const Id128& name : names) {
    const absl::Status settled = co_await pivots_.Settle(name);
    if (audit::DoesNotRead(settled)) {
      // Whoever asks for her référent fails by it; it must not hold up erasures and links of all.
      log::Error("the référents of linked persons do not read", {log::Field::Code(settled)});
      continue;
    }
    CO_RETURN_IF_ERROR(settled);
  }
  if (effects) {
    for (const Id128& name : names) {
      PullBackLater(name);
    }
  }
  co_return absl::OkStatus();
}

// Not awaited: the lease must not wait for pull-backs, which delivery's own check makes a matter of tidiness.
void ConsentLeaves::PullBackLater(const Id128& person) {
  ++in_flight_;
  Spawn(context_.executor, PullBackAll(person));
}

Task<absl::Status> ConsentLeaves::Hold(audit::FollowedLeaf leaf) {
  if (context_.maintenance == nullptr) {
    co_return absl::OkStatus();
  }
  audit::Event event;
  event.institution = "service/routing";
  event.directory_version = context_.directory()->version();
  const absl::Status followed =
      co_await audit::FollowHold(context_.maintenance->holds(), std::move(leaf), std::move(event));
  co_return followed;
}

// One commit: maintenance does the rest behind the follower, and tells consent when it is done.
Task<absl::Status> ConsentLeaves::Erase(Id128 person, audit::FollowedLeaf leaf) {
  audit::v1::EraseRequested requested;
  if (context_.maintenance == nullptr || !leaf.details.payload().UnpackTo(&requested)) {
    co_return absl::OkStatus();
  }
  audit::ErasureRequest request;
  CO_ASSIGN_OR_RETURN(request.id, Id128::FromHex(requested.erasure_id()));
  CO_ASSIGN_OR_RETURN(const bool known, context_.maintenance->Knows(request.id));
  if (known) {
    co_return absl::OkStatus();
  }
  request.subjects = {audit::Subject{audit::Subject::Kind::kPerson, person}};
  request.cause = requested.cause();
  audit::Event event;
  event.institution = "service/routing";
  event.directory_version = context_.directory()->version();
  storage::CommitRequest commit;
  commit.partition = RoutingStore::PersonPartition(person);
  const absl::StatusOr<storage::CommitResult> begun =
      co_await context_.maintenance->Request(std::move(request), std::move(event), std::move(commit));
  // Erased here already, by an erasure that consent has forgotten: a restore.
  co_return audit::IsErased(begun.status()) ? absl::OkStatus() : begun.status();
}

Task<void> ConsentLeaves::PullBackAll(Id128 person) {
  if (own_ != nullptr) {
    co_await own_->WaitApplied(context_.log.state().size, kOwnCatchUp);
  }
  const auto messages = store_.UndeliveredOf(person);
  if (messages.ok()) {
    for (const Id128& message : *messages) {
      // A failure leaves the message to the check of its delivery.
      const absl::Status status = co_await courier_.Reconsider(message);
      (void)status;
    }
  }
  --in_flight_;
}

Task<bool> ConsentLeaves::Drain() {
  while (in_flight_ > 0) {
    co_await Sleep(context_.executor, kDrainPoll);
  }
  co_return true;
}

bool MayOpen(std::string_view peer, audit::v1::EventClass event_class) {
  switch (event_class) {
    case audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED:
    case audit::v1::EVENT_CLASS_MESSAGE_DELIVERED:
    case audit::v1::EVENT_CLASS_MESSAGE_TAKEN:
    case audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN:
    case audit::v1::EVENT_CLASS_MESSAGE_ESCALATED:
    case audit::v1::EVENT_CLASS_MESSAGE_DEAD:
      return peer == "alerting" || peer == "consent";
    case audit::v1::EVENT_CLASS_REFERENT_CHANGED:
    case audit::v1::EVENT_CLASS_MESSAGE_OFFERED:
      return peer == "consent";
    default:
      return false;
  }
}

}  // namespace relais::routing
