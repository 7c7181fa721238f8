// Receipts of acts: the proof of an act, as a file that its holder keeps and anyone can check offline
// (docs/formats.md, "Receipt"). Pure.
//
// Everything a receipt says beside its proof is told by the leaf and the checkpoint in it, so that whoever
// checks one need believe nothing but these: FormatReceipt makes it from the proof alone, CheckReceipt makes
// it again and compares.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "relais/common/v1/types.pb.h"

namespace relais::receipt {

/// JSON, indented: what the act is (in French first), when, which, and the proof. INVALID_ARGUMENT when the
/// leaf is malformed, its key does not open it, or it is of no act that receipts are given of. The end of an
/// epoch is the end of many erasures: `erasure` says which of them it is the certificate of, if of one.
[[nodiscard]] absl::StatusOr<std::string> FormatReceipt(const common::v1::Proof& proof,
                                                        const std::string& erasure = "");

/// Whether a file is meant to be a receipt: JSON with a member `proof`.
[[nodiscard]] bool LooksLikeReceipt(const std::string& text);
/// Whether it is a consent record (record.h), which says more than its proof proves.
[[nodiscard]] bool IsConsentRecord(const std::string& text);
/// The proof in a receipt or a consent record. INVALID_ARGUMENT when the text is neither.
[[nodiscard]] absl::StatusOr<common::v1::Proof> ParseReceipt(const std::string& text);
/// Compares all that the file says with what its own leaf and checkpoint say, which are to be verified apart
/// (audit::VerifyProof). INVALID_ARGUMENT names every member that differs, is missing, comes twice or is none
/// of a receipt's; it may quote the file and is to be made printable.
absl::Status CheckReceipt(const std::string& text, const common::v1::Proof& proof);

}  // namespace relais::receipt
