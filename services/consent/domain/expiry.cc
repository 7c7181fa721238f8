#include "services/consent/domain/expiry.h"

#include <algorithm>

namespace relais::consent {
namespace {

// An empty list of a denial means "all".
template <typename List>
bool Holds(const List& denied, const List& agreed) {
  return denied.empty() || std::all_of(agreed.begin(), agreed.end(), [&](const auto& value) {
           return std::find(denied.begin(), denied.end(), value) != denied.end();
         });
}

bool HoldsRecipients(const std::vector<Recipient>& denied, const std::vector<Recipient>& agreed,
                     const Rules& rules) {
  return denied.empty() || std::all_of(agreed.begin(), agreed.end(), [&](const Recipient& recipient) {
           return std::any_of(denied.begin(), denied.end(), [&](const Recipient& no) {
             return no == recipient || (!no.kind.empty() && !recipient.institution.empty() &&
                                        rules.KindOf(recipient.institution) == no.kind);
           });
         });
}

}  // namespace

bool HoldsLine(const Line& denied, const Line& agreed, const Rules& rules) {
  return Holds(denied.purposes, agreed.purposes) && Holds(denied.categories, agreed.categories) &&
         Holds(denied.acts, agreed.acts) && HoldsRecipients(denied.recipients, agreed.recipients, rules);
}

bool IsTakenBack(const PersonState& state, const Agreement& agreement, const Rules& rules) {
  if (agreement.ended) {
    return true;
  }
  return std::all_of(agreement.lines.begin(), agreement.lines.end(), [&](const Line& line) {
    return std::any_of(state.denials().begin(), state.denials().end(), [&](const Denial& denial) {
      const bool concerns =
          denial.at >= agreement.at && (!denial.agreement || denial.agreement == agreement.id);
      return concerns && std::any_of(denial.lines.begin(), denial.lines.end(),
                                     [&](const Line& no) { return HoldsLine(no, line, rules); });
    });
  });
}

}  // namespace relais::consent
