#include "services/vault/domain/quota.h"

#include <algorithm>

namespace relais::vault {
namespace {

// A row that says less than it should must not become a huge number.
template <typename N>
N Less(N from, N amount) {
  return from - std::min(from, amount);
}

}  // namespace

uint64_t BytesLeft(const Limits& limits, const v1::StoredUsage& usage) {
  return Less(Less(limits.person_bytes, uint64_t{usage.bytes()}), uint64_t{usage.reserved_bytes()});
}

uint32_t DocumentsLeft(const Limits& limits, const v1::StoredUsage& usage) {
  return Less(Less(limits.person_documents, uint32_t{usage.versions()}), uint32_t{usage.open_uploads()});
}

Refusal Reserve(const Limits& limits, const v1::InstitutionUsage& institution, uint64_t size,
                v1::StoredUsage& usage) {
  if (size > limits.document_bytes) {
    return common::v1::ERROR_REASON_TOO_LARGE;
  }
  const uint64_t institutions_left = Less(Less(limits.institution_bytes, uint64_t{institution.bytes()}),
                                          uint64_t{institution.reserved_bytes()});
  if (size > BytesLeft(limits, usage) || DocumentsLeft(limits, usage) == 0 ||
      usage.open_uploads() >= limits.person_open_uploads || size > institutions_left) {
    return common::v1::ERROR_REASON_QUOTA_EXCEEDED;
  }
  usage.set_open_uploads(usage.open_uploads() + 1);
  usage.set_reserved_bytes(usage.reserved_bytes() + size);
  return std::nullopt;
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

void Free(uint32_t versions, uint64_t bytes, v1::StoredUsage& usage) {
  usage.set_documents(Less(uint32_t{usage.documents()}, uint32_t{1}));
  usage.set_versions(Less(uint32_t{usage.versions()}, versions));
  usage.set_bytes(Less(uint64_t{usage.bytes()}, bytes));
}

}  // namespace relais::vault
