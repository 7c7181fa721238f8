// What the registry holds about her, in plain JSON (RGPD art. 15, 20; docs/formats.md, "Export of a person").
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/calendar/paris.h"
#include "services/consent/domain/withholding.h"
#include "services/consent/handlers/rights_rows.h"

namespace relais::consent {

struct PersonArchive {
  std::string institution;  // who asks for her
  std::string handle;       // its name of her
  std::string revision;
  absl::Time time;
  const PersonState* state = nullptr;
  const Rules* rules = nullptr;  // by which the history withholds too
  const calendar::Paris* paris = nullptr;
  std::optional<v1::StoredRecord> record;  // the institution's own
  std::vector<v1::Consent> consents;
  std::vector<RightsRow> requests;
  Reviews reviews;  // of what the history withholds
};

/// JSON, UTF-8, with French and English headings. RESOURCE_EXHAUSTED when it would not fit one answer.
[[nodiscard]] absl::StatusOr<std::string> WriteArchive(const PersonArchive& archive);

}  // namespace relais::consent
