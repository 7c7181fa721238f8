#include "services/consent/domain/receipt_state.h"

#include <algorithm>

#include "services/consent/domain/expiry.h"
#include "services/consent/domain/her_acts.h"

namespace relais::consent {
namespace {

bool Touches(const Denial& denial, const Agreement& agreement, const Rules& rules) {
  if (denial.at < agreement.at || (denial.agreement && *denial.agreement != agreement.id)) {
    return false;
  }
  return std::any_of(denial.lines.begin(), denial.lines.end(), [&](const Line& no) {
    return std::any_of(agreement.lines.begin(), agreement.lines.end(),
                       [&](const Line& yes) { return Overlap(no, yes, rules); });
  });
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
    if (denial.at <= now && denial.at < agreement.TermAt(denial.at).until &&
        Touches(denial, agreement, rules)) {
      touched = std::max(touched.value_or(denial.at), denial.at);
    }
  }
  if (touched && IsTakenBack(state, agreement, rules)) {
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
