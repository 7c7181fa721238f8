#include "services/consent/handlers/answers.h"

#include "services/consent/convert.h"

namespace relais::consent {

std::string NextStep() {
  return "Demandez son accord à la personne, ou passez par son référent ou par un service qu'elle a choisi. "
         "En danger "
         "immédiat : 15, 17, 18 ou 112.\n"
         "Ask the person for her agreement, or go through her référent or a service she chose. In immediate "
         "danger: "
         "15, 17, 18 or 112.";
}

v1::CheckResponse ResponseOf(const Answer& answer, const std::vector<Obligations>& owed,
                             const Question& question, Sees sees) {
  const bool everything = sees == Sees::kEverything;
  const auto reason_of = [&](const CategoryAnswer& category) {
    return everything || category.permitted() ? category.reason : v1::REASON_NOT_PERMITTED;
  };
  v1::CheckResponse response;
  response.set_decision(answer.whole.decision);
  response.set_ground(answer.whole.ground);
  response.set_reason(reason_of(answer.whole));
  for (size_t i = 0; i < answer.categories.size(); ++i) {
    const CategoryAnswer& category = answer.categories[i];
    v1::CategoryDecision* out = response.add_categories();
    out->set_category(question.categories[i]);
    out->set_decision(category.decision);
    out->set_ground(category.ground);
    out->set_reason(reason_of(category));
    out->mutable_obligations()->Add(owed[i].begin(), owed[i].end());
    if (!everything) {
      continue;
    }
    if (category.basis) {
      out->set_consent_id(category.basis->ToHex());
    }
    if (category.expires != absl::InfiniteFuture()) {
      *out->mutable_expires() = TimeTo(category.expires);
    }
  }
  for (const v1::Obligation obligation : answer.obligations) {
    response.add_obligations(obligation);
  }
  if (!answer.whole.permitted()) {
    response.set_next_step(NextStep());
  }
  return response;
}

}  // namespace relais::consent
