#include "services/consent/teams.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "common/base/status.h"
#include "relais/routing/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr int kMostDeliveries = 1000;
constexpr int kMostMissions = 100;

std::string SentKey(std::string_view institution) {
  return std::string(kSentPrefix) + std::string(institution);
}

template <typename Stored>
absl::StatusOr<Stored> ReadRow(Registry& registry, const Id128& person, const std::string& key) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PersonPartition(person), key));
  Stored stored;
  if (entry) {
    RETURN_IF_ERROR(registry.store.Open(person, key, entry->value, stored));
  }
  return stored;
}

// Of everybody who is one human with her: routing knows her by any of their names.
template <typename Stored>
absl::StatusOr<Stored> ReadTogether(Registry& registry, const Id128& person, const std::string& key) {
  ASSIGN_OR_RETURN(const std::vector<Id128> group, registry.store.GroupOf(person));
  Stored all;
  for (const Id128& each : group) {
    ASSIGN_OR_RETURN(const Stored stored, ReadRow<Stored>(registry, each, key));
    all.MergeFrom(stored);
  }
  return all;
}

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

// False: nothing is to be changed.
template <typename Stored>
using Change = std::function<bool(Stored& stored)>;

// One row of hers, changed under the guard of her state's version: not once she is being erased.
template <typename Stored>
absl::StatusOr<std::optional<storage::CommitRequest>> Prepare(Registry& registry, const Id128& person,
                                                              const std::string& key,
                                                              const Change<Stored>& change) {
  const absl::StatusOr<VersionedState> state = registry.store.LoadOwn(person);
  if (absl::IsNotFound(state.status())) {
    return std::optional<storage::CommitRequest>();
  }
  RETURN_IF_ERROR(state.status());
  ASSIGN_OR_RETURN(Stored stored, ReadRow<Stored>(registry, person, key));
  if (!change(stored)) {
    return std::optional<storage::CommitRequest>();
  }
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  commit.preconditions.push_back({std::string(kStateKey), state->version});
  ASSIGN_OR_RETURN(storage::Mutation row, registry.store.WriteSealed(person, key, stored));
  commit.batch.push_back(std::move(row));
  return std::optional(std::move(commit));
}

template <typename Stored>
Task<absl::Status> ChangeRow(Registry& registry, Id128 person, std::string key, Change<Stored> change) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    absl::StatusOr<std::optional<storage::CommitRequest>> commit =
        Prepare<Stored>(registry, person, key, change);
    if (audit::IsErased(commit.status()) || (commit.ok() && !commit->has_value())) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(commit.status());
    storage::CommitRequest request = **std::move(commit);
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry.context.store.Commit(std::move(request));
    if (audit::IsErased(done.status())) {
      co_return absl::OkStatus();
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return TooContended();
}

// D-5.2: a référent helps her from Accept until End.
bool ApplyReferent(const routing::v1::ReferentChanged& changed, absl::Time time, v1::StoredTeam& team) {
  const absl::StatusOr<Id128> id = Id128::FromHex(changed.referent_id());
  if (!id.ok()) {
    return false;
  }
  auto& missions = *team.mutable_missions();
  const auto found = std::find_if(missions.begin(), missions.end(), [&](const v1::StoredMission& mission) {
    return mission.id() == id->ToBytes();
  });
  if (changed.state() == routing::v1::Referent::STATE_ACTIVE) {
    if (found != missions.end()) {
      return false;
    }
    while (missions.size() >= kMostMissions) {
      missions.erase(missions.begin());
    }
    v1::StoredMission* mission = missions.Add();
    mission->set_id(id->ToBytes());
    *mission->mutable_party() = changed.referent();
    mission->set_from(Micros(time));
    return true;
  }
  if (found == missions.end() || found->until() != 0) {
    return false;
  }
  found->set_until(Micros(time));
  return true;
}

// What a leaf says of one message; nullopt: nothing of it is kept.
std::optional<v1::StoredDelivery> DeliveryIn(const audit::FollowedLeaf& leaf) {
  v1::StoredDelivery delivery;
  routing::v1::MessageDelivered delivered;
  routing::v1::MessageWithdrawn withdrawn;
  if (leaf.details.payload().UnpackTo(&delivered)) {
    delivery.set_message_id(delivered.message_id());
    delivery.set_delivered(Micros(leaf.time));
  } else if (leaf.details.payload().UnpackTo(&withdrawn)) {
    delivery.set_message_id(withdrawn.message_id());
    delivery.set_withdrawn(Micros(leaf.time));
  } else {
    return std::nullopt;
  }
  return delivery;
}

bool ApplyDelivery(const v1::StoredDelivery& said, v1::StoredDeliveries& sent) {
  auto& deliveries = *sent.mutable_deliveries();
  for (v1::StoredDelivery& known : deliveries) {
    if (known.message_id() == said.message_id()) {
      const bool news = (said.delivered() != 0 && known.delivered() == 0) ||
                        (said.withdrawn() != 0 && known.withdrawn() == 0);
      known.MergeFrom(said);
      return news;
    }
  }
  while (deliveries.size() >= kMostDeliveries) {
    deliveries.erase(deliveries.begin());
  }
  *deliveries.Add() = said;
  return true;
}

}  // namespace

absl::StatusOr<Teams> ReadTeams(Registry& registry, const Id128& person) {
  Teams teams;
  // The lease first: what is read after it is at least as new as it promises.
  teams.known = registry.teams_known && registry.teams_known();
  if (!teams.known) {
    return teams;
  }
  ASSIGN_OR_RETURN(const v1::StoredTeam stored,
                   ReadTogether<v1::StoredTeam>(registry, person, std::string(kTeamKey)));
  for (const v1::StoredMission& in : stored.missions()) {
    Mission mission;
    mission.institution = in.party().institution();
    mission.function = in.party().function();
    mission.from = FromMicros(in.from());
    mission.coordinator = true;
    if (in.until() != 0) {
      mission.until = FromMicros(in.until());
    }
    teams.missions.push_back(std::move(mission));
  }
  return teams;
}

absl::StatusOr<v1::StoredDeliveries> ReadDeliveries(Registry& registry, const Id128& person,
                                                    const std::string& institution) {
  return ReadTogether<v1::StoredDeliveries>(registry, person, SentKey(institution));
}

std::string RoutingLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const std::optional<Id128> person = PersonOf(leaf);
  return person ? person->ToBytes() : "";
}

bool RoutingLeaves::Concerns(const audit::FollowedLeaf& leaf) const {
  return leaf.header.event_class() == audit::v1::EVENT_CLASS_REFERENT_CHANGED ||
         leaf.header.event_class() == audit::v1::EVENT_CLASS_MESSAGE_DELIVERED ||
         leaf.header.event_class() == audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN;
}

Task<absl::Status> RoutingLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  const std::optional<Id128> person = PersonOf(leaf);
  if (!person) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(registry_.context.executor);
  routing::v1::ReferentChanged changed;
  if (leaf.details.payload().UnpackTo(&changed)) {
    Change<v1::StoredTeam> change = [changed, time = leaf.time](v1::StoredTeam& team) {
      return ApplyReferent(changed, time, team);
    };
    absl::Status status =
        co_await ChangeRow<v1::StoredTeam>(registry_, *person, std::string(kTeamKey), std::move(change));
    co_return status;
  }
  const std::optional<v1::StoredDelivery> said = DeliveryIn(leaf);
  const std::string institution = leaf.details.recipient().institution();
  if (!said || institution.empty() || leaf.header.exercise()) {
    co_return absl::OkStatus();
  }
  Change<v1::StoredDeliveries> change = [delivery = *said](v1::StoredDeliveries& sent) {
    return ApplyDelivery(delivery, sent);
  };
  std::string key = SentKey(institution);
  absl::Status status =
      co_await ChangeRow<v1::StoredDeliveries>(registry_, *person, std::move(key), std::move(change));
  co_return status;
}

}  // namespace relais::consent
