#include "services/vault/domain/her_no.h"

#include <algorithm>

namespace relais::vault {
namespace {

template <typename List, typename Value>
bool AllOrHas(const List& list, const Value& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

bool Names(const consent::v1::Recipient& recipient, const Covered& covered) {
  if (!recipient.institution().empty()) {
    return recipient.institution() == covered.institution;
  }
  return recipient.kind().empty() || covered.kind.empty() || recipient.kind() == covered.kind;
}

bool Meets(const consent::v1::ConsentLine& line, const Covered& covered) {
  const auto names = [&](const consent::v1::Recipient& recipient) { return Names(recipient, covered); };
  const auto listed = [&](const std::string& category) { return AllOrHas(line.categories(), category); };
  return AllOrHas(line.purposes(), covered.purpose) && AllOrHas(line.acts(), static_cast<int>(covered.act)) &&
         (line.recipients().empty() ||
          std::any_of(line.recipients().begin(), line.recipients().end(), names)) &&
         (covered.categories.empty() ||
          std::any_of(covered.categories.begin(), covered.categories.end(), listed));
}

}  // namespace

bool Touches(const HerNo& no, const Covered& covered) {
  return no.lines.empty() || std::any_of(no.lines.begin(), no.lines.end(),
                                         [&](const auto& line) { return Meets(line, covered); });
}

bool Ends(const HerNo& no, const Covered& covered) {
  const bool names_another =
      !no.consent_id.empty() && !covered.consent_id.empty() && no.consent_id != covered.consent_id;
  return !names_another && Touches(no, covered);
}

}  // namespace relais::vault
