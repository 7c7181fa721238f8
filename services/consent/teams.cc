#include "services/consent/teams.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/status.h"
#include "relais/routing/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/derived_row.h"

namespace relais::consent {
namespace {

constexpr int kMostDeliveries = 1000;
constexpr int kMostMissions = 100;

std::string SentKey(std::string_view institution) {
  return std::string(kSentPrefix) + std::string(institution);
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

using StoredMissions = google::protobuf::RepeatedPtrField<v1::StoredMission>;

// What is needed least goes first: what is over, then what is proposed, of each the oldest. Proposals cost
// nothing: they push nobody out who helps her.
void MakeRoom(StoredMissions& missions) {
  while (missions.size() >= kMostMissions) {
    auto gone = std::find_if(missions.begin(), missions.end(),
                             [](const v1::StoredMission& mission) { return mission.until() != 0; });
    if (gone == missions.end()) {
      gone = std::find_if(missions.begin(), missions.end(),
                          [](const v1::StoredMission& mission) { return mission.from() == 0; });
    }
    missions.erase(gone == missions.end() ? missions.begin() : gone);
  }
}

v1::StoredMission& AddMission(const Id128& id, const routing::v1::ReferentChanged& changed,
                              StoredMissions& missions) {
  MakeRoom(missions);
  v1::StoredMission& mission = *missions.Add();
  mission.set_id(id.ToBytes());
  *mission.mutable_party() = changed.referent();
  return mission;
}

// D-5.2: a référent helps her from Accept until End, and so does, with him, who proposed him.
bool ApplyReferent(const routing::v1::ReferentChanged& changed, const common::v1::Party& author,
                   absl::Time time, v1::StoredTeam& team) {
  const absl::StatusOr<Id128> id = Id128::FromHex(changed.referent_id());
  if (!id.ok()) {
    return false;
  }
  StoredMissions& missions = *team.mutable_missions();
  const auto found = std::find_if(missions.begin(), missions.end(), [&](const v1::StoredMission& mission) {
    return mission.id() == id->ToBytes();
  });
  const bool known = found != missions.end();
  switch (changed.state()) {
    case routing::v1::Referent::STATE_PROPOSED:
      if (known) {
        return false;
      }
      *AddMission(*id, changed, missions).mutable_proposed_by() = author;
      return true;
    case routing::v1::Referent::STATE_ACTIVE: {
      if (known && found->from() != 0) {
        return false;
      }
      v1::StoredMission& mission = known ? *found : AddMission(*id, changed, missions);
      mission.set_from(Micros(time));
      return true;
    }
    case routing::v1::Referent::STATE_REFUSED:
    case routing::v1::Referent::STATE_DECLINED:
    case routing::v1::Referent::STATE_ENDED:
      if (!known || found->until() != 0) {
        return false;
      }
      if (found->from() == 0) {
        missions.erase(found);  // it never began
      } else {
        found->set_until(Micros(time));
      }
      return true;
    default:
      return false;
  }
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
  // On an agreement too her history withholds what went to protect a child (withholding.h): no ground of it
  // is kept, and it is counted for nobody.
  if (leaf.header.purpose() != kChildProtection) {
    delivery.set_ground(leaf.header.ground());
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
    if (in.from() == 0) {
      continue;
    }
    ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(in.id()));
    for (const common::v1::Party& party : {in.party(), in.proposed_by()}) {
      Mission mission{id, party.institution(), party.function(), FromMicros(in.from()), std::nullopt};
      if (in.until() != 0) {
        mission.until = FromMicros(in.until());
      }
      teams.missions.push_back(std::move(mission));
    }
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
    common::v1::Party author;
    author.set_institution(leaf.header.institution());
    author.set_function(leaf.details.acting_function());
    Change<v1::StoredTeam> change = [changed, author, time = leaf.time](v1::StoredTeam& team) {
      return ApplyReferent(changed, author, time, team);
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
