#include "services/consent/domain/receipt_state.h"

#include <algorithm>

#include "services/consent/domain/against.h"

namespace relais::consent {
namespace {

// As of an instant of `taken`: what its noes of that instant say together.
StateOfReceipt TakenAs(v1::ReceiptState state, absl::Time since, const Taken& taken) {
  StateOfReceipt out{state, since, true, true};
  for (const TookFrom& took : taken.noes) {
    if (took.since == since) {
      out.refused_before = out.refused_before && took.before;
      out.by_representative = out.by_representative && took.represented;
    }
  }
  return out;
}

}  // namespace

StateOfReceipt ReceiptStateOf(const PersonState& state, const Agreement& agreement, const Rules& rules,
                              absl::Time now) {
  if (agreement.EndedBy(now)) {
    return {agreement.ended->invalidated ? v1::RECEIPT_STATE_INVALIDATED : v1::RECEIPT_STATE_TERMINATED,
            agreement.ended->at};
  }
  const Taken taken = WhatWasTaken(state, agreement, rules, now);
  if (taken.whole) {
    return TakenAs(v1::RECEIPT_STATE_WITHDRAWN, *taken.whole, taken);
  }
  const absl::Time until = agreement.TermAt(now).until;
  if (now >= until) {
    return {v1::RECEIPT_STATE_EXPIRED, until};
  }
  if (!taken.noes.empty()) {
    return TakenAs(v1::RECEIPT_STATE_PARTLY_WITHDRAWN, taken.noes.back().since, taken);
  }
  return {now < agreement.valid_from ? v1::RECEIPT_STATE_NOT_YET : v1::RECEIPT_STATE_GIVEN,
          absl::InfinitePast()};
}

}  // namespace relais::consent
