// Her journal as she reads it (D-3.1): what each line of it says, in a sentence. Pure.
#pragma once

#include <string>

#include "common/calendar/paris.h"
#include "relais/vault/v1/document_service.pb.h"

namespace relais::vault {

enum class Language { kFrench, kEnglish };

/// "Le 12/05/2026 à 14 h 05, emmaus (EDUCATOR) a lu un papier (bail, version 2)." When (Paris), who, what,
/// and why not; nothing that the entry does not say. One line, without its end: control characters of values
/// are
/// "?".
[[nodiscard]] std::string JournalSentence(const v1::JournalEntry& entry, Language language,
                                          const calendar::Paris& paris);

}  // namespace relais::vault
