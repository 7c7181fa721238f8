// The logs of consent and routing, as alerting reads them.
#include <utility>

#include "common/audit/followed_holds.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/alerting/domain/alert_state.h"
#include "services/alerting/events.h"
#include "services/alerting/followers.h"
#include "services/alerting/keeper.h"
#include "services/alerting/reminders.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;

// What a leaf of routing says of one of alerting's messages.
struct MessageFact {
  std::string correlation;
  std::string message_id;
  v1::Alert::State state = v1::Alert::STATE_UNSPECIFIED;
  std::string desk;          // of an escalation
  std::string delivered_at;  // the desk of a delivery
};

template <typename Payload>
MessageFact FactOf(const google::protobuf::Any& any, v1::Alert::State state) {
  Payload payload;
  if (!any.UnpackTo(&payload)) {
    return {};
  }
  return {payload.correlation(), payload.message_id(), state, "", ""};
}

MessageFact DeliveryOf(const google::protobuf::Any& any) {
  routing::v1::MessageDelivered delivered;
  if (!any.UnpackTo(&delivered)) {
    return {};
  }
  return {delivered.correlation(), delivered.message_id(), v1::Alert::STATE_DELIVERED, "", delivered.desk()};
}

MessageFact EscalationOf(const google::protobuf::Any& any) {
  routing::v1::MessageEscalated escalated;
  if (!any.UnpackTo(&escalated)) {
    return {};
  }
  return {escalated.correlation(), escalated.message_id(), v1::Alert::STATE_SENT, escalated.to_desk(), ""};
}

MessageFact FactOf(const audit::FollowedLeaf& leaf) {
  const google::protobuf::Any& payload = leaf.details.payload();
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED:
      return FactOf<routing::v1::MessageSubmitted>(payload, v1::Alert::STATE_UNSPECIFIED);
    case audit::v1::EVENT_CLASS_MESSAGE_DELIVERED:
      return DeliveryOf(payload);
    case audit::v1::EVENT_CLASS_MESSAGE_TAKEN:
      return FactOf<routing::v1::MessageTaken>(payload, v1::Alert::STATE_TAKEN);
    case audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN:
      return FactOf<routing::v1::MessageWithdrawn>(payload, v1::Alert::STATE_WITHDRAWN);
    case audit::v1::EVENT_CLASS_MESSAGE_ESCALATED:
      return EscalationOf(payload);
    default:
      return {};
  }
}

bool MoveTo(v1::AlertState& alert, const directory::Desk& desk) {
  if (alert.desk() == desk.id) {
    return false;
  }
  alert.set_desk(desk.id);
  alert.set_desk_institution(desk.institution);
  return true;
}

// Leaves read again after a crash come in the same order: the last delivery wins again.
bool Tell(v1::AlertState& alert, const directory::Desk& desk) {
  if (alert.told() == desk.institution) {
    return false;
  }
  alert.set_told(desk.institution);
  return true;
}

bool StandOn(v1::AlertState& alert, common::v1::Ground ground) {
  if (ground == common::v1::GROUND_UNSPECIFIED || alert.ground() == ground) {
    return false;
  }
  alert.set_ground(ground);
  return true;
}

}  // namespace

Task<absl::Status> ConsentLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  if (leaf.header.event_class() == audit::v1::EVENT_CLASS_PERSON_REGISTERED) {
    const absl::Status linked = co_await Link(std::move(leaf));
    co_return linked;
  }
  if (leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
    const absl::Status begun = co_await Erase(std::move(leaf));
    co_return begun;
  }
  if (audit::IsOfLink(leaf)) {
    const absl::Status noted = co_await linked_signs_.Apply(std::move(leaf));
    co_return noted;
  }
  if (audit::IsOfHold(leaf)) {
    const absl::Status followed = co_await Hold(std::move(leaf));
    co_return followed;
  }
  const google::protobuf::Any& payload = leaf.details.payload();
  consent::v1::ObjectionRecorded recorded;
  consent::v1::ObjectionLifted lifted;
  Objection objection;
  if (leaf.header.event_class() == audit::v1::EVENT_CLASS_OBJECTION_RECORDED && payload.UnpackTo(&recorded)) {
    objection = {recorded.supplier(), recorded.digest(), recorded.key_version(), true};
  } else if (leaf.header.event_class() == audit::v1::EVENT_CLASS_OBJECTION_LIFTED &&
             payload.UnpackTo(&lifted)) {
    objection = {lifted.supplier(), lifted.digest(), lifted.key_version(), false};
  }
  if (objection.digest.empty()) {
    co_return absl::OkStatus();  // another leaf, or an objection of a known person without a record
  }
  const absl::Status status = co_await SetObjection(absl::ToUnixMicros(leaf.time), std::move(objection));
  co_return status;
}

// Which sender records are hers: read before any request to erase her, which comes later in the same log.
Task<absl::Status> ConsentLeaves::Link(audit::FollowedLeaf leaf) {
  consent::v1::PersonRegistered registered;
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON ||
      !leaf.details.payload().UnpackTo(&registered) || registered.sender_record().empty()) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(leaf.details.subject().id()));
  CO_ASSIGN_OR_RETURN(const Id128 record, Id128::FromBytes(registered.sender_record()));
  const absl::StatusOr<storage::CommitResult> linked =
      co_await context_.store.Commit(AlertingStore::LinkToPerson(person, record));
  CO_RETURN_IF_ERROR(linked.status());
  const absl::Status named = co_await NameInRecord(record, person);
  CO_RETURN_IF_ERROR(named);
  const absl::Status noted = co_await linked_signs_.Changed(person);
  co_return noted;
}

// Not in a record of others too (a row at a collective address), nor in one that is being erased.
Task<absl::Status> ConsentLeaves::NameInRecord(Id128 record, Id128 person) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store_.Record(record));
    if (stored.version == 0 || stored.erased.has_value()) {
      co_return absl::OkStatus();
    }
    const absl::StatusOr<storage::CommitResult> done =
        co_await context_.store.Commit(AlertingStore::NameInRecord(record, stored.version, person));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

Task<absl::Status> ConsentLeaves::Hold(audit::FollowedLeaf leaf) {
  if (context_.maintenance == nullptr) {
    co_return absl::OkStatus();
  }
  audit::Event event;
  event.institution = "service/alerting";
  event.directory_version = context_.directory()->version();
  const absl::Status followed =
      co_await audit::FollowHold(context_.maintenance->holds(), std::move(leaf), std::move(event));
  co_return followed;
}

Task<absl::Status> ConsentLeaves::Erase(audit::FollowedLeaf leaf) {
  audit::v1::EraseRequested requested;
  // Consent writes one about each of her sender records too: the one about her says it all.
  if (context_.maintenance == nullptr || leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON ||
      !leaf.details.payload().UnpackTo(&requested)) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const Id128 erasure, Id128::FromHex(requested.erasure_id()));
  CO_ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(leaf.details.subject().id()));
  const absl::Status begun = co_await ErasePerson(context_, store_, erasure, person, requested.cause());
  co_return begun;
}

// True: there is something to commit. Leaves may be read again after a crash: an older one changes nothing.
absl::StatusOr<bool> ConsentLeaves::Change(int64_t micros, const Objection& objection, const Id128& record,
                                           Stored<v1::RecordState>& stored,
                                           storage::CommitRequest& commit) const {
  v1::RecordState& state = stored.value;
  if (state.consent_time() > micros || (stored.version == 0 && objection.objects == state.objection())) {
    return false;
  }
  state.set_consent_time(micros);
  if (state.objection() != objection.objects) {
    state.set_institution(objection.institution);
    state.set_objection(objection.objects);
    state.set_digest(objection.digest);
    state.set_key_version(objection.key_version);
    const audit::Event event = ObjectionNotedEvent(OwnCall(context_), record, objection.digest,
                                                   objection.key_version, true, !objection.objects);
    ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
    commit.leaves.push_back(std::move(draft));
  }
  RETURN_IF_ERROR(store_.PutRecord(stored, record, commit));
  return true;
}

Task<absl::Status> ConsentLeaves::SetObjection(int64_t micros, Objection objection) {
  const Id128 named = context_.idempotency.Bucket("record", objection.institution, objection.digest).id;
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto current, store_.Current(named));
    storage::CommitRequest commit;
    CO_ASSIGN_OR_RETURN(const bool changed, Change(micros, objection, current.id, current.stored, commit));
    if (!changed) {
      co_return absl::OkStatus();
    }
    const auto done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

std::string RoutingLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  return FactOf(leaf).correlation;
}

Task<absl::Status> RoutingLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  const MessageFact fact = FactOf(leaf);
  const auto alert_id = Id128::FromBytes(fact.correlation);
  if (!alert_id.ok()) {
    co_return absl::OkStatus();  // not about a message of ours
  }
  const auto directory = context_.directory();
  const directory::Desk* desk = directory->FindDesk(fact.desk);
  const directory::Desk* delivered_at = directory->FindDesk(fact.delivered_at);
  AlertChange change = [&](v1::AlertState& alert) -> absl::StatusOr<bool> {
    if (!IsAbout(alert, fact.message_id)) {
      return false;
    }
    const bool advanced = Advance(alert, StateAfter(alert, fact.state));
    const bool moved = desk != nullptr && MoveTo(alert, *desk);
    const bool told = delivered_at != nullptr && Tell(alert, *delivered_at);
    const bool grounded = StandOn(alert, leaf.header.ground());
    return advanced || moved || told || grounded;
  };
  const auto after = co_await ChangeAlert(context_, store_, *alert_id, change);
  if (absl::IsNotFound(after.status()) || audit::IsErased(after.status())) {
    co_return absl::OkStatus();  // erased since
  }
  CO_RETURN_IF_ERROR(after.status());
  if (desk == nullptr) {
    co_return absl::OkStatus();
  }
  const auto listed =
      co_await context_.store.Commit(store_.ListAt(desk->id, FromProto(after->raised()), *alert_id));
  co_return listed.status();
}

bool MayOpen(std::string_view peer, audit::v1::EventClass event_class) {
  return peer == "routing" && (event_class == audit::v1::EVENT_CLASS_ALERT_CHANGED ||
                               event_class == audit::v1::EVENT_CLASS_AGENT_SEARCHED);  // it tells the DPO
}

}  // namespace relais::alerting
