#include "common/feeds/judge.h"

#include <algorithm>
#include <utility>

#include "common/calendar/days.h"

namespace relais::feeds {
namespace {

constexpr int kOldestDays = 400;
constexpr int kDaysOfCut = 6;  // five full days, then the next one (D-1.5)
constexpr absl::Duration kClockSlack = absl::Minutes(5);

std::string_view ColumnName(EdfColumn column) { return kEdfColumns.at(static_cast<size_t>(column)); }

Outcome Refused(Reason reason, std::string_view field,
                std::optional<absl::CivilDay> retry_after = std::nullopt) {
  Outcome outcome;
  outcome.kind = OutcomeKind::kRefused;
  outcome.reason = reason;
  outcome.field = field;
  outcome.retry_after = retry_after;
  return outcome;
}
Outcome Refused(Reason reason, EdfColumn column, std::optional<absl::CivilDay> retry_after = std::nullopt) {
  return Refused(reason, ColumnName(column), retry_after);
}

Outcome Passed() { return {}; }

/// Whether the event may be sent under the ground it states, as far as the row alone tells. `convention` is
/// what to believe of the sender's convention. A cancelling event states none: its ground is the dossier it
/// closes.
bool CombinationHasGround(const EdfRow& row, bool convention) {
  switch (row.evenement) {
    case Evenement::kLettre1:
      return row.fondement == Fondement::kArt2 || (row.fondement == Fondement::kConvention && convention);
    case Evenement::kLettre2:
      return row.fondement == Fondement::kConvention && convention;
    case Evenement::kReduction:
    case Evenement::kCoupure:
      return row.fondement == Fondement::kArt6;
    case Evenement::kRetablissement:
    case Evenement::kReglement:
    case Evenement::kEcheancier:
      return true;
  }
  return false;
}

Outcome JudgeAlone(const EdfRow& row, const JudgeContext& context) {
  const absl::CivilDay today = context.today;
  if (row.opposition) return Refused(Reason::kOpposed, EdfColumn::kOpposition);
  const absl::CivilDay latest =
      row.periode ? std::max(row.date_evenement, row.periode->last) : row.date_evenement;
  if (row.date_evenement > today) return Refused(Reason::kFutureDate, EdfColumn::kDateEvenement, latest);
  if (latest > today) return Refused(Reason::kFutureDate, EdfColumn::kPeriodeFin, latest);
  if (row.date_evenement < today - kOldestDays) return Refused(Reason::kTooOld, EdfColumn::kDateEvenement);
  if (row.fin_opposition && today <= *row.fin_opposition) {
    return Refused(Reason::kWindowOpen, EdfColumn::kFinOpposition, *row.fin_opposition + 1);
  }
  if (IsCutOrReduction(row.evenement) && today < row.date_evenement + kDaysOfCut) {
    return Refused(Reason::kTooEarly, EdfColumn::kDateEvenement, row.date_evenement + kDaysOfCut);
  }
  if (!CombinationHasGround(row, context.has_convention.value_or(true))) {
    return Refused(Reason::kNoGround, EdfColumn::kFondement);
  }
  return Passed();
}

/// D-4.4a.
bool HasGround(const BsppRow& row, const JudgeContext& context) {
  if (row.ground != Ground::kNone) return true;
  if (row.agreement == Agreement::kGiven) {
    const bool minor = row.person.naissance &&
                       calendar::IsMinorOn(*row.person.naissance, context.paris.DayOf(row.intervention_at));
    return !minor;
  }
  return row.agreement == Agreement::kUnable && row.danger == Danger::kSerious;
}

Outcome JudgeAlone(const BsppRow& row, const JudgeContext& context) {
  if (row.danger == Danger::kImmediate) return Refused(Reason::kImmediateDanger, "danger");
  const absl::CivilDay day = context.paris.DayOf(row.intervention_at);
  if (row.intervention_at > context.now + kClockSlack) {
    return Refused(Reason::kFutureDate, "intervention_at", day);
  }
  if (day < context.today - kOldestDays) return Refused(Reason::kTooOld, "intervention_at");
  if (!HasGround(row, context)) return Refused(Reason::kNoGround, "agreement");
  return Passed();
}

std::vector<Mark> MarksOf(const EdfRow& row) {
  if (row.evenement != Evenement::kCoupure) return {};
  if (row.fluide == Fluide::kEau) return {Mark::kAVerifierEau};
  if (calendar::InWinterTruce(row.date_evenement)) return {Mark::kAVerifierTreve};
  return {};
}

/// What only the sender's past can tell, of a row that passed alone.
Outcome JudgeGround(const EdfRow& row, const JudgeContext& context, const RecordState& state) {
  if (!CombinationHasGround(row, context.has_convention.value_or(false))) {
    return Refused(Reason::kNoGround, EdfColumn::kFondement);
  }
  if (IsCancelling(row.evenement) && DossiersClosedBy(state.dossiers, row).empty()) {
    return Refused(Reason::kNoGround, EdfColumn::kEvenement);
  }
  Outcome accepted;
  accepted.marks = MarksOf(row);
  return accepted;
}

bool ComesBeforePast(Reason reason) {
  return reason == Reason::kImmediateDanger || reason == Reason::kOpposed;
}

/// Reasons 14 and 15, or nothing.
std::optional<Outcome> JudgePast(KnownReference reference, bool objection_on_file) {
  if (reference == KnownReference::kSameContent) {
    Outcome duplicate;
    duplicate.kind = OutcomeKind::kDuplicate;
    return duplicate;
  }
  if (reference == KnownReference::kOtherContent) return Refused(Reason::kReferenceReused, "reference");
  if (objection_on_file) return Refused(Reason::kOpposed, "");
  return std::nullopt;
}

}  // namespace

std::string_view MarkName(Mark mark) {
  return mark == Mark::kAVerifierTreve ? "A_VERIFIER_TREVE" : "A_VERIFIER_EAU";
}

Outcome JudgeRowAlone(const Row& row, const JudgeContext& context) {
  return std::visit([&context](const auto& typed) { return JudgeAlone(typed, context); }, row);
}

Outcome JudgeRow(const Row& row, const JudgeContext& context, const RecordState& state,
                 KnownReference reference) {
  Outcome alone = JudgeRowAlone(row, context);
  if (ComesBeforePast(alone.reason)) return alone;
  if (auto past = JudgePast(reference, state.objection_on_file)) return *std::move(past);
  if (alone.kind == OutcomeKind::kRefused) return alone;
  if (const auto* edf = std::get_if<EdfRow>(&row)) return JudgeGround(*edf, context, state);
  return alone;
}

Outcome JudgeGated(const Outcome& alone, KnownReference reference, bool objection_on_file) {
  if (ComesBeforePast(alone.reason)) return alone;
  return JudgePast(reference, objection_on_file).value_or(alone);
}

}  // namespace relais::feeds
