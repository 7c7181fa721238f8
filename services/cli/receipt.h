// Receipts as files of the command's user (common/receipt/act.h).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/receipt/act.h"
#include "relais/common/v1/types.pb.h"

namespace relais::cli {

using receipt::FormatReceipt;
using receipt::IsConsentRecord;
using receipt::LooksLikeReceipt;
using receipt::ParseReceipt;

/// receipt::CheckReceipt, its message printable.
absl::Status CheckReceipt(const std::string& text, const common::v1::Proof& proof);

/// Writes it to `path`, whole or not at all; nothing for an empty path. FAILED_PRECONDITION when there is no
/// proof, or it cannot be written any more: the act is recorded then.
absl::Status WriteReceipt(const std::string& path, const common::v1::Proof& proof,
                          const std::string& erasure = "");

}  // namespace relais::cli
