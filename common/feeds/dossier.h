// Dossiers of a sender record: one per fluid and consumption period (D-1.12, D-1.13). Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/types/span.h"
#include "common/feeds/row.h"

namespace relais::feeds {

struct Dossier {
  Fluide fluide = Fluide::kElectricite;
  Period periode;
  /// Day of the earliest bill event ever accepted for it; closing and reopening do not move it forward.
  absl::CivilDay earliest_event;
  bool open = true;

  friend bool operator==(const Dossier&, const Dossier&) = default;
};

/// Indexes in `dossiers` of what the cancelling event `row` closes: open ones of its fluid, of exactly its
/// period, or, when it gives none, every one whose earliest accepted event is dated strictly before it.
[[nodiscard]] std::vector<size_t> DossiersClosedBy(absl::Span<const Dossier> dossiers, const EdfRow& row);

struct DossierChange {
  enum class Kind { kOpened, kReopened, kAdded, kClosed };
  Kind kind = Kind::kAdded;
  /// Indexes in the list: the bill event's one dossier, or those a cancelling event closed.
  std::vector<size_t> touched;
};

/// What the *accepted* row does to the sender record's dossiers: a bill event opens, adds to or reopens its
/// own; a cancelling event closes those it answers. A duplicate or refused row must not be applied.
DossierChange ApplyEvent(std::vector<Dossier>& dossiers, const EdfRow& row);

}  // namespace relais::feeds
