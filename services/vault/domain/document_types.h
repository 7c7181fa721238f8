// What the kinds of paper mean for consent (D-2.7, D-3.7). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relais/vault/v1/document.pb.h"

namespace relais::vault {

/// True for a type that may be deposited: known, and not UNSPECIFIED.
[[nodiscard]] bool IsDocumentType(int type);

/// What consent is asked about when such a paper is shown to somebody: categories of the directory, sorted.
/// DOCUMENTS for each; HEALTH too for medical papers, so that only an explicit agreement shares them; OFFENCE
/// for criminal judgments, which no agreement shares.
[[nodiscard]] std::vector<std::string> CategoriesOf(v1::DocumentType type);

/// False for what cannot be shared on any agreement (RGPD art. 10): kept and exported for her alone.
[[nodiscard]] bool MayBeShared(v1::DocumentType type);

/// Its name without `DOCUMENT_TYPE_`, such as `TAX_NOTICE`.
[[nodiscard]] std::string CodeOf(v1::DocumentType type);

}  // namespace relais::vault
