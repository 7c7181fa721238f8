#include "services/consent/domain/team.h"

#include <algorithm>

namespace relais::consent {
namespace {

template <typename List, typename Value>
bool Has(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool IsActive(const Mission& mission, std::string_view institution, std::string_view function,
              absl::Time now) {
  return mission.institution == institution && mission.function == function && !function.empty() &&
         mission.from <= now && (!mission.until || now < *mission.until);
}

// Named one by one: somebody is told of institutions, not of kinds.
bool Told(const Information& information, const Question& question, std::string_view category) {
  return std::any_of(information.lines.begin(), information.lines.end(), [&](const Line& line) {
    return Has(line.purposes, question.purpose) && Has(line.categories, category) &&
           (line.acts.empty() || Has(line.acts, question.act)) &&
           std::any_of(line.recipients.begin(), line.recipients.end(), [&](const Recipient& recipient) {
             return recipient.institution == question.recipient;
           });
  });
}

bool InOneTeam(const Teams& teams, const Question& question, absl::Time now) {
  return std::any_of(teams.missions.begin(), teams.missions.end(), [&](const Mission& theirs) {
    return IsActive(theirs, question.recipient, question.recipient_function, now) &&
           std::any_of(teams.missions.begin(), teams.missions.end(), [&](const Mission& ours) {
             return ours.team == theirs.team &&
                    IsActive(ours, question.sender, question.sender_function, now);
           });
  });
}

}  // namespace

bool MayBeTeam(const PersonState& state, const Question& question, const Rules& rules) {
  return !state.information().empty() &&
         (question.act == common::v1::ACT_TRANSMIT || question.act == common::v1::ACT_CONSULT) &&
         rules.IsBoundBySecrecy(question.sender, question.sender_function) &&
         rules.IsBoundBySecrecy(question.recipient, question.recipient_function);
}

const Information* FindTeamGround(const PersonState& state, const Teams& teams, const Question& question,
                                  std::string_view category, const Rules& rules, absl::Time now) {
  const CategoryRule rule = rules.CategoryOf(category);
  if (!teams.known || rule.special || rule.offence || !MayBeTeam(state, question, rules) ||
      !InOneTeam(teams, question, now)) {
    return nullptr;
  }
  for (const Information& information : state.information()) {
    const bool by_one_of_them = information.by == question.sender || information.by == question.recipient;
    if (by_one_of_them && information.at <= now &&
        rules.IsBoundBySecrecy(information.by, information.by_function) &&
        Told(information, question, category)) {
      return &information;
    }
  }
  return nullptr;
}

}  // namespace relais::consent
