// Her journal as people read it: `relais document journal`. Pure.
#pragma once

#include <string>

#include "common/calendar/paris.h"
#include "relais/vault/v1/document_service.pb.h"

namespace relais::cli {

/// What became of an act: "done", "begun", "granted", "cut after 1,024 bytes: …" or "refused ×12: …", with
/// the reason in words.
[[nodiscard]] std::string OutcomeText(const vault::v1::JournalEntry& entry);

/// Why an upload ended without a paper (Upload.reason), in words: "it was given up".
[[nodiscard]] std::string EndedText(const std::string& reason);

/// What the act was about beside the paper, "; " between: what was looked at or maintained, types, version,
/// names of what changed, findings, days of a closure, with whom and until when, ids of share, request and
/// agreement.
/// "-" when nothing is said.
[[nodiscard]] std::string DetailsText(const vault::v1::JournalEntry& entry);

/// For her: of each entry a sentence in French, then in English, newest first; below it how to read on.
[[nodiscard]] std::string JournalSentences(const vault::v1::ReadJournalResponse& journal,
                                           const calendar::Paris& paris);

/// A table, newest first; below it how to read on when there is more.
[[nodiscard]] std::string JournalText(const vault::v1::ReadJournalResponse& journal);

}  // namespace relais::cli
