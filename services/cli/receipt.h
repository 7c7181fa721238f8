// Receipts: the proof of an act, as a file that its holder keeps and anyone can check offline.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "relais/common/v1/types.pb.h"

namespace relais::cli {

struct ReceiptAct {
  std::string act;  // "consent", "refusal", "withdrawal", "objection", "emergency", "check"
  std::string fr;   // what it is, for the person concerned
  std::string en;
  std::string id;      // of what was made; may be empty
  std::string person;  // the collector's handle; may be empty
};

/// JSON, indented. Only `proof` proves; the rest says what it is about.
[[nodiscard]] std::string FormatReceipt(const ReceiptAct& act, const common::v1::Written& written);
/// INVALID_ARGUMENT when the text is no receipt.
[[nodiscard]] absl::StatusOr<common::v1::Proof> ParseReceipt(const std::string& text);

/// Writes it to `path`, whole or not at all; nothing for an empty path. FAILED_PRECONDITION when the answer
/// has no proof.
absl::Status WriteReceipt(const std::string& path, const ReceiptAct& act, const common::v1::Written& written);

}  // namespace relais::cli
