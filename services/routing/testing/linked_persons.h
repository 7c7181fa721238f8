// Persons who turn out to be one human, and their référents, as consent's log and institutions say it: for
// tests.
#pragma once

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "relais/consent/v1/person_events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/routing/testing/world.h"

namespace relais::routing::testing {

inline Id128 Link(uint64_t number) { return World::Person(500 + number); }

template <typename Payload>
inline void Say(World& world, uint64_t about, audit::v1::EventClass event_class, const Payload& payload) {
  audit::Event event = audit::testing::SubjectEvent(audit::testing::Person(about), event_class);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
}

// The first leaf, about who is frozen, names nobody; the second names both.
inline void SayFrozen(World& world, uint64_t comes, uint64_t link = 1) {
  consent::v1::PersonsLinked payload;
  payload.set_link_id(Link(link).ToHex());
  Say(world, comes, audit::v1::EVENT_CLASS_PERSONS_LINKED, payload);
}
inline void SayLinked(World& world, uint64_t stays, uint64_t comes, uint64_t link = 1) {
  consent::v1::PersonsLinked payload;
  payload.set_link_id(Link(link).ToHex());
  payload.set_canonical_id(World::Person(stays).ToBytes());
  payload.set_linked_id(World::Person(comes).ToBytes());
  Say(world, stays, audit::v1::EVENT_CLASS_PERSONS_LINKED, payload);
}
inline void AreOne(World& world, uint64_t stays, uint64_t comes, uint64_t link = 1) {
  SayFrozen(world, comes, link);
  SayLinked(world, stays, comes, link);
  world.Settle();
}
// First about who stays, naming nobody; then about who leaves.
inline void AreTwo(World& world, uint64_t stays, uint64_t leaves, uint64_t link = 1) {
  consent::v1::PersonsSplit payload;
  payload.set_link_id(Link(link).ToHex());
  Say(world, stays, audit::v1::EVENT_CLASS_PERSONS_SPLIT, payload);
  payload.set_canonical_id(World::Person(stays).ToBytes());
  payload.set_linked_id(World::Person(leaves).ToBytes());
  Say(world, leaves, audit::v1::EVENT_CLASS_PERSONS_SPLIT, payload);
  world.Settle();
}

// Who proposes and who is proposed.
struct Sides {
  std::string proposer;
  std::string proposers_system;
  std::string referent;
  std::string desk;
};
inline const Sides kHospital = {"aphp", "pass", "ville-paris", "dsol-75113"};
inline const Sides kOutreach = {"emmaus", "maraude", "caf", "caf-droits"};

inline absl::StatusOr<std::string> Propose(World& world, const Sides& sides, uint64_t person,
                                           const std::string& name = "") {
  v1::ProposeRequest request;
  request.set_request_id("propose-" + name + std::to_string(person));
  *request.mutable_person() = world.Handle(sides.proposer, person);
  request.mutable_referent()->set_institution(sides.referent);
  request.mutable_referent()->set_function("assistant-social");
  request.set_agent("anne");
  request.set_desk(sides.desk);
  const auto response = world.Run(
      world.service().referents().Propose(world.As(sides.proposer, sides.proposers_system), request));
  RETURN_IF_ERROR(response.status());
  return response->referent().referent_id();
}
inline absl::StatusOr<v1::RecordPersonDecisionResponse> Decide(World& world, const Sides& sides,
                                                               uint64_t person, const std::string& referent,
                                                               bool agreed, const std::string& request_id) {
  v1::RecordPersonDecisionRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(sides.proposer, person);
  request.set_referent_id(referent);
  request.set_agreed(agreed);
  return world.Run(world.service().referents().RecordPersonDecision(
      world.As(sides.proposer, sides.proposers_system), request));
}
inline v1::AcceptRequest AcceptanceOf(const World& world, const Sides& sides, uint64_t person,
                                      const std::string& referent) {
  v1::AcceptRequest request;
  request.set_request_id("accept-" + referent.substr(0, 8));
  *request.mutable_person() = world.Handle(sides.referent, person);
  request.set_referent_id(referent);
  return request;
}
// Proposed and agreed to.
inline std::string Agreed(World& world, const Sides& sides, uint64_t person, const std::string& name = "") {
  const absl::StatusOr<std::string> id = Propose(world, sides, person, name);
  World::Require(id.status());
  World::Require(Decide(world, sides, person, *id, true, "agree-" + id->substr(0, 8)).status());
  return *id;
}
inline absl::StatusOr<v1::AcceptResponse> Accept(World& world, const Sides& sides, uint64_t person,
                                                 const std::string& referent) {
  return world.Run(world.service().referents().Accept(world.As(sides.referent, "any"),
                                                      AcceptanceOf(world, sides, person, referent)));
}
inline std::string Active(World& world, const Sides& sides, uint64_t person) {
  const std::string id = Agreed(world, sides, person);
  World::Require(Accept(world, sides, person, id).status());
  world.Settle(absl::Minutes(1));  // the next one is younger
  return id;
}
inline v1::Referent Shown(World& world, const Sides& sides, uint64_t person) {
  v1::GetReferentRequest request;
  *request.mutable_person() = world.Handle(sides.proposer, person);
  const auto response = world.Run(
      world.service().referents().GetReferent(world.As(sides.proposer, sides.proposers_system), request));
  World::Require(response.status());
  return response->referent();
}

// Where a message about her goes that names no desk.
inline std::string GoesTo(World& world, uint64_t person) {
  static int number = 0;
  v1::SubmitRequest request = world.Note("goes-" + std::to_string(++number), person);
  request.clear_desk();
  request.mutable_situation()->set_postal_code("75020");
  const auto sent = world.Submit(request);
  return sent.ok() ? sent->desk() : sent.status().ToString();
}

// What routing's log says of conflicts: référent, what, and state, in order.
using Said = std::tuple<std::string, v1::PivotConflict, v1::Referent::State>;
inline std::vector<Said> SaidOfConflicts(World& world) {
  std::vector<Said> said;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    v1::ReferentChanged changed;
    if (leaf.details.payload().UnpackTo(&changed) && changed.conflict() != v1::PIVOT_CONFLICT_UNSPECIFIED) {
      said.emplace_back(changed.referent_id(), changed.conflict(), changed.state());
    }
  }
  return said;
}
inline size_t CountSaid(World& world, const Said& what) {
  const std::vector<Said> said = SaidOfConflicts(world);
  return static_cast<size_t>(std::count(said.begin(), said.end(), what));
}

// Notices that wait at the proposer's desk.
inline std::vector<v1::Message> NoticesTo(World& world, const Sides& sides) {
  const std::string desk = sides.proposer == "aphp" ? "aphp-pass" : "emmaus-maraude";
  v1::PullRequest request;
  request.set_desk(desk);
  const auto pulled =
      world.Run(world.service().inboxes().Pull(world.As(sides.proposer, sides.proposers_system), request));
  World::Require(pulled.status());
  std::vector<v1::Message> notices;
  for (const v1::Message& message : pulled->messages()) {
    if (message.content().has_pivot_conflict()) {
      notices.push_back(message);
    }
  }
  return notices;
}

inline constexpr uint64_t kMostCrashSteps = 400;
inline constexpr auto kActive = v1::Referent::STATE_ACTIVE;
inline constexpr auto kEnded = v1::Referent::STATE_ENDED;

}  // namespace relais::routing::testing
