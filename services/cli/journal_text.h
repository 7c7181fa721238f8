// Her journal as people read it: `relais document journal`. Pure.
#pragma once

#include <string>

#include "relais/vault/v1/document_service.pb.h"

namespace relais::cli {

/// What became of an act: "done", "begun", "cut after 1,024 bytes: …" or "refused ×12: …", with the reason in
/// words.
[[nodiscard]] std::string OutcomeText(const vault::v1::JournalEntry& entry);

/// A table, newest first; below it how to read on when there is more.
[[nodiscard]] std::string JournalText(const vault::v1::ReadJournalResponse& journal);

}  // namespace relais::cli
