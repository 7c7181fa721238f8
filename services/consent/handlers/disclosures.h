// One leaf of a person as an entry of her access history. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "common/audit/log.h"
#include "common/calendar/paris.h"
#include "common/directory/directory.h"
#include "relais/consent/v1/disclosures.pb.h"
#include "services/consent/domain/rules.h"
#include "services/consent/domain/withholding.h"

namespace relais::consent {

using HistoryEntry = std::variant<v1::Disclosure, v1::WithheldDisclosure>;

/// What is needed to say it in words.
struct HistoryWords {
  const directory::Directory& directory;
  const Rules& rules;
  const calendar::Paris& paris;
  absl::Time now;
  const Reviews& reviews;  // of what is withheld
  /// Of who has its own alone (ADR 78), by 32 hexadecimal digits, the agreements that it collected: no other
  /// is named to it, nor why something was denied, nor who spoke for her (D-2.6.7). Null: who reads all of
  /// hers.
  const std::set<std::string>* collected = nullptr;
  /// Whose own that is: of the other side no function is told that it did not write itself. Lives longer than
  /// this.
  std::string_view reader = {};
};

/// Nullopt for a leaf that is no entry: it tells of no access.
[[nodiscard]] std::optional<HistoryEntry> EntryOf(const audit::OpenedLeaf& leaf, const HistoryWords& words);

/// Whether that institution gave, would receive, declared or read what the leaf tells of.
[[nodiscard]] bool IsPartyTo(const audit::OpenedLeaf& leaf, std::string_view institution);

/// What its review may be; nullopt for a leaf that is no entry, or none that is withheld by default, and for
/// the registry's own of an act under another name of hers: who reviews would learn of the link (ADR 24).
[[nodiscard]] std::optional<Withholding> WithholdingOf(const audit::OpenedLeaf& leaf, const Rules& rules);

/// The event of a leaf, which all leaves of one entry have in common; zero for what is none.
[[nodiscard]] Id128 EventOf(const audit::OpenedLeaf& leaf);

}  // namespace relais::consent
