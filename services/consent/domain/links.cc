#include "services/consent/domain/links.h"

#include <algorithm>
#include <utility>

namespace relais::consent {
namespace {

absl::Time InstantOf(const Agreement& act) { return act.recorded; }
absl::Time InstantOf(const Denial& act) { return act.at; }
absl::Time InstantOf(const Objection& act) { return act.recorded; }
absl::Time InstantOf(const Emergency& act) { return act.from; }
absl::Time InstantOf(const Information& act) { return act.at; }
absl::Time InstantOf(const Restriction& act) { return act.from; }

bool SameAct(const Agreement& a, const Agreement& b) { return a.id == b.id; }
bool SameAct(const Denial& a, const Denial& b) { return a.id == b.id; }
bool SameAct(const Emergency& a, const Emergency& b) { return a.id == b.id; }
bool SameAct(const Information& a, const Information& b) { return a.id == b.id; }
bool SameAct(const Restriction& a, const Restriction& b) { return a.id == b.id; }

bool SameRecord(const Objection& a, const Objection& b) {
  return a.supplier == b.supplier && a.key_version == b.key_version && a.digest == b.digest;
}

// Whether `kept` counts instead of `other`: a later change of the same record's objection, or the copy of an
// objection of her own.
bool SameAct(const Objection& kept, const Objection& other) {
  if (!SameRecord(kept, other)) {
    return false;
  }
  return kept.digest.empty() ? kept.recorded == other.recorded : kept.generation >= other.generation;
}

template <typename Act>
void InOrder(std::vector<Act>& acts) {
  std::stable_sort(acts.begin(), acts.end(),
                   [](const Act& a, const Act& b) { return InstantOf(a) < InstantOf(b); });
}

// All lists of a history, to be changed and put back together.
struct Lists {
  std::vector<Agreement> agreements;
  std::vector<Denial> denials;
  std::vector<Objection> objections;
  std::vector<Emergency> emergencies;
  std::vector<Information> information;
  std::vector<Restriction> restrictions;
  std::vector<Link> links;

  static Lists Of(const PersonState& state) {
    return {state.agreements(),  state.denials(),      state.objections(), state.emergencies(),
            state.information(), state.restrictions(), state.links()};
  }
  template <typename Do>
  void Each(Do what) {
    what(agreements);
    what(denials);
    what(objections);
    what(emergencies);
    what(information);
    what(restrictions);
  }
  PersonState Build(absl::Time latest) && {
    PersonStateBuilder builder;
    Each([&](auto& acts) {
      InOrder(acts);
      for (auto& act : acts) {
        builder.Put(std::move(act));
      }
    });
    for (Link& link : links) {
      builder.Put(link);
    }
    return std::move(builder).Build(latest);
  }
};

// Of somebody whose link has ended since: her agreements are not this person's.
bool HasLeft(const std::vector<Link>& links, const Id128& of) {
  bool left = false;
  for (const Link& link : links) {
    if (link.person == of) {
      if (!link.until) {
        return false;
      }
      left = true;
    }
  }
  return left;
}

template <typename Act>
constexpr bool kIsNo = std::is_same_v<Act, Denial> || std::is_same_v<Act, Objection>;

template <typename Act>
void Join(const std::vector<Act>& frozen, const Id128& person, const std::vector<Link>& links, size_t own,
          std::vector<Act>& united) {
  for (const Act& act : frozen) {
    const Id128 of = act.origin.of.IsZero() ? person : act.origin.of;
    // Against what the canonical history has itself: two frozen ones never speak of the same act.
    const bool counts_already = std::any_of(united.begin(), united.begin() + static_cast<ptrdiff_t>(own),
                                            [&](const Act& kept) { return SameAct(kept, act); });
    if (counts_already || (!kIsNo<Act> && HasLeft(links, of))) {
      continue;
    }
    united.push_back(act);
    united.back().origin = {of, true};
  }
}

// What stays and leaves of one kind of act.
template <typename Act, typename StaysWithBoth>
void Divide(const std::vector<Act>& united, const Id128& person, StaysWithBoth both, std::vector<Act>& stays,
            std::vector<Act>& leaves) {
  for (const Act& act : united) {
    const bool hers = act.origin.of == person;
    if (act.origin.frozen) {
      if (hers) {  // maybe in the history of a third one, to whom she was linked before
        leaves.push_back(act);
        leaves.back().origin = {};
      }
      continue;  // it stays where it always was
    }
    const bool shared = both(act);
    if (hers || shared) {
      leaves.push_back(act);
      leaves.back().origin = {};
    }
    if (!hers || shared) {
      stays.push_back(act);
      if (hers) {
        stays.back().origin = {};
      }
    }
  }
}

template <typename Act>
void Overlay(std::vector<Act> leaves, std::vector<Act>& own) {
  std::erase_if(own, [&](const Act& act) {
    return std::any_of(leaves.begin(), leaves.end(), [&](const Act& left) { return SameAct(left, act); });
  });
  own.insert(own.end(), leaves.begin(), leaves.end());
}

}  // namespace

PersonState Unite(const PersonState& canonical, const std::vector<FrozenHistory>& frozen) {
  Lists united = Lists::Of(canonical);
  const Lists own = united;
  absl::Time latest = canonical.latest();
  for (const FrozenHistory& history : frozen) {
    const PersonState& state = history.state;
    latest = std::max(latest, state.latest());
    Join(state.agreements(), history.person, own.links, own.agreements.size(), united.agreements);
    Join(state.denials(), history.person, own.links, own.denials.size(), united.denials);
    Join(state.objections(), history.person, own.links, own.objections.size(), united.objections);
    Join(state.emergencies(), history.person, own.links, own.emergencies.size(), united.emergencies);
    Join(state.information(), history.person, own.links, own.information.size(), united.information);
    Join(state.restrictions(), history.person, own.links, own.restrictions.size(), united.restrictions);
  }
  return std::move(united).Build(latest);
}

Parted Part(const PersonState& united, const Id128& link, absl::Time at) {
  Lists stays;
  Lists leaves;
  stays.links = united.links();
  Id128 person;
  absl::Time since = at;
  for (Link& each : stays.links) {
    if (each.id == link) {
      person = each.person;
      since = each.since;
      each.until = at;
    }
  }
  const auto not_shared = [](const auto& /*act*/) { return false; };
  Divide(united.agreements(), person, not_shared, stays.agreements, leaves.agreements);
  Divide(united.emergencies(), person, not_shared, stays.emergencies, leaves.emergencies);
  Divide(united.information(), person, not_shared, stays.information, leaves.information);
  Divide(
      united.denials(), person, [since](const Denial& act) { return act.at >= since; }, stays.denials,
      leaves.denials);
  Divide(
      united.objections(), person,
      [since](const Objection& act) { return act.recorded >= since && !act.lifted; }, stays.objections,
      leaves.objections);
  Divide(
      united.restrictions(), person,
      [since](const Restriction& act) { return act.from >= since && !act.until; }, stays.restrictions,
      leaves.restrictions);
  return {std::move(stays).Build(at), std::move(leaves).Build(at)};
}

PersonState Rejoin(const PersonState& frozen, const PersonState& leaves, const Link& ended) {
  Lists own = Lists::Of(frozen);
  Overlay(leaves.agreements(), own.agreements);
  Overlay(leaves.denials(), own.denials);
  Overlay(leaves.objections(), own.objections);
  Overlay(leaves.emergencies(), own.emergencies);
  Overlay(leaves.information(), own.information);
  Overlay(leaves.restrictions(), own.restrictions);
  for (Link& link : own.links) {
    if (!link.until) {
      link.until = ended.until;  // who was linked to her stays with the other
    }
  }
  own.links.push_back(ended);
  return std::move(own).Build(std::max(frozen.latest(), leaves.latest()));
}

}  // namespace relais::consent
