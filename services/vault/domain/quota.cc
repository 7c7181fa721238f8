#include "services/vault/domain/quota.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace relais::vault {
namespace {

// A row that says less than it should must not become a huge number.
template <typename N>
N Less(N from, N amount) {
  return from - std::min(from, amount);
}

// "limits.person_bytes: 5000 bytes of her vault, 2000 free"
std::string Full(std::string_view setting, uint64_t limit, std::string_view of_what, uint64_t left) {
  return absl::StrCat(std::string(setting), ": ", limit, " ", std::string(of_what), ", ", left, " free");
}

}  // namespace

uint64_t BytesLeft(const Limits& limits, const v1::StoredUsage& usage) {
  return Less(Less(limits.person_bytes, uint64_t{usage.bytes()}), uint64_t{usage.reserved_bytes()});
}

uint32_t DocumentsLeft(const Limits& limits, const v1::StoredUsage& usage) {
  return Less(Less(limits.person_documents, uint32_t{usage.versions()}), uint32_t{usage.open_uploads()});
}

std::string FullLimit(const Limits& limits, const v1::InstitutionUsage& institution, uint64_t size,
                      const v1::StoredUsage& usage) {
  if (size > BytesLeft(limits, usage)) {
    return Full("limits.person_bytes", limits.person_bytes, "bytes of her vault", BytesLeft(limits, usage));
  }
  if (DocumentsLeft(limits, usage) == 0) {
    return Full("limits.person_documents", limits.person_documents, "versions of papers in her vault", 0);
  }
  if (usage.open_uploads() >= limits.person_open_uploads) {
    return Full("limits.person_open_uploads", limits.person_open_uploads, "uploads under way in her vault",
                0);
  }
  const uint64_t institutions_left = Less(Less(limits.institution_bytes, uint64_t{institution.bytes()}),
                                          uint64_t{institution.reserved_bytes()});
  if (size > institutions_left) {
    return Full("limits.institution_bytes", limits.institution_bytes,
                "bytes of your institution in all vaults", institutions_left);
  }
  return "";
}

Refusal Reserve(const Limits& limits, const v1::InstitutionUsage& institution, uint64_t size,
                v1::StoredUsage& usage) {
  if (size > limits.document_bytes) {
    return common::v1::ERROR_REASON_TOO_LARGE;
  }
  if (!FullLimit(limits, institution, size, usage).empty()) {
    return common::v1::ERROR_REASON_QUOTA_EXCEEDED;
  }
  AddUnderWay(size, usage);
  return std::nullopt;
}

DropsUnderWay AllUnderWay(const v1::StoredUsage& usage) {
  DropsUnderWay all;
  all.open = usage.open_uploads();
  all.reserved_bytes = usage.reserved_bytes();
  return all;
}

void CountUpload(const v1::StoredUpload& upload, std::string_view depositor, DropsUnderWay& drops) {
  if (!upload.has_drop_host()) {
    drops.open = Less(drops.open, uint32_t{1});
    drops.reserved_bytes = Less(drops.reserved_bytes, uint64_t{upload.size()});
  } else if (upload.depositor().institution() == depositor) {
    ++drops.by_depositor;
  }
}

void CountPaper(const v1::StoredDocument& document, DropsUnderWay& drops) {
  if (document.state() != v1::Document::STATE_PENDING_CONSENT) {
    return;
  }
  drops.waiting += static_cast<uint32_t>(document.versions_size());
  for (const v1::StoredVersion& version : document.versions()) {
    drops.waiting_bytes += version.version().size();
  }
}

Refusal ReserveDrop(const Limits& limits, const v1::InstitutionUsage& institution, const DropsUnderWay& drops,
                    uint64_t size, v1::StoredUsage& usage) {
  const uint32_t most = std::max(limits.person_open_uploads / kDropsShare, uint32_t{1});
  const uint32_t most_versions = std::max(limits.person_documents / kDropsShare, uint32_t{1});
  const uint64_t bytes_left =
      Less(Less(limits.person_bytes / kDropsShare, drops.reserved_bytes), drops.waiting_bytes);
  const bool full = drops.open >= most || drops.by_depositor >= kDropsOfOne ||
                    drops.open >= Less(most_versions, drops.waiting) || size > bytes_left;
  if (full && size <= limits.document_bytes) {
    return common::v1::ERROR_REASON_QUOTA_EXCEEDED;
  }
  return Reserve(limits, institution, size, usage);
}

void Release(uint64_t size, v1::StoredUsage& usage) {
  usage.set_open_uploads(Less(uint32_t{usage.open_uploads()}, uint32_t{1}));
  usage.set_reserved_bytes(Less(uint64_t{usage.reserved_bytes()}, size));
}

void Keep(uint64_t size, bool new_document, v1::StoredUsage& usage) {
  Release(size, usage);
  usage.set_documents(usage.documents() + (new_document ? 1 : 0));
  usage.set_versions(usage.versions() + 1);
  usage.set_bytes(usage.bytes() + size);
}

void AddPaper(const v1::StoredDocument& document, v1::StoredUsage& usage) {
  usage.set_documents(usage.documents() + 1);
  usage.set_versions(usage.versions() + static_cast<uint32_t>(document.versions_size()));
  for (const v1::StoredVersion& version : document.versions()) {
    usage.set_bytes(usage.bytes() + version.version().size());
  }
}

void AddUnderWay(uint64_t size, v1::StoredUsage& usage) {
  usage.set_open_uploads(usage.open_uploads() + 1);
  usage.set_reserved_bytes(usage.reserved_bytes() + size);
}

void Free(uint32_t versions, uint64_t bytes, v1::StoredUsage& usage) {
  usage.set_documents(Less(uint32_t{usage.documents()}, uint32_t{1}));
  usage.set_versions(Less(uint32_t{usage.versions()}, versions));
  usage.set_bytes(Less(uint64_t{usage.bytes()}, bytes));
}

}  // namespace relais::vault
