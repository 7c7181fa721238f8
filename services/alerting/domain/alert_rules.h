// When accepted rows become an alert (D-1.13). Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "common/feeds/dossier.h"
#include "common/feeds/row.h"

namespace relais::alerting {

enum class Rule {
  kCutOrReduction,      // each ART6 row, at once
  kRecurrenceDossiers,  // 3 distinct dossiers within 12 months
  kRecurrencePeriods,   // 2 consecutive periods of one fluid
  kLinkedSign,          // 1 dossier, she is registered already and another source's sign is linked to her
  kDistressReport,      // each brigade's report
};
std::string_view RuleName(Rule rule);

struct RuleSettings {
  size_t dossiers = 3;
  int months = 12;
};

struct RecordFacts {
  std::vector<feeds::Dossier> dossiers;  // after the row was applied
  bool registered = false;               // by an earlier alert
  bool linked_sign = false;              // another source's sign is linked to her
};

/// The rule an accepted bill row raises; nullopt for cancelling events and letters that do not recur.
std::optional<Rule> RuleOf(const feeds::EdfRow& row, const RecordFacts& facts, const RuleSettings& settings);

/// The dossiers that a recurrence stands on, as positions in `facts.dossiers`, in order: the letter's own,
/// those that recur with it within twelve months, the bill before and the bill after. Its alert tells of all
/// of them: who pays one has not paid the others (D-1.12).
std::vector<size_t> DossiersOfRecurrence(const feeds::EdfRow& row, const RecordFacts& facts,
                                         const RuleSettings& settings);

}  // namespace relais::alerting
