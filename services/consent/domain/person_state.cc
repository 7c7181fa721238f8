#include "services/consent/domain/person_state.h"

#include <algorithm>
#include <utility>

namespace relais::consent {

absl::Time PersonState::InstantOfNext(absl::Time now) const {
  const absl::Time whole = absl::FromUnixMicros(absl::ToUnixMicros(now));  // as stored
  return std::max(whole, latest_ + absl::Microseconds(1));
}

void PersonState::Add(Agreement agreement) {
  Moved(agreement.recorded);
  agreement.origin = {speaking_, false};
  agreements_.push_back(std::move(agreement));
}

void PersonState::Add(Denial denial) {
  Moved(denial.at);
  const Agreement* taken = denial.agreement ? FindAgreement(*denial.agreement) : nullptr;
  if (taken != nullptr && !denial.taken_back) {
    denial.taken_back =
        TakenBack{taken->lines, taken->source_reference, taken->reference_of, taken->child_protection_only};
  }
  denial.origin = {speaking_, false};
  denials_.push_back(std::move(denial));
}

void PersonState::Add(Emergency emergency) {
  Moved(emergency.from);
  emergency.origin = {speaking_, false};
  emergencies_.push_back(std::move(emergency));
}

void PersonState::Add(Information information) {
  Moved(information.at);
  information.origin = {speaking_, false};
  information_.push_back(std::move(information));
}

namespace {

bool SameRecord(const Objection& a, const Objection& b) {
  return a.supplier == b.supplier && a.key_version == b.key_version && a.digest == b.digest;
}

template <typename List>
auto* FindById(List& list, const Id128& id) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& each) { return each.id == id; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

bool PersonState::Renew(const Id128& agreement, Renewal renewal) {
  Agreement* found = FindById(agreements_, agreement);
  if (found == nullptr) {
    return false;
  }
  Moved(renewal.at);
  found->origin.frozen = false;
  found->renewals.push_back(renewal);
  return true;
}

bool PersonState::End(const Id128& agreement, Agreement::Ended ended) {
  Agreement* found = FindById(agreements_, agreement);
  if (found == nullptr || (found->ended && (found->ended->invalidated || !ended.invalidated))) {
    return false;
  }
  Moved(ended.at);
  found->origin.frozen = false;
  found->ended = ended;
  return true;
}

bool PersonState::Review(const Id128& emergency, absl::Time at, v1::ReviewOutcome outcome) {
  Emergency* found = FindById(emergencies_, emergency);
  if (found == nullptr || found->reviewed) {
    return false;
  }
  Moved(at);
  found->origin.frozen = false;
  found->reviewed = at;
  found->outcome = outcome;
  found->declared_agent.clear();
  return true;
}

bool PersonState::Inform(const Id128& emergency, absl::Time at) {
  Emergency* found = FindById(emergencies_, emergency);
  if (found == nullptr || found->informed) {
    return false;
  }
  Moved(at);
  found->origin.frozen = false;
  found->informed = at;
  return true;
}

const Emergency* PersonState::FindEmergency(const Id128& id) const { return FindById(emergencies_, id); }

void PersonState::Add(Restriction restriction) {
  Moved(restriction.from);
  restriction.origin = {speaking_, false};
  restrictions_.push_back(std::move(restriction));
}

std::optional<Id128> PersonState::EndRestriction(std::string_view institution, absl::Time at) {
  std::optional<Id128> ended;
  for (Restriction& restriction : restrictions_) {
    if (restriction.institution == institution && !restriction.until && restriction.origin.of == speaking_) {
      restriction.origin.frozen = false;
      restriction.until = at;
      Moved(at);
      ended = ended ? ended : restriction.id;
    }
  }
  return ended;
}

const Restriction* PersonState::FindRestriction(std::string_view institution) const {
  const auto found =
      std::find_if(restrictions_.begin(), restrictions_.end(), [&](const Restriction& restriction) {
        return restriction.institution == institution && !restriction.until &&
               restriction.origin.of == speaking_;
      });
  return found == restrictions_.end() ? nullptr : &*found;
}

PersonState PersonState::Without(const std::function<bool(const Agreement&)>& agreements) const {
  PersonState state = *this;
  std::erase_if(state.agreements_, agreements);
  state.restrictions_.clear();
  return state;
}

Objection* PersonState::FindObjection(std::string_view supplier, uint32_t key_version,
                                      std::string_view digest) {
  // The newest first: an objection that was lifted and made again has two entries.
  const auto found = std::find_if(objections_.rbegin(), objections_.rend(), [&](const Objection& objection) {
    return objection.origin.of == speaking_ && objection.supplier == supplier &&
           objection.key_version == key_version && objection.digest == digest;
  });
  return found == objections_.rend() ? nullptr : &*found;
}

bool PersonState::Record(Objection objection) {
  const auto newer = [&](const Objection& known) {
    return known.origin.of == speaking_ && !objection.digest.empty() && SameRecord(known, objection) &&
           known.generation >= objection.generation;
  };
  if (std::any_of(objections_.begin(), objections_.end(), newer)) {
    return false;
  }
  Moved(objection.recorded);
  Objection* last = FindObjection(objection.supplier, objection.key_version, objection.digest);
  if (last != nullptr && !last->lifted) {
    last->generation = objection.generation;  // renewed: it binds since it was first made
    last->said_again = objection.recorded;
    last->origin.frozen = false;
    return true;
  }
  objection.lifted.reset();
  objection.said_again.reset();
  objection.origin = {speaking_, false};
  objections_.push_back(std::move(objection));
  return true;
}

bool PersonState::LiftRecord(std::string_view supplier, uint32_t key_version, std::string_view digest,
                             uint64_t generation, absl::Time at) {
  const Objection* last = FindObjection(supplier, key_version, digest);
  bool known = false;
  bool changed = false;
  for (Objection& objection : objections_) {
    if (objection.origin.of != speaking_ || objection.supplier != supplier ||
        objection.key_version != key_version || objection.digest != digest) {
      continue;
    }
    known = true;
    // An older one that was lifted before stays as it was.
    if (objection.generation >= generation || (objection.lifted && &objection != last)) {
      continue;
    }
    objection.generation = generation;
    objection.origin.frozen = false;
    changed = true;
    if (!objection.lifted) {
      objection.lifted = at;
      Moved(at);
    }
  }
  if (!known) {
    // Remembered all the same: the objection it lifts may still be on its way here.
    objections_.push_back(
        {std::string(supplier), key_version, std::string(digest), generation, at, at, {speaking_, false}});
    Moved(at);
  }
  return changed || !known;
}

bool PersonState::LiftOwn(std::string_view supplier, absl::Time at) {
  bool lifted = false;
  for (Objection& objection : objections_) {
    if (objection.origin.of == speaking_ && objection.supplier == supplier && objection.digest.empty() &&
        !objection.lifted) {
      objection.lifted = at;
      objection.origin.frozen = false;
      lifted = true;
      Moved(at);
    }
  }
  return lifted;
}

void PersonState::LinkTo(LinkedTo to) {
  Moved(to.since);
  linked_to_ = to;
  ++turns_;
}

bool PersonState::HasLinked() const {
  return std::any_of(links_.begin(), links_.end(),
                     [](const Link& link) { return !link.until && !link.left; });
}

void PersonState::Add(Link link) {
  Moved(link.since);
  links_.push_back(link);
  ++turns_;
}

const Link* PersonState::FindLink(const Id128& link) const { return FindById(links_, link); }

absl::Time PersonState::OneSince(const Id128& name, const Id128& other) const {
  if (name == other) {
    return absl::InfinitePast();
  }
  absl::Time since = absl::InfinitePast();
  for (const Id128& each : {name, other}) {
    if (each.IsZero()) {
      continue;
    }
    const auto found = std::find_if(links_.begin(), links_.end(), [&](const Link& link) {
      return link.person == each && !link.until && !link.left;
    });
    since = found == links_.end() ? absl::InfiniteFuture() : std::max(since, found->since);
  }
  return since;
}

void PersonState::Forget(const std::vector<Id128>& agreements) {
  std::erase_if(agreements_, [&](const Agreement& agreement) {
    return std::find(agreements.begin(), agreements.end(), agreement.id) != agreements.end();
  });
}

const Agreement* PersonState::FindAgreement(const Id128& id) const { return FindById(agreements_, id); }

}  // namespace relais::consent
