// What a receipt says has become of an agreement. Pure.
#pragma once

#include "absl/time/time.h"
#include "relais/consent/v1/receipt.pb.h"
#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

struct StateOfReceipt {
  v1::ReceiptState state = v1::RECEIPT_STATE_GIVEN;
  absl::Time since = absl::InfinitePast();  // of the withdrawal or the end; InfinitePast while it is in force
  /// Of what is withdrawn, wholly or in part: she had said no before it and it could not answer that
  /// (against.h).
  bool refused_before = false;
  /// Of what is withdrawn, wholly or in part: a representative said the no.
  bool by_representative = false;
};

/// At `now`, by the renewals, the mandate and the ending known then; in the order of StateOf: ended by
/// others, withdrawn, expired. What several acts took back together counts as partly withdrawn. Where persons
/// are linked as one human, a no under another name counts from when they were one (against.h).
[[nodiscard]] StateOfReceipt ReceiptStateOf(const PersonState& state, const Agreement& agreement,
                                            const Rules& rules, absl::Time now);

}  // namespace relais::consent
