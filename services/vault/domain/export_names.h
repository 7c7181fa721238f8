// What files of an export are called (docs/formats.md, "Vault export"): names that she recognises and that
// any system can write. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relais/vault/v1/document.pb.h"

namespace relais::vault {

/// `documents/007 Carte d'identité (version 1).pdf`. `number` from 1; `title` well-formed UTF-8, hers;
/// `earlier_version` 0 for the current text; a `media_type` that the vault does not know ends in `.bin`.
/// Different numbers or versions give different names.
[[nodiscard]] std::string ExportedDocument(uint32_t number, std::string_view title, v1::DocumentType type,
                                           uint32_t earlier_version, std::string_view media_type);

/// `receipts/<document id>-<version>.json`.
[[nodiscard]] std::string ExportedReceipt(std::string_view document_id, uint32_t version);

/// `certificates/<document id>.json`.
[[nodiscard]] std::string ExportedCertificate(std::string_view document_id);

}  // namespace relais::vault
