// Who must get it: the référent pivot when the ground allows, else the desk of the territory and public
// (D-5.7, D-4.5, action 89). Pure: a function of the directory and the situation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/calendar/paris.h"
#include "common/directory/directory.h"
#include "relais/routing/v1/routing_service.pb.h"
#include "relais/routing/v1/state.pb.h"

namespace relais::routing {

/// One possible recipient, best first.
struct Candidate {
  const directory::Desk* desk = nullptr;
  std::string function;
  // False: only her agreement can permit it, whatever ground the sender states (D-1.5: another institution's
  // référent only if she agreed).
  bool stated_ground_counts = true;
  v1::Step step;  // why
};

struct Resolution {
  std::vector<Candidate> candidates;
  std::vector<v1::Step> steps;  // what was looked at and set aside
};

struct Query {
  std::string sender;  // institution
  std::string signal_type;
  std::string event;
  v1::Situation situation;
  v1::Urgency urgency = v1::URGENCY_UNSPECIFIED;
  std::string desk;             // chosen by the sender; empty: routing chooses
  bool pivot_conflict = false;  // the pivot is one of several, and leads
  v1::Audience audience;        // to whom alone
};

/// Candidates in the order in which they should be tried. A desk is replaced by its on-call desk when the
/// message is serious and the desk is closed (D-4.5). Empty when the directory has nobody, or the audience is
/// a référent pivot and she has none (D-5.7).
Resolution Resolve(const directory::Directory& directory, const calendar::Paris& paris, const Query& query,
                   const v1::ReferentState* pivot, absl::Time now);

/// By when a human must have taken it (D-4.5): serious 24 h; concern 3 jours ouvrés; else 10.
absl::Time DeadlineOf(const calendar::Paris& paris, const directory::Desk& desk, v1::Urgency urgency,
                      absl::Time received);

/// INSEE code of a Paris postal code, D-6.3 (75116 is the 16th); 0 when it is none.
int InseeOfPostal(std::string_view postal_code);

/// The desk that gets an untaken message next (D-4.5): the first of the chain that it has not been at;
/// nullptr when there is none.
const directory::Desk* NextInChain(const directory::Directory& directory, const v1::MessageState& message);

/// A step of an explanation: stable code, French then English.
v1::Step MakeStep(std::string_view code);

}  // namespace relais::routing
