#include "services/consent/status_of_names.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/domain/status.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/own_records.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

using audit::v1::EVENT_CLASS_PERSONS_LINKED;
using audit::v1::EVENT_CLASS_PERSONS_SPLIT;
using audit::v1::EVENT_CLASS_STATUS_UPDATED;

// The name that such a leaf is remembered under; no method of the API has it.
constexpr char kTell[] = "relais.consent.v1.PersonService/status-of-names";

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

bool SheIsGone(const absl::Status& status) {
  return audit::IsErased(status) || rpc::ReasonOf(status) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
}

// Under any name of hers. A name that is being erased says nothing any more.
absl::StatusOr<bool> DoNotGroup(Registry& registry, const Id128& person) {
  ASSIGN_OR_RETURN(const std::vector<Id128> names, registry.store.GroupOf(person));
  for (const Id128& name : names) {
    const absl::StatusOr<v1::StoredStatus> status = ReadStatus(registry, name);
    if (SheIsGone(status.status())) {
      continue;
    }
    RETURN_IF_ERROR(status.status());
    if (StatusOf(*status).do_not_group()) {
      return true;
    }
  }
  return false;
}

// Where there is no such human any more: false.
absl::StatusOr<bool> StandsFor(Registry& registry, const Id128& person) {
  absl::StatusOr<bool> stands = DoNotGroup(registry, person);
  if (SheIsGone(stands.status())) {
    return false;
  }
  return stands;
}

// Whether every name of this human is to have a leaf about what this leaf says.
absl::StatusOr<bool> IsToBeTold(Registry& registry, const audit::FollowedLeaf& leaf, const Id128& person,
                                size_t names) {
  v1::StatusUpdated updated;
  if (leaf.details.payload().UnpackTo(&updated)) {
    return names > 1 && leaf.header.institution() != kRegistry &&
           (updated.change() == v1::STATUS_CHANGE_DO_NOT_GROUP ||
            updated.change() == v1::STATUS_CHANGE_MAY_GROUP);
  }
  v1::PersonsSplit split;
  if (!leaf.details.payload().UnpackTo(&split)) {
    return StandsFor(registry, person);
  }
  // Whether it stands on either side: on both it had stood.
  ASSIGN_OR_RETURN(const Id128 link, Id128::FromHex(split.link_id()));
  ASSIGN_OR_RETURN(const std::optional<Between> between, FindLinkBetween(registry.files(), link));
  if (!between) {
    return false;  // forgotten, with somebody who was erased
  }
  ASSIGN_OR_RETURN(const bool stays, StandsFor(registry, between->canonical));
  ASSIGN_OR_RETURN(const bool leaves, StandsFor(registry, between->linked));
  return stays || leaves;
}

// The leaves of one act have one event id: each name is told once of it.
Id128 TellingId(audit::v1::EventClass event_class, const Id128& cause, const Id128& name) {
  const std::string digest = crypto::Sha256(absl::StrCat(
      "relais status of names v1", static_cast<int>(event_class), "/", cause.ToBytes(), name.ToBytes()));
  return *Id128::FromBytes(digest.substr(0, Id128::kSize));
}

absl::StatusOr<PlannedAct> PlanTelling(Registry& registry, const Id128& name, const Id128& id,
                                       const PersonState& state) {
  ASSIGN_OR_RETURN(const bool stands, DoNotGroup(registry, name));
  v1::StatusUpdated payload;
  payload.set_institution(kRegistry);
  payload.set_change(stands ? v1::STATUS_CHANGE_DO_NOT_GROUP : v1::STATUS_CHANGE_MAY_GROUP);
  payload.set_do_not_group(stands);
  PlannedAct act;
  act.state = state;
  act.event = OwnEvent(registry.context, EVENT_CLASS_STATUS_UPDATED, id);
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(id.ToBytes());
  return act;
}

Task<absl::Status> Tell(Registry& registry, Id128 name, Id128 id) {
  ActRequest what;
  what.person = name;
  what.owner = kRegistry;
  what.method = kTell;
  what.request_id = id.ToHex();
  what.content = std::make_shared<v1::StatusUpdated>();
  what.of_name = true;
  const PlanAct plan = [&registry, name, id](const PersonState& state, absl::Time /*instant*/) {
    return PlanTelling(registry, name, id, state);
  };
  const absl::StatusOr<RecordedAct> act =
      co_await RecordAct(registry.context, registry.store, std::move(what), plan);
  if (SheIsGone(act.status())) {
    co_return absl::OkStatus();
  }
  if (rpc::ReasonOf(act.status()) == common::v1::ERROR_REASON_WRONG_STATE) {
    // What follows this log does not wait for room in one file; the operators have it from who acts on her.
    log::Error("no leaf about the status of a name: its file is full", {});
    co_return absl::OkStatus();
  }
  co_return act.status();
}

}  // namespace

absl::StatusOr<v1::PersonStatus> StatusOfHuman(Registry& registry, const Id128& person) {
  ASSIGN_OR_RETURN(const v1::StoredStatus stored, ReadStatus(registry, person));
  v1::PersonStatus status = StatusOf(stored);
  if (!status.do_not_group()) {
    ASSIGN_OR_RETURN(const bool stands, DoNotGroup(registry, person));
    status.set_do_not_group(stands);
  }
  return status;
}

bool StatusOfNames::Wants(audit::v1::EventClass event_class) {
  return event_class == EVENT_CLASS_STATUS_UPDATED || event_class == EVENT_CLASS_PERSONS_LINKED ||
         event_class == EVENT_CLASS_PERSONS_SPLIT;
}

std::string StatusOfNames::OrderKey(const audit::FollowedLeaf& leaf) const {
  const std::optional<Id128> person = PersonOf(leaf);
  return person ? person->ToBytes() : "";
}

bool StatusOfNames::Concerns(const audit::FollowedLeaf& leaf) const {
  return Wants(leaf.header.event_class());
}

Task<absl::Status> StatusOfNames::Apply(audit::FollowedLeaf leaf, bool effects) {
  const std::optional<Id128> person = PersonOf(leaf);
  const absl::StatusOr<Id128> cause = Id128::FromBytes(leaf.header.event_id());
  if (!effects || !person || !cause.ok()) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(registry_.context.executor);
  const absl::StatusOr<std::vector<Id128>> names = registry_.store.GroupOf(*person);
  if (SheIsGone(names.status())) {
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(names.status());
  CO_ASSIGN_OR_RETURN(const bool told, IsToBeTold(registry_, leaf, *person, names->size()));
  for (size_t i = 0; told && i < names->size(); ++i) {
    const Id128 name = (*names)[i];
    const Id128 id = TellingId(leaf.header.event_class(), *cause, name);
    const absl::Status done = co_await Tell(registry_, name, id);
    CO_RETURN_IF_ERROR(done);
  }
  co_return absl::OkStatus();
}

}  // namespace relais::consent
