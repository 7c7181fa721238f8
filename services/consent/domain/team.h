// Step 4 of D-2.6: professionals of one team, by routing's log and by what she was told. Pure.
//
// CASF L.121-6-2 (D-2.2) lets professionals who act for the same person share what is strictly necessary,
// with one another and with the coordinator; it is a permission with conditions, each of which is an input
// here:
//  - both are in mission for her, in one team: routing's log says so. The team that it knows is her référent
//    pivot, whom she accepted, and who proposed him (ADR 56);
//  - both functions are named and bound by secrecy, by the directory;
//  - she was told beforehand of purpose, category and recipient, by one of the two.
// Any input missing: the step does not apply. Special categories and data on offences never pass here
// (D-2.7), nor acts other than telling and showing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/question.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// One professional's part in helping her.
struct Mission {
  Id128 team;  // who helps her together: the référent's id
  std::string institution;
  std::string function;  // empty: nobody's
  absl::Time from;
  std::optional<absl::Time> until;  // excluded
  friend bool operator==(const Mission&, const Mission&) = default;
};

/// Who helps her. `known` is false without a lease on routing's log: then nothing of it counts.
struct Teams {
  bool known = false;
  std::vector<Mission> missions;
};

/// False: step 4 cannot apply, whatever the teams are, so that nobody need look at them.
[[nodiscard]] bool MayBeTeam(const PersonState& state, const Question& question, const Rules& rules);

/// The information that lets it be shared; null: the step does not apply.
[[nodiscard]] const Information* FindTeamGround(const PersonState& state, const Teams& teams,
                                                const Question& question, std::string_view category,
                                                const Rules& rules, absl::Time now);

}  // namespace relais::consent
