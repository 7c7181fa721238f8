// Her journal: what the log's leaves about her are, in words she can be shown (D-3.1, D-3.2). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "relais/audit/v1/leaf.pb.h"
#include "relais/vault/v1/document_service.pb.h"

namespace relais::vault {

/// The line of a leaf; nullopt for a class that is no act in a vault. Accesses, attempts, acts on content and
/// organisation and maintenance all have one (D-3.2). A payload that does not read gives the line without
/// what it would say: an act is never left out.
[[nodiscard]] std::optional<v1::JournalEntry> EntryOf(const audit::v1::LeafHeader& header,
                                                      const audit::v1::LeafDetails& details, uint64_t index,
                                                      absl::Time time);

/// Acts that are about nobody, or of which some are, and that are shown to everybody who has papers: they are
/// kept, checked, and may have to be fetched (D-3.2, maintenance).
[[nodiscard]] bool IsOfNobody(audit::v1::EventClass event);

/// True when the line is about that paper (32 hexadecimal digits); every line is about the empty one.
[[nodiscard]] bool IsAbout(const v1::JournalEntry& entry, std::string_view document_id);

}  // namespace relais::vault
