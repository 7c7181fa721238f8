#include "services/routing/domain/pivots.h"

#include <algorithm>
#include <tuple>

#include "common/base/proto_time.h"

namespace relais::routing {
namespace {

bool IsOlder(const ActivePivot& a, const ActivePivot& b) {
  return std::make_tuple(FromProto(a.referent->since()), a.referent->referent_id()) <
         std::make_tuple(FromProto(b.referent->since()), b.referent->referent_id());
}

// Of two whom she chose in one conflict the last word counts.
bool IsChosenAfter(const v1::ReferentState& a, const v1::ReferentState& b) {
  return std::make_tuple(FromProto(a.chosen()), a.referent_id()) >
         std::make_tuple(FromProto(b.chosen()), b.referent_id());
}

// She chose `kept` in a conflict that `other` is or was in, and nothing else since.
bool Ends(const v1::ReferentState& kept, const v1::ReferentState& other, std::string_view conflict) {
  if (kept.chosen_in().empty()) {
    return false;
  }
  if (other.chosen_in() == kept.chosen_in() && IsChosenAfter(other, kept)) {
    return false;
  }
  return other.conflict() == kept.chosen_in() || conflict == kept.chosen_in();
}

bool IsOf(const v1::ReferentState& referent, std::string_view institution) {
  return referent.proposed_by().institution() == institution ||
         referent.referent().institution() == institution;
}

bool Waits(const v1::ReferentState& referent) {
  return referent.state() == v1::Referent::STATE_PROPOSED || referent.state() == v1::Referent::STATE_AGREED;
}

// How near to what the institution asks for: the lower the nearer.
int DistanceOf(const ActivePivot& pivot, const v1::ReferentState* leading) {
  if (pivot.referent->state() == v1::Referent::STATE_ACTIVE) {
    if (pivot.name == 0) {
      return 0;
    }
    return pivot.referent == leading ? 1 : 2;
  }
  return Waits(*pivot.referent) ? 3 : 4;
}

}  // namespace

std::optional<ActivePivot> ReferentFor(const std::vector<NamedSlot>& names, const v1::ReferentState* leading,
                                       std::string_view institution) {
  std::optional<ActivePivot> nearest;
  for (size_t i = 0; i < names.size(); ++i) {
    for (const v1::ReferentState& referent : names[i].slot.referents()) {  // newest last
      const ActivePivot pivot{i, &referent};
      if (!IsOf(referent, institution)) {
        continue;
      }
      const int distance = DistanceOf(pivot, leading);
      const int had = nearest ? DistanceOf(*nearest, leading) : distance + 1;
      if (distance < had || (distance == had && nearest->name == i)) {
        nearest = pivot;
      }
    }
  }
  return nearest;
}

std::vector<ActivePivot> ActivePivots(const std::vector<NamedSlot>& names) {
  std::vector<ActivePivot> pivots;
  for (size_t i = 0; i < names.size(); ++i) {
    for (const v1::ReferentState& referent : names[i].slot.referents()) {
      if (referent.state() == v1::Referent::STATE_ACTIVE) {
        pivots.push_back({i, &referent});
      }
    }
  }
  std::sort(pivots.begin(), pivots.end(), IsOlder);
  return pivots;
}

std::string ConflictBetween(const std::vector<ActivePivot>& pivots) {
  if (pivots.size() < 2) {
    return "";
  }
  std::vector<std::string> ids;
  ids.reserve(pivots.size());
  for (const ActivePivot& pivot : pivots) {
    ids.push_back(pivot.referent->referent_id());
  }
  std::sort(ids.begin(), ids.end());
  std::string text;
  for (const std::string& id : ids) {
    text += id + "/";
  }
  return text;
}

const v1::ReferentState* LeadingPivot(const std::vector<ActivePivot>& pivots, std::string_view conflict) {
  if (pivots.empty()) {
    return nullptr;
  }
  const v1::ReferentState* chosen = nullptr;
  for (const ActivePivot& pivot : pivots) {
    const bool of_this = !conflict.empty() && pivot.referent->chosen_in() == conflict;
    if (of_this && (chosen == nullptr || IsChosenAfter(*pivot.referent, *chosen))) {
      chosen = pivot.referent;
    }
  }
  return chosen != nullptr ? chosen : pivots.front().referent;
}

std::optional<PivotStep> NextPivotStep(const std::vector<ActivePivot>& pivots, std::string_view conflict) {
  for (const ActivePivot& other : pivots) {
    for (const ActivePivot& kept : pivots) {
      if (kept.referent != other.referent && Ends(*kept.referent, *other.referent, conflict)) {
        return PivotStep{PivotStep::Kind::kEnd, other.name, other.referent->referent_id(), false};
      }
    }
  }
  const v1::ReferentState* leading = LeadingPivot(pivots, conflict);
  if (leading == nullptr) {
    return std::nullopt;
  }
  for (const ActivePivot& pivot : pivots) {
    const bool follows = pivot.referent != leading;
    if (pivot.referent->conflict() != conflict || pivot.referent->follows() != follows) {
      return PivotStep{PivotStep::Kind::kMark, pivot.name, pivot.referent->referent_id(), follows};
    }
  }
  return std::nullopt;
}

std::optional<TakenPivotStep> TakePivotStep(const PivotStep& step, std::string_view conflict, absl::Time now,
                                            v1::PersonSlot& slot) {
  for (v1::ReferentState& referent : *slot.mutable_referents()) {
    if (referent.referent_id() != step.referent_id || referent.state() != v1::Referent::STATE_ACTIVE) {
      continue;
    }
    if (step.kind == PivotStep::Kind::kEnd) {
      referent.set_state(v1::Referent::STATE_ENDED);
      *referent.mutable_since() = ToProto(now);
      referent.clear_conflict();
      referent.clear_follows();
      return TakenPivotStep{referent, v1::PIVOT_CONFLICT_OVER};
    }
    referent.set_conflict(std::string(conflict));
    referent.set_follows(step.follows);
    if (referent.chosen_in() != conflict) {  // between other ones she is asked anew
      referent.clear_chosen_in();
      referent.clear_chosen();
    }
    if (conflict.empty()) {
      return TakenPivotStep{referent, v1::PIVOT_CONFLICT_OVER};
    }
    return TakenPivotStep{referent, step.follows ? v1::PIVOT_CONFLICT_FOLLOWS : v1::PIVOT_CONFLICT_LEADS};
  }
  return std::nullopt;
}

v1::PivotConflict ConflictOf(const v1::ReferentState& referent) {
  if (referent.conflict().empty()) {
    return v1::PIVOT_CONFLICT_UNSPECIFIED;
  }
  if (referent.chosen_in() == referent.conflict()) {
    return v1::PIVOT_CONFLICT_CHOSEN;
  }
  return referent.follows() ? v1::PIVOT_CONFLICT_FOLLOWS : v1::PIVOT_CONFLICT_LEADS;
}

}  // namespace relais::routing
