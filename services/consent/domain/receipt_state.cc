#include "services/consent/domain/receipt_state.h"

#include <algorithm>
#include <optional>

#include "services/consent/domain/against.h"

namespace relais::consent {
namespace {

// When this no took something from it, while it ran; nullopt: never.
std::optional<absl::Time> TouchedAt(const PersonState& state, const Denial& denial,
                                    const Agreement& agreement, const Rules& rules, absl::Time now) {
  std::optional<absl::Time> touched;
  for (const Line& line : agreement.lines) {
    const NoAgainst no = Against(state, denial, agreement, line, rules, now);
    if (no.takes != Takes::kNothing && no.since <= now && no.since < agreement.TermAt(no.since).until) {
      touched = std::max(touched.value_or(no.since), no.since);
    }
  }
  return touched;
}

}  // namespace

StateOfReceipt ReceiptStateOf(const PersonState& state, const Agreement& agreement, const Rules& rules,
                              absl::Time now) {
  if (agreement.EndedBy(now)) {
    return {agreement.ended->invalidated ? v1::RECEIPT_STATE_INVALIDATED : v1::RECEIPT_STATE_TERMINATED,
            agreement.ended->at};
  }
  std::optional<absl::Time> touched;
  for (const Denial& denial : state.denials()) {
    if (const std::optional<absl::Time> at = TouchedAt(state, denial, agreement, rules, now)) {
      touched = std::max(touched.value_or(*at), *at);
    }
  }
  if (touched && (agreement.ended || AllIsTaken(state, agreement, rules, now))) {
    return {v1::RECEIPT_STATE_WITHDRAWN, *touched};
  }
  const absl::Time until = agreement.TermAt(now).until;
  if (now >= until) {
    return {v1::RECEIPT_STATE_EXPIRED, until};
  }
  if (touched) {
    return {v1::RECEIPT_STATE_PARTLY_WITHDRAWN, *touched};
  }
  return {now < agreement.valid_from ? v1::RECEIPT_STATE_NOT_YET : v1::RECEIPT_STATE_GIVEN,
          absl::InfinitePast()};
}

}  // namespace relais::consent
