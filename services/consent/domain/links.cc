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

template <typename Act>
bool SameAct(const Act& a, const Act& b) {
  return a.id == b.id;
}

// Whether `kept` is a later state of the objection, or the same: of a record's, by its changes.
bool SameAct(const Objection& kept, const Objection& other) {
  if (kept.supplier != other.supplier || kept.key_version != other.key_version ||
      kept.digest != other.digest) {
    return false;
  }
  return kept.digest.empty() ? kept.recorded == other.recorded : kept.generation >= other.generation;
}

// What is more in another copy of the act, of the same name. What has ended in one has ended.
void TakeIn(const Agreement& other, Agreement& kept) {
  for (const Renewal& renewal : other.renewals) {
    const bool known = std::any_of(kept.renewals.begin(), kept.renewals.end(),
                                   [&](const Renewal& each) { return each.at == renewal.at; });
    if (!known) {
      kept.renewals.push_back(renewal);
    }
  }
  std::sort(kept.renewals.begin(), kept.renewals.end(),
            [](const Renewal& a, const Renewal& b) { return a.at < b.at; });
  if (other.ended && (!kept.ended || (other.ended->invalidated && !kept.ended->invalidated))) {
    kept.ended = other.ended;
  }
}
void TakeIn(const Emergency& other, Emergency& kept) {
  const bool none = other.outcome == v1::REVIEW_OUTCOME_NOT_JUSTIFIED;
  if (other.reviewed && (!kept.reviewed || none)) {
    kept.reviewed = other.reviewed;
    kept.outcome = other.outcome;
    kept.declared_agent.clear();
  }
  kept.informed = kept.informed ? kept.informed : other.informed;
}
void TakeIn(const Restriction& other, Restriction& kept) {
  kept.until = kept.until ? kept.until : other.until;
}
void TakeIn(const Denial& /*other*/, Denial& /*kept*/) {}
void TakeIn(const Information& /*other*/, Information& /*kept*/) {}
// The kept one is the later state. Between two frozen ones nobody knows which is: then it stands.
void TakeIn(const Objection& other, Objection& kept) {
  if (kept.origin.frozen && !other.lifted) {
    kept.lifted.reset();
  }
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
  uint64_t turns = 0;

  static Lists Of(const PersonState& state) {
    return {state.agreements(),  state.denials(),      state.objections(), state.emergencies(),
            state.information(), state.restrictions(), state.links(),      state.turns()};
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
    builder.PutTurns(turns);
    return std::move(builder).Build(latest);
  }
};

// Of somebody whose link has ended since: her agreements are not this person's.
bool HasLeft(const std::vector<Link>& links, const Id128& of) {
  bool left = false;
  for (const Link& link : links) {
    if (link.person == of && !link.left) {
      if (!link.until) {
        return false;
      }
      left = true;
    }
  }
  return left;
}

template <typename Act>
constexpr bool kIsNo =
    std::is_same_v<Act, Denial> || std::is_same_v<Act, Objection> || std::is_same_v<Act, Restriction>;

template <typename Act>
void Join(const std::vector<Act>& frozen, const Id128& person, const std::vector<Link>& links,
          std::vector<Act>& united) {
  for (const Act& act : frozen) {
    const Id128 of = act.origin.of.IsZero() ? person : act.origin.of;
    const auto copy = std::find_if(united.begin(), united.end(), [&](const Act& kept) {
      return kept.origin.of == of && SameAct(kept, act);
    });
    if (copy != united.end()) {
      TakeIn(act, *copy);
      continue;
    }
    if (!kIsNo<Act> && HasLeft(links, of)) {
      continue;
    }
    united.push_back(act);
    united.back().origin = {of, true};
  }
}

// The act as it goes to the side under whose name it was not said.
template <typename Act>
Act AsSaidBy(Act act) {
  act.origin = {};
  return act;
}
// Of a record it is the other's: the record's lifting is theirs to ask for, and this one's is her own.
Objection AsSaidBy(const Objection& act) {
  Objection own;
  own.supplier = act.supplier;
  own.recorded = act.LastSaid();
  return own;
}

// Those who leave, the canonical one first.
class Leavers {
 public:
  explicit Leavers(const std::vector<Id128>& persons) : persons_(persons) {}
  [[nodiscard]] bool Have(const Id128& person) const {
    return std::find(persons_.begin(), persons_.end(), person) != persons_.end();
  }
  // As it is marked in the canonical one's own history.
  [[nodiscard]] Id128 NameOf(const Id128& of) const { return of == persons_.front() ? Id128() : of; }

 private:
  const std::vector<Id128>& persons_;
};

// What stays and leaves of one kind of act. What is frozen stays where it always was.
template <typename Act, typename StaysWithBoth>
void Divide(const std::vector<Act>& united, const Leavers& leavers, StaysWithBoth both,
            std::vector<Act>& stays, std::vector<Act>& leaves) {
  for (const Act& act : united) {
    if (act.origin.frozen) {
      continue;
    }
    const bool theirs = !act.origin.of.IsZero() && leavers.Have(act.origin.of);
    if (theirs) {
      leaves.push_back(act);
      leaves.back().origin.of = leavers.NameOf(act.origin.of);
    } else {
      stays.push_back(act);
    }
    if (both(act)) {
      (theirs ? stays : leaves).push_back(AsSaidBy(act));
    }
  }
}

// Ends the links of those who leave; gives those that go on elsewhere.
std::vector<Link> EndLinks(const Leavers& leavers, const Id128& link, absl::Time at, const Id128& ended_by,
                           std::vector<Link>& links) {
  std::vector<Link> go_on;
  for (Link& each : links) {
    if (each.until || !leavers.Have(each.person)) {
      continue;
    }
    if (each.id != link) {
      go_on.push_back(each);
      each.went_with = link;
    }
    each.until = at;
    each.ended_by = ended_by;
  }
  return go_on;
}

template <typename Act>
void Overlay(const std::vector<Act>& leaves, std::vector<Act>& own) {
  std::erase_if(own, [&](const Act& act) {
    return std::any_of(leaves.begin(), leaves.end(),
                       [&](const Act& left) { return left.origin.of.IsZero() && SameAct(left, act); });
  });
  own.insert(own.end(), leaves.begin(), leaves.end());
}

}  // namespace

PersonState Unite(const PersonState& canonical, const std::vector<FrozenHistory>& frozen) {
  Lists united = Lists::Of(canonical);
  const std::vector<Link> links = united.links;
  absl::Time latest = canonical.latest();
  // The same whoever was read first: of one no said while they were one each has a copy, of one instant.
  std::vector<const FrozenHistory*> in_order;
  in_order.reserve(frozen.size());
  for (const FrozenHistory& each : frozen) {
    in_order.push_back(&each);
  }
  std::sort(in_order.begin(), in_order.end(),
            [](const FrozenHistory* a, const FrozenHistory* b) { return a->person < b->person; });
  for (const FrozenHistory* each : in_order) {
    const FrozenHistory& history = *each;
    const PersonState& state = history.state;
    latest = std::max(latest, state.latest());
    Join(state.agreements(), history.person, links, united.agreements);
    Join(state.denials(), history.person, links, united.denials);
    Join(state.objections(), history.person, links, united.objections);
    Join(state.emergencies(), history.person, links, united.emergencies);
    Join(state.information(), history.person, links, united.information);
    Join(state.restrictions(), history.person, links, united.restrictions);
  }
  return std::move(united).Build(latest);
}

std::optional<Id128> RootOfTwo(const Id128& one, bool one_has_linked, const Id128& other,
                               bool other_has_linked) {
  if (one_has_linked && other_has_linked) {
    return std::nullopt;
  }
  if (one_has_linked != other_has_linked) {
    return one_has_linked ? one : other;
  }
  return std::min(one, other);
}

bool MayJoin(const PersonState& united, const PersonState& other) {
  const auto names = [](const PersonState& state) {
    return 1 + std::count_if(state.links().begin(), state.links().end(),
                             [](const Link& link) { return !link.until && !link.left; });
  };
  return static_cast<size_t>(names(united) + names(other)) <= kMostNames &&
         united.links().size() < kMostLinks && other.links().size() < kMostLinks;
}

std::vector<Id128> LeavingWith(const std::vector<Link>& links, const Id128& link) {
  std::vector<Id128> leaving;
  for (const Link& each : links) {
    if (each.id == link) {
      leaving.push_back(each.person);
    }
  }
  for (size_t i = 0; i < leaving.size(); ++i) {
    for (const Link& each : links) {
      const bool known = std::find(leaving.begin(), leaving.end(), each.person) != leaving.end();
      if (!each.until && !known && each.via == leaving[i]) {
        leaving.push_back(each.person);
      }
    }
  }
  return leaving;
}

Parted Part(const PersonState& united, const Id128& link, absl::Time at, const Id128& ended_by) {
  Lists stays;
  Lists leaves;
  stays.links = united.links();
  stays.turns = united.turns() + 1;
  const std::vector<Id128> persons = LeavingWith(united.links(), link);
  const Leavers leavers(persons);
  const absl::Time since = united.FindLink(link)->since;
  leaves.links = EndLinks(leavers, link, at, ended_by, stays.links);
  const auto not_shared = [](const auto& /*act*/) { return false; };
  Divide(united.agreements(), leavers, not_shared, stays.agreements, leaves.agreements);
  Divide(united.emergencies(), leavers, not_shared, stays.emergencies, leaves.emergencies);
  Divide(united.information(), leavers, not_shared, stays.information, leaves.information);
  Divide(
      united.denials(), leavers, [since](const Denial& act) { return act.at >= since; }, stays.denials,
      leaves.denials);
  Divide(
      united.objections(), leavers,
      [since](const Objection& act) { return act.LastSaid() >= since && !act.lifted; }, stays.objections,
      leaves.objections);
  Divide(
      united.restrictions(), leavers,
      [since](const Restriction& act) { return act.from >= since && !act.until; }, stays.restrictions,
      leaves.restrictions);
  const absl::Time latest = std::max(at, united.latest());
  return {std::move(stays).Build(latest), std::move(leaves).Build(latest)};
}

PersonState Rejoin(const PersonState& frozen, const PersonState& leaves, Link ended, const Id128& other) {
  Lists own = Lists::Of(frozen);
  Overlay(leaves.agreements(), own.agreements);
  Overlay(leaves.denials(), own.denials);
  Overlay(leaves.objections(), own.objections);
  Overlay(leaves.emergencies(), own.emergencies);
  Overlay(leaves.information(), own.information);
  Overlay(leaves.restrictions(), own.restrictions);
  own.links.insert(own.links.end(), leaves.links().begin(), leaves.links().end());
  ended.person = other;
  ended.left = true;
  own.links.push_back(ended);
  return std::move(own).Build(std::max(frozen.latest(), leaves.latest()));
}

}  // namespace relais::consent
