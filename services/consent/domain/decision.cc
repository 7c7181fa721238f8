#include "services/consent/domain/decision.h"

#include <algorithm>

#include "services/consent/domain/her_acts.h"
#include "services/consent/domain/restriction.h"
#include "services/consent/domain/stated_ground.h"

namespace relais::consent {
namespace {

CategoryAnswer Permit(common::v1::Ground ground, v1::Reason reason) {
  CategoryAnswer answer;
  answer.decision = common::v1::DECISION_PERMIT;
  answer.ground = ground;
  answer.reason = reason;
  return answer;
}

CategoryAnswer Deny(v1::Reason reason, bool represented = false) {
  CategoryAnswer answer;
  answer.reason = reason;
  answer.represented = represented;
  return answer;
}

const Emergency* FindEmergency(const PersonState& state, const Question& question, std::string_view category,
                               const Rules& rules, absl::Time now) {
  if (question.act == common::v1::ACT_HOST || rules.CategoryOf(category).offence) {
    return nullptr;
  }
  const Emergency* found = nullptr;
  for (const Emergency& emergency : state.emergencies()) {
    const bool covers = emergency.recipient == question.recipient &&
                        (emergency.recipient_function.empty() ||
                         emergency.recipient_function == question.recipient_function) &&
                        emergency.CountsAt(now) &&
                        std::find(emergency.categories.begin(), emergency.categories.end(), category) !=
                            emergency.categories.end();
    if (covers && (found == nullptr || emergency.until > found->until)) {
      found = &emergency;
    }
  }
  return found;
}

CategoryAnswer DecideCategory(const PersonState& state, const Question& question, std::string_view category,
                              const Rules& rules, const Moment& moment, const Teams& teams) {
  if (moment.now > rules.not_after) {
    return Deny(v1::REASON_DIRECTORY_EXPIRED);
  }
  if (question.recipient != question.sender && rules.OnlySends(question.recipient)) {
    return Deny(v1::REASON_RECIPIENT_NOT_ALLOWED);
  }
  if (rules.CategoryOf(category).offence && !rules.MaySendOffenceData(question.sender, moment.today)) {
    return Deny(v1::REASON_OFFENCE_NOT_AUTHORISED);
  }
  const common::v1::Ground stated = question.stated.ground;
  v1::Reason missing = v1::REASON_UNSPECIFIED;
  if (IsLegalDuty(stated)) {
    missing = JudgeLegalDuty(question, category, rules);
    if (missing == v1::REASON_LEGAL_DUTY) {
      return Permit(stated, missing);
    }
  }
  const HerWord word = ReadHerActs(state, question, category, rules, moment.now);
  if (word.denied != v1::REASON_UNSPECIFIED) {
    return Deny(word.denied, word.represented);
  }
  if (IsOptOut(stated)) {
    missing = JudgeOptOut(question, category, rules, moment.today);
    if (missing == v1::REASON_OPT_OUT_REGIME) {
      return Permit(stated, missing);
    }
  }
  if (stated == common::v1::GROUND_AUTHORISED_EXIT) {
    missing = JudgeAuthorisedExit(question, category, rules, moment.today);
    if (missing == v1::REASON_AUTHORISED_EXIT) {
      return Permit(stated, missing);
    }
  }
  if (const Information* told = FindTeamGround(state, teams, question, category, rules, moment.now);
      told != nullptr) {
    CategoryAnswer answer = Permit(common::v1::GROUND_TEAM, v1::REASON_TEAM);
    answer.basis = told->id;
    return answer;
  }
  if (word.agreement != nullptr) {
    CategoryAnswer answer = Permit(common::v1::GROUND_AGREEMENT, v1::REASON_AGREEMENT);
    answer.basis = word.agreement->id;
    answer.represented = word.represented;
    answer.expires = word.agreement->TermAt(moment.now).until;
    return answer;
  }
  if (const Emergency* emergency = FindEmergency(state, question, category, rules, moment.now);
      emergency != nullptr) {
    CategoryAnswer answer = Permit(common::v1::GROUND_EMERGENCY, v1::REASON_EMERGENCY);
    answer.basis = emergency->id;
    answer.expires = emergency->until;
    return answer;
  }
  if (missing != v1::REASON_UNSPECIFIED) {
    return Deny(missing);
  }
  return word.lacking == v1::REASON_UNSPECIFIED ? Deny(v1::REASON_NO_GROUND)
                                                : Deny(word.lacking, word.represented);
}

void AddObligations(common::v1::Ground ground, bool offence, std::vector<v1::Obligation>& out) {
  const auto add = [&](v1::Obligation obligation) {
    if (std::find(out.begin(), out.end(), obligation) == out.end()) {
      out.push_back(obligation);
    }
  };
  switch (ground) {
    case common::v1::GROUND_ART2:
    case common::v1::GROUND_ART6:
    case common::v1::GROUND_CONVENTION:
      add(v1::OBLIGATION_DECREE_FIELDS_ONLY);
      add(v1::OBLIGATION_INFORM_AT_FIRST_CONTACT);
      break;
    case common::v1::GROUND_CP_226_14_1:
    case common::v1::GROUND_AUTHORISED_EXIT:
      add(v1::OBLIGATION_INFORM_AT_FIRST_CONTACT);
      break;
    case common::v1::GROUND_INFO_PREOCCUPANTE:
    case common::v1::GROUND_CASF_226_2_2:
      add(v1::OBLIGATION_INFORM_PARENTS_AND_CHILD);
      break;
    case common::v1::GROUND_EMERGENCY:
      add(v1::OBLIGATION_INFORM_AND_REVIEW);
      break;
    case common::v1::GROUND_TEAM:
      add(v1::OBLIGATION_STRICTLY_NECESSARY);
      break;
    default:
      break;  // an agreement was given knowingly: nothing is owed later
  }
  if (offence) {
    add(v1::OBLIGATION_LEAVING_AND_DATE_ONLY);
  }
}

// The order of D-2.6, and before it what a restriction of processing leaves of it: no team, so that its step
// does not stand before her agreement's and an emergency's.
std::vector<CategoryAnswer> DecideCategories(const PersonState& state, const Question& question,
                                             const Rules& rules, const Moment& moment, const Teams& teams) {
  if (const std::optional<UnderRestriction> left = WhatRestrictionLeaves(state, question, moment.now)) {
    std::vector<CategoryAnswer> answers =
        DecideCategories(left->state, left->question, rules, moment, Teams());
    for (CategoryAnswer& answer : answers) {
      if (!SurvivesRestriction(answer)) {
        answer = Deny(v1::REASON_RESTRICTED);
      }
    }
    return answers;
  }
  std::vector<CategoryAnswer> answers;
  answers.reserve(question.categories.size());
  for (const std::string& category : question.categories) {
    answers.push_back(DecideCategory(state, question, category, rules, moment, teams));
  }
  return answers;
}

}  // namespace

std::vector<v1::Obligation> ObligationsOf(const CategoryAnswer& answer, std::string_view category,
                                          const Rules& rules) {
  std::vector<v1::Obligation> owed;
  if (answer.permitted()) {
    AddObligations(answer.ground, rules.CategoryOf(category).offence, owed);
  }
  return owed;
}

Answer Decide(const PersonState& state, const Question& question, const Rules& rules, const Moment& moment,
              const Teams& teams) {
  Answer answer;
  answer.categories = DecideCategories(state, question, rules, moment, teams);
  const auto denied = std::find_if(answer.categories.begin(), answer.categories.end(),
                                   [](const CategoryAnswer& category) { return !category.permitted(); });
  if (denied != answer.categories.end() || answer.categories.empty()) {
    answer.whole = denied != answer.categories.end() ? *denied : Deny(v1::REASON_NO_GROUND);
    return answer;
  }
  answer.whole = answer.categories.front();
  for (size_t i = 0; i < answer.categories.size(); ++i) {
    const CategoryAnswer& category = answer.categories[i];
    answer.whole.expires = std::min(answer.whole.expires, category.expires);
    AddObligations(category.ground, rules.CategoryOf(question.categories[i]).offence, answer.obligations);
  }
  return answer;
}

}  // namespace relais::consent
