#include "common/feeds/dossier.h"

#include <algorithm>

namespace relais::feeds {

std::vector<size_t> DossiersClosedBy(absl::Span<const Dossier> dossiers, const EdfRow& row) {
  std::vector<size_t> closed;
  if (!IsCancelling(row.evenement)) return closed;
  for (size_t i = 0; i < dossiers.size(); ++i) {
    const Dossier& dossier = dossiers[i];
    if (!dossier.open || dossier.fluide != row.fluide) continue;
    const bool answered =
        row.periode ? dossier.periode == *row.periode : dossier.earliest_event < row.date_evenement;
    if (answered) closed.push_back(i);
  }
  return closed;
}

DossierChange ApplyEvent(std::vector<Dossier>& dossiers, const EdfRow& row) {
  if (IsCancelling(row.evenement)) {
    DossierChange change{DossierChange::Kind::kClosed, DossiersClosedBy(dossiers, row)};
    for (const size_t i : change.touched) dossiers[i].open = false;
    return change;
  }
  const auto found = std::find_if(dossiers.begin(), dossiers.end(), [&row](const Dossier& dossier) {
    return dossier.fluide == row.fluide && dossier.periode == row.periode;
  });
  const auto index = static_cast<size_t>(found - dossiers.begin());
  if (found == dossiers.end()) {
    dossiers.push_back({row.fluide, *row.periode, row.date_evenement, true});
    return {DossierChange::Kind::kOpened, {index}};
  }
  const auto kind = found->open ? DossierChange::Kind::kAdded : DossierChange::Kind::kReopened;
  found->open = true;
  found->earliest_event = std::min(found->earliest_event, row.date_evenement);
  return {kind, {index}};
}

}  // namespace relais::feeds
