#include "services/vault/domain/document_types.h"

namespace relais::vault {

bool IsDocumentType(int type) {
  return type != v1::DOCUMENT_TYPE_UNSPECIFIED && v1::DocumentType_IsValid(type);
}

std::vector<std::string> CategoriesOf(v1::DocumentType type) {
  switch (type) {
    case v1::DOCUMENT_TYPE_MEDICAL:
      return {"DOCUMENTS", "HEALTH"};
    case v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT:
      return {"DOCUMENTS", "OFFENCE"};
    default:
      return {"DOCUMENTS"};
  }
}

bool MayBeShared(v1::DocumentType type) {
  return IsDocumentType(type) && type != v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT;
}

std::string CodeOf(v1::DocumentType type) {
  constexpr std::string_view kPrefix = "DOCUMENT_TYPE_";
  const std::string& name = v1::DocumentType_Name(type);
  return name.size() > kPrefix.size() ? name.substr(kPrefix.size()) : "";
}

}  // namespace relais::vault
