#include "services/vault/domain/export_names.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/vault/domain/content_type.h"
#include "services/vault/domain/document_types.h"

namespace relais::vault {
namespace {

constexpr size_t kMaxTitle = 120;  // bytes
constexpr std::string_view kForbidden = "/\\:*?\"<>|";

bool IsEdge(char c) { return c == ' ' || c == '.'; }

// C0, DEL, and C1, which are two bytes in UTF-8 of which the first is C2.
std::string WithoutForbidden(std::string_view title) {
  std::string out;
  for (size_t i = 0; i < title.size(); ++i) {
    const auto byte = static_cast<uint8_t>(title[i]);
    const bool c1 = byte == 0xc2 && i + 1 < title.size() && static_cast<uint8_t>(title[i + 1]) < 0xa0;
    const bool forbidden =
        byte < 0x20 || byte == 0x7f || kForbidden.find(title[i]) != std::string_view::npos || c1;
    out += forbidden ? '_' : title[i];
    i += c1 ? 1 : 0;
  }
  return out;
}

std::string FileTitle(std::string_view title, v1::DocumentType type) {
  std::string out = WithoutForbidden(title);
  if (out.size() > kMaxTitle) {
    size_t end = kMaxTitle;
    while (end > 0 && (static_cast<uint8_t>(out[end]) & 0xc0) == 0x80) {
      --end;
    }
    out.resize(end);
  }
  while (!out.empty() && IsEdge(out.back())) {
    out.pop_back();
  }
  size_t begin = 0;
  while (begin < out.size() && IsEdge(out[begin])) {
    ++begin;
  }
  out.erase(0, begin);
  return out.empty() ? CodeOf(type) : out;
}

}  // namespace

std::string ExportedDocument(uint32_t number, std::string_view title, v1::DocumentType type,
                             uint32_t earlier_version, std::string_view media_type) {
  const ContentType* known = FindContentType(media_type);
  const std::string version = earlier_version == 0 ? "" : absl::StrCat(" (version ", earlier_version, ")");
  return absl::StrCat("documents/", absl::StrFormat("%03d", number), " ", FileTitle(title, type), version,
                      ".", known == nullptr ? "bin" : std::string(known->extension));
}

std::string ExportedCertificate(std::string_view document_id) {
  return absl::StrCat("certificates/", std::string(document_id), ".json");
}

std::string ExportedReceipt(std::string_view document_id, uint32_t version) {
  return absl::StrCat("receipts/", std::string(document_id), "-", version, ".json");
}

}  // namespace relais::vault
