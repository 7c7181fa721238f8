#include "services/routing/domain/referent.h"

#include <algorithm>

#include "common/base/proto_time.h"
#include "common/rpc/call.h"

namespace relais::routing {
namespace {

using State = v1::Referent;

bool IsFinal(v1::Referent::State state) {
  return state == State::STATE_REFUSED || state == State::STATE_DECLINED || state == State::STATE_ENDED;
}

struct Transition {
  ReferentStep step;
  v1::Referent::State from;
  v1::Referent::State to;
};
constexpr Transition kTransitions[] = {
    {ReferentStep::kAgree, State::STATE_PROPOSED, State::STATE_AGREED},
    {ReferentStep::kRefuse, State::STATE_PROPOSED, State::STATE_REFUSED},
    {ReferentStep::kAccept, State::STATE_AGREED, State::STATE_ACTIVE},
    {ReferentStep::kDecline, State::STATE_AGREED, State::STATE_DECLINED},
    {ReferentStep::kEnd, State::STATE_PROPOSED, State::STATE_ENDED},
    {ReferentStep::kEnd, State::STATE_AGREED, State::STATE_ENDED},
    {ReferentStep::kEnd, State::STATE_ACTIVE, State::STATE_ENDED},
};

}  // namespace

const v1::ReferentState* FindReferent(const v1::PersonSlot& slot, std::string_view referent_id) {
  for (const v1::ReferentState& referent : slot.referents()) {
    if (referent.referent_id() == referent_id) {
      return &referent;
    }
  }
  return nullptr;
}

const v1::ReferentState* ActiveReferent(const v1::PersonSlot& slot) {
  for (const v1::ReferentState& referent : slot.referents()) {
    if (referent.state() == State::STATE_ACTIVE) {
      return &referent;
    }
  }
  return nullptr;
}

const v1::ReferentState* CurrentReferent(const v1::PersonSlot& slot) {
  if (const v1::ReferentState* active = ActiveReferent(slot)) {
    return active;
  }
  const v1::ReferentState* newest = nullptr;
  for (const v1::ReferentState& referent : slot.referents()) {
    if (newest == nullptr || !IsFinal(referent.state()) || IsFinal(newest->state())) {
      newest = &referent;
    }
  }
  return newest;
}

void AddProposal(v1::PersonSlot& slot, v1::ReferentState proposal, absl::Time now) {
  auto& referents = *slot.mutable_referents();
  while (referents.size() >= kReferentsKept) {
    const auto old = std::find_if(referents.begin(), referents.end(),
                                  [](const v1::ReferentState& r) { return IsFinal(r.state()); });
    if (old == referents.end()) {
      break;
    }
    referents.erase(old);
  }
  proposal.set_state(State::STATE_PROPOSED);
  *proposal.mutable_since() = ToProto(now);
  *slot.add_referents() = std::move(proposal);
}

int OpenProposals(const v1::PersonSlot& slot, std::string_view institution) {
  return static_cast<int>(
      std::count_if(slot.referents().begin(), slot.referents().end(), [&](const v1::ReferentState& referent) {
        return referent.proposed_by().institution() == institution && !IsFinal(referent.state()) &&
               referent.state() != State::STATE_ACTIVE;
      }));
}

absl::Status AnotherIsActive() {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                      "another référent pivot is active");
}

absl::StatusOr<v1::ReferentState> TakeStep(v1::PersonSlot& slot, std::string_view referent_id,
                                           ReferentStep step, absl::Time now) {
  const v1::ReferentState* found = FindReferent(slot, referent_id);
  if (found == nullptr) {
    return rpc::NoSuchOrNotYours();
  }
  // D-5.2: at most one active pivot per person.
  if (step == ReferentStep::kAccept && ActiveReferent(slot) != nullptr) {
    return AnotherIsActive();
  }
  const bool in_conflict = found->state() == State::STATE_ACTIVE && !found->conflict().empty();
  if (in_conflict && step == ReferentStep::kAgree) {
    auto* chosen = const_cast<v1::ReferentState*>(found);
    chosen->set_chosen_in(chosen->conflict());
    *chosen->mutable_chosen() = ToProto(now);
    return *chosen;
  }
  if (in_conflict && step == ReferentStep::kRefuse) {
    step = ReferentStep::kEnd;
  }
  for (const Transition& t : kTransitions) {
    if (t.step == step && t.from == found->state()) {
      auto* changed = const_cast<v1::ReferentState*>(found);
      changed->set_state(t.to);
      *changed->mutable_since() = ToProto(now);
      changed->clear_conflict();
      changed->clear_follows();
      return *changed;
    }
  }
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                      "the référent pivot is not in a state that allows this");
}

}  // namespace relais::routing
