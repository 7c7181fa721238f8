#include "services/consent/domain/consent_state.h"

#include <algorithm>

#include "services/consent/domain/against.h"

namespace relais::consent {
namespace {

v1::ConsentState EndedAs(const Agreement::Ended& ended) {
  return ended.invalidated ? v1::CONSENT_STATE_INVALIDATED : v1::CONSENT_STATE_TERMINATED;
}

v1::ConsentState StateBy(const Agreement& agreement, const Taken& taken, absl::Time now) {
  if (agreement.EndedBy(now)) {
    return EndedAs(*agreement.ended);
  }
  if (taken.whole) {
    return v1::CONSENT_STATE_WITHDRAWN;
  }
  if (now >= agreement.TermAt(now).until) {
    return v1::CONSENT_STATE_EXPIRED;
  }
  if (!taken.noes.empty()) {
    return v1::CONSENT_STATE_PARTLY_WITHDRAWN;
  }
  return agreement.renewals.empty() ? v1::CONSENT_STATE_GIVEN : v1::CONSENT_STATE_RENEWED;
}

std::vector<ConsentChange> ChangesBy(const Agreement& agreement, const Taken& taken, absl::Time now) {
  std::vector<ConsentChange> changes = {{agreement.at, v1::CONSENT_STATE_GIVEN}};
  for (const Renewal& renewal : agreement.renewals) {
    changes.push_back({renewal.at, v1::CONSENT_STATE_RENEWED});
  }
  for (const TookFrom& took : taken.noes) {
    if (!taken.whole || took.since < *taken.whole) {
      changes.push_back({took.since, v1::CONSENT_STATE_PARTLY_WITHDRAWN});
    }
  }
  if (taken.whole) {
    changes.push_back({*taken.whole, v1::CONSENT_STATE_WITHDRAWN});
  }
  const absl::Time until = agreement.TermAt(now).until;
  const bool ended_before = agreement.EndedBy(now) && agreement.ended->at < until;
  if (now >= until && !taken.whole && !ended_before) {
    changes.push_back({until, v1::CONSENT_STATE_EXPIRED});
  }
  if (agreement.EndedBy(now)) {
    changes.push_back({agreement.ended->at, EndedAs(*agreement.ended)});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const ConsentChange& one, const ConsentChange& other) { return one.at < other.at; });
  return changes;
}

}  // namespace

ConsentHistory HistoryOf(const PersonState& state, const Agreement& agreement, const Rules& rules,
                         absl::Time now) {
  const Taken taken = WhatWasTaken(state, agreement, rules, now);
  return {StateBy(agreement, taken, now), ChangesBy(agreement, taken, now)};
}

v1::ConsentState StateOf(const PersonState& state, const Agreement& agreement, const Rules& rules,
                         absl::Time now) {
  return StateBy(agreement, WhatWasTaken(state, agreement, rules, now), now);
}

bool IsRenewable(v1::ConsentState state) {
  return state == v1::CONSENT_STATE_GIVEN || state == v1::CONSENT_STATE_RENEWED ||
         state == v1::CONSENT_STATE_PARTLY_WITHDRAWN;
}

}  // namespace relais::consent
