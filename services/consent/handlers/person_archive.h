// What the registry holds about her, in plain JSON (RGPD art. 15, 20; docs/formats.md, "Export of a person").
#pragma once

#include <optional>
#include <string>
#include <vector>

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
  bool own_only = false;                   // what that institution gave, received or recorded (ADR 78)
  std::optional<v1::StoredRecord> record;  // the institution's own
  std::vector<v1::Consent> consents;
  size_t unreadable = 0;  // agreements that do not read, and are neither shown nor known
  std::vector<RightsRow> requests;
  Reviews reviews;  // of what the history withholds
};

/// An entry of one of its lists.
struct ArchiveEntry {
  std::string list;  // its name
  std::string json;
};
/// All of them, list by list, always in the same order.
[[nodiscard]] std::vector<ArchiveEntry> EntriesOf(const PersonArchive& archive);
/// 32 bytes: the same for the same entries.
[[nodiscard]] std::string DigestOf(const std::vector<ArchiveEntry>& entries);

/// Some of an archive.
struct ArchivePage {
  /// JSON, UTF-8, a whole document with French and English headings and every list, filled or not.
  std::string json;
  size_t next = 0;  // the first entry of the next page; 0 after the last
};
/// Entries from `from` on, as many as make `most_bytes` of JSON, at least one; `record` is on the first page.
[[nodiscard]] ArchivePage WriteArchive(const PersonArchive& archive, const std::vector<ArchiveEntry>& entries,
                                       size_t from, size_t most_bytes);

}  // namespace relais::consent
