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
  agreements_.push_back(std::move(agreement));
}

void PersonState::Add(Denial denial) {
  Moved(denial.at);
  denials_.push_back(std::move(denial));
}

void PersonState::Add(Emergency emergency) {
  Moved(emergency.from);
  emergencies_.push_back(std::move(emergency));
}

void PersonState::Add(Information information) {
  Moved(information.at);
  information_.push_back(std::move(information));
}

namespace {

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
  found->renewals.push_back(renewal);
  return true;
}

bool PersonState::End(const Id128& agreement, Agreement::Ended ended) {
  Agreement* found = FindById(agreements_, agreement);
  if (found == nullptr || (found->ended && (found->ended->invalidated || !ended.invalidated))) {
    return false;
  }
  Moved(ended.at);
  found->ended = ended;
  return true;
}

bool PersonState::Review(const Id128& emergency, absl::Time at, v1::ReviewOutcome outcome) {
  Emergency* found = FindById(emergencies_, emergency);
  if (found == nullptr || found->reviewed) {
    return false;
  }
  Moved(at);
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
  found->informed = at;
  return true;
}

const Emergency* PersonState::FindEmergency(const Id128& id) const { return FindById(emergencies_, id); }

void PersonState::Add(Restriction restriction) {
  Moved(restriction.from);
  restrictions_.push_back(std::move(restriction));
}

std::optional<Id128> PersonState::EndRestriction(std::string_view institution, absl::Time at) {
  for (Restriction& restriction : restrictions_) {
    if (restriction.institution == institution && !restriction.until) {
      restriction.until = at;
      Moved(at);
      return restriction.id;
    }
  }
  return std::nullopt;
}

const Restriction* PersonState::FindRestriction(std::string_view institution) const {
  const auto found =
      std::find_if(restrictions_.begin(), restrictions_.end(), [&](const Restriction& restriction) {
        return restriction.institution == institution && !restriction.until;
      });
  return found == restrictions_.end() ? nullptr : &*found;
}

PersonState PersonState::WithoutAgreementsBefore(absl::Time since) const {
  PersonState state = *this;
  std::erase_if(state.agreements_, [&](const Agreement& agreement) { return agreement.recorded < since; });
  state.restrictions_.clear();
  return state;
}

Objection* PersonState::FindObjection(std::string_view supplier, uint32_t key_version,
                                      std::string_view digest) {
  // The newest first: an objection that was lifted and made again has two entries.
  const auto found = std::find_if(objections_.rbegin(), objections_.rend(), [&](const Objection& objection) {
    return objection.supplier == supplier && objection.key_version == key_version &&
           objection.digest == digest;
  });
  return found == objections_.rend() ? nullptr : &*found;
}

bool PersonState::Record(Objection objection) {
  Objection* last = FindObjection(objection.supplier, objection.key_version, objection.digest);
  if (last != nullptr && !objection.digest.empty() && last->generation >= objection.generation) {
    return false;
  }
  Moved(objection.recorded);
  if (last != nullptr && !last->lifted) {
    last->generation = objection.generation;  // renewed: it binds since it was first made
    return true;
  }
  objection.lifted.reset();
  objections_.push_back(std::move(objection));
  return true;
}

bool PersonState::LiftRecord(std::string_view supplier, uint32_t key_version, std::string_view digest,
                             uint64_t generation, absl::Time at) {
  Objection* last = FindObjection(supplier, key_version, digest);
  if (last == nullptr) {
    // Remembered all the same: the objection it lifts may still be on its way here.
    objections_.push_back({std::string(supplier), key_version, std::string(digest), generation, at, at});
    Moved(at);
    return true;
  }
  if (last->generation >= generation) {
    return false;
  }
  last->generation = generation;
  if (!last->lifted) {
    last->lifted = at;
    Moved(at);
  }
  return true;
}

bool PersonState::LiftOwn(std::string_view supplier, absl::Time at) {
  Objection* last = FindObjection(supplier, 0, "");
  if (last == nullptr || last->lifted) {
    return false;
  }
  last->lifted = at;
  Moved(at);
  return true;
}

const Agreement* PersonState::FindAgreement(const Id128& id) const { return FindById(agreements_, id); }

}  // namespace relais::consent
