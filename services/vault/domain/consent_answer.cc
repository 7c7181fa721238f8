#include "services/vault/domain/consent_answer.h"

#include <algorithm>

namespace relais::vault {

bool RestsOn(const ConsentAnswer& answer, const std::vector<std::string>& categories,
             const std::string& consent_id) {
  if (answer.decision != common::v1::DECISION_PERMIT || consent_id.empty() || categories.empty()) {
    return false;
  }
  return std::all_of(categories.begin(), categories.end(), [&](const std::string& wanted) {
    const auto found = std::find_if(answer.categories.begin(), answer.categories.end(),
                                    [&](const ConsentAnswer::Category& c) { return c.category == wanted; });
    return found != answer.categories.end() && found->decision == common::v1::DECISION_PERMIT &&
           found->ground == common::v1::GROUND_AGREEMENT && found->consent_id == consent_id;
  });
}

absl::Time EndOf(const ConsentAnswer& answer) {
  absl::Time end = absl::InfiniteFuture();
  for (const ConsentAnswer::Category& category : answer.categories) {
    end = std::min(end, category.expires);
  }
  return end;
}

}  // namespace relais::vault
