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
// recurs is the difficulty. Whatever the order in which the rows came.
bool RecursByDossiers(const feeds::EdfRow& row, const RecordFacts& facts, const RuleSettings& settings) {
  const auto own = std::find_if(facts.dossiers.begin(), facts.dossiers.end(),
                                [&](const feeds::Dossier& d) { return IsOf(d, row); });
  if (own == facts.dossiers.end()) {
    return false;
  }
  return std::any_of(facts.dossiers.begin(), facts.dossiers.end(), [&](const feeds::Dossier& first) {
    const absl::CivilDay from = first.earliest_event;
    const absl::CivilDay to = MonthsAfter(from, settings.months);
    const auto within = [&](const feeds::Dossier& d) {
      return from <= d.earliest_event && d.earliest_event <= to;
    };
    const auto count = std::count_if(facts.dossiers.begin(), facts.dossiers.end(), within);
    return within(*own) && static_cast<size_t>(count) >= settings.dossiers;
  });
}

// D-1.13: the bill before or the bill after is unpaid, or was.
bool RecursByPeriods(const feeds::EdfRow& row, const RecordFacts& facts) {
  return std::any_of(facts.dossiers.begin(), facts.dossiers.end(), [&](const feeds::Dossier& d) {
    return d.fluide == row.fluide &&
           (d.periode.last + 1 == row.periode->first || row.periode->last + 1 == d.periode.first);
  });
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

}  // namespace relais::alerting
