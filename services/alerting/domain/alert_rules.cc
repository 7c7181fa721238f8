#include "services/alerting/domain/alert_rules.h"

#include <algorithm>

namespace relais::alerting {
namespace {

// The same day `months` later, or the last of that month. D-1.11: that day still belongs to the period.
absl::CivilDay MonthsAfter(absl::CivilDay day, int months) {
  const absl::CivilMonth month = absl::CivilMonth(day) + months;
  const absl::CivilDay last = absl::CivilDay(month + 1) - 1;
  return std::min(last, absl::CivilDay(month) + (day.day() - 1));
}

bool IsOf(const feeds::Dossier& dossier, const feeds::EdfRow& row) {
  return dossier.fluide == row.fluide && dossier.periode == row.periode;
}

// D-1.13: enough distinct dossiers within twelve months, this row's among them; settled ones included: what
// recurs is the difficulty. Whatever the order in which the rows came. Which of them recur so, by position.
std::vector<bool> RecurringDossiers(const feeds::EdfRow& row, const RecordFacts& facts,
                                    const RuleSettings& settings) {
  std::vector<bool> recurring(facts.dossiers.size(), false);
  const auto own = std::find_if(facts.dossiers.begin(), facts.dossiers.end(),
                                [&](const feeds::Dossier& d) { return IsOf(d, row); });
  if (own == facts.dossiers.end()) {
    return recurring;
  }
  for (const feeds::Dossier& first : facts.dossiers) {
    const absl::CivilDay from = first.earliest_event;
    const absl::CivilDay to = MonthsAfter(from, settings.months);
    const auto within = [&](const feeds::Dossier& d) {
      return from <= d.earliest_event && d.earliest_event <= to;
    };
    const auto count = std::count_if(facts.dossiers.begin(), facts.dossiers.end(), within);
    if (!within(*own) || static_cast<size_t>(count) < settings.dossiers) {
      continue;
    }
    for (size_t i = 0; i < facts.dossiers.size(); ++i) {
      recurring[i] = recurring[i] || within(facts.dossiers[i]);
    }
  }
  return recurring;
}

bool RecursByDossiers(const feeds::EdfRow& row, const RecordFacts& facts, const RuleSettings& settings) {
  const std::vector<bool> recurring = RecurringDossiers(row, facts, settings);
  return std::find(recurring.begin(), recurring.end(), true) != recurring.end();
}

// D-1.13: the bill before or the bill after.
bool IsNextTo(const feeds::Dossier& dossier, const feeds::EdfRow& row) {
  return dossier.fluide == row.fluide &&
         (dossier.periode.last + 1 == row.periode->first || row.periode->last + 1 == dossier.periode.first);
}

// It is unpaid, or was.
bool RecursByPeriods(const feeds::EdfRow& row, const RecordFacts& facts) {
  return std::any_of(facts.dossiers.begin(), facts.dossiers.end(),
                     [&](const feeds::Dossier& d) { return IsNextTo(d, row); });
}

}  // namespace

std::string_view RuleName(Rule rule) {
  switch (rule) {
    case Rule::kCutOrReduction:
      return "CUT_OR_REDUCTION";
    case Rule::kRecurrenceDossiers:
      return "RECURRENCE_DOSSIERS";
    case Rule::kRecurrencePeriods:
      return "RECURRENCE_PERIODS";
    case Rule::kLinkedSign:
      return "LINKED_SIGN";
    case Rule::kDistressReport:
      return "DISTRESS_REPORT";
  }
  return "";
}

std::optional<Rule> RuleOf(const feeds::EdfRow& row, const RecordFacts& facts, const RuleSettings& settings) {
  if (feeds::IsCancelling(row.evenement)) {
    return std::nullopt;
  }
  if (feeds::IsCutOrReduction(row.evenement)) {
    return Rule::kCutOrReduction;
  }
  if (RecursByDossiers(row, facts, settings)) {
    return Rule::kRecurrenceDossiers;
  }
  if (RecursByPeriods(row, facts)) {
    return Rule::kRecurrencePeriods;
  }
  if (facts.registered && facts.linked_sign) {
    return Rule::kLinkedSign;
  }
  return std::nullopt;
}

std::vector<size_t> DossiersOfRecurrence(const feeds::EdfRow& row, const RecordFacts& facts,
                                         const RuleSettings& settings) {
  const std::vector<bool> recurring = RecurringDossiers(row, facts, settings);
  std::vector<size_t> positions;
  for (size_t i = 0; i < facts.dossiers.size(); ++i) {
    if (recurring[i] || IsOf(facts.dossiers[i], row) || IsNextTo(facts.dossiers[i], row)) {
      positions.push_back(i);
    }
  }
  return positions;
}

}  // namespace relais::alerting
