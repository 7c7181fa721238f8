// The states of a référent pivot (D-5.2): proposed → her decision → accepted or declined → active → ended. At
// most one active per person. Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "relais/routing/v1/state.pb.h"

namespace relais::routing {

/// WRONG_STATE: another référent pivot is active (D-5.2).
absl::Status AnotherIsActive();

enum class ReferentStep { kAgree, kRefuse, kAccept, kDecline, kEnd };

/// The référent of that id; nullptr when the slot has none.
const v1::ReferentState* FindReferent(const v1::PersonSlot& slot, std::string_view referent_id);
/// The active one; nullptr when there is none (D-5.7: a normal outcome).
const v1::ReferentState* ActiveReferent(const v1::PersonSlot& slot);
/// The one to show: active, else the newest that is not final, else the newest.
const v1::ReferentState* CurrentReferent(const v1::PersonSlot& slot);

/// Adds a proposal. Old final ones are dropped beyond `kReferentsKept`.
inline constexpr int kReferentsKept = 50;
void AddProposal(v1::PersonSlot& slot, v1::ReferentState proposal, absl::Time now);

/// How many proposals of that institution wait for an answer. Each may have only so many: the slot is
/// everyone's.
inline constexpr int kMostOpenProposals = 5;
int OpenProposals(const v1::PersonSlot& slot, std::string_view institution);

/// Takes a step; NOT_FOUND for an unknown id, FAILED_PRECONDITION / WRONG_STATE for a step that its state
/// does not allow, or an Accept while another one is active. While he is active and in conflict with others
/// (pivots.h) her yes is that she keeps him, which ends the others, and her no that he ends.
absl::StatusOr<v1::ReferentState> TakeStep(v1::PersonSlot& slot, std::string_view referent_id,
                                           ReferentStep step, absl::Time now);

}  // namespace relais::routing
