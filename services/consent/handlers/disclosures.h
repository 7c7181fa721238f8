// One leaf of a person as an entry of her access history. Pure.
#pragma once

#include <optional>
#include <variant>

#include "common/audit/log.h"
#include "common/calendar/paris.h"
#include "common/directory/directory.h"
#include "relais/consent/v1/disclosures.pb.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

using HistoryEntry = std::variant<v1::Disclosure, v1::WithheldDisclosure>;

/// What is needed to say it in words.
struct HistoryWords {
  const directory::Directory& directory;
  const Rules& rules;
  const calendar::Paris& paris;
  absl::Time now;
};

/// Nullopt for a leaf that is no entry: it tells of no access.
[[nodiscard]] std::optional<HistoryEntry> EntryOf(const audit::OpenedLeaf& leaf, const HistoryWords& words);

}  // namespace relais::consent
