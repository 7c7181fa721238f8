#include "services/vault/domain/upload_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/crypto/sha256.h"
#include "services/vault/domain/content_type.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/format/pieces.h"

namespace relais::vault {
namespace {

using common::v1::ERROR_REASON_DUPLICATE_DOCUMENT;
using common::v1::ERROR_REASON_HASH_MISMATCH;
using common::v1::ERROR_REASON_INVALID_FIELDS;
using common::v1::ERROR_REASON_MALWARE_FOUND;
using common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
using common::v1::ERROR_REASON_OFFSET_MISMATCH;
using common::v1::ERROR_REASON_QUOTA_EXCEEDED;
using common::v1::ERROR_REASON_TOO_LARGE;
using common::v1::ERROR_REASON_TYPE_NOT_ALLOWED;
using common::v1::ERROR_REASON_VAULT_CLOSED;
using common::v1::ERROR_REASON_WRONG_STATE;

bool IsKept(const v1::StoredDocument* document) {
  return document != nullptr && document->state() == v1::Document::STATE_ACTIVE;
}

}  // namespace

std::vector<WrongField> WrongFields(const v1::BeginUploadRequest& request, bool host) {
  std::vector<WrongField> wrong;
  if (request.size() == 0) {
    wrong.push_back({"size", "must be at least 1: an empty paper is none"});
  }
  if (!IsDocumentType(request.description().type())) {
    wrong.push_back({"description.type", "must be a type of papers"});
  }
  if (!request.sha256().empty() && request.sha256().size() != crypto::kSha256Size) {
    wrong.push_back({"sha256", "must have 32 bytes, or none"});
  }
  if (host == request.has_drop()) {
    wrong.push_back({"drop", host ? "is for institutions that are not her host" : "is required"});
  }
  return wrong;
}

Refusal JudgeBegin(const v1::BeginUploadRequest& request, const BeginFacts& facts, const Limits& limits,
                   const UploadRules& rules, v1::StoredUsage& usage) {
  if (facts.phase != VaultPhase::kOpen) {
    return ERROR_REASON_VAULT_CLOSED;
  }
  if (!WrongFields(request, facts.host).empty()) {
    return ERROR_REASON_INVALID_FIELDS;
  }
  if (!request.media_type().empty() && FindContentType(request.media_type()) == nullptr) {
    return ERROR_REASON_TYPE_NOT_ALLOWED;
  }
  if (!request.document_id().empty() && (!facts.host || !IsKept(facts.later_of))) {
    return ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
  }
  if (NextVersion(facts.later_of) > rules.versions_per_document) {
    return ERROR_REASON_QUOTA_EXCEEDED;
  }
  if (facts.host && facts.duplicate && !request.allow_duplicate()) {
    return ERROR_REASON_DUPLICATE_DOCUMENT;
  }
  return facts.host ? Reserve(limits, facts.institution, request.size(), usage)
                    : ReserveDrop(limits, facts.institution, facts.drops, request.size(), usage);
}

std::string FullLimitOf(const v1::BeginUploadRequest& request, const BeginFacts& facts, const Limits& limits,
                        const UploadRules& rules, const v1::StoredUsage& usage) {
  if (NextVersion(facts.later_of) > rules.versions_per_document) {
    return absl::StrCat("limits.versions_per_document: ", rules.versions_per_document,
                        " versions of one paper, 0 free");
  }
  return FullLimit(limits, facts.institution, request.size(), usage);
}

uint32_t NextVersion(const v1::StoredDocument* later_of) {
  return later_of == nullptr ? 1 : static_cast<uint32_t>(later_of->versions_size()) + 1;
}

uint64_t CommittedOf(const ContentHead* head) { return head == nullptr ? 0 : head->committed; }

Refusal JudgeBytes(const v1::StoredUpload& upload, const ContentHead* head, uint64_t offset,
                   uint64_t length) {
  if (offset > upload.size() || length > upload.size() - offset) {
    return ERROR_REASON_TOO_LARGE;
  }
  if (offset != CommittedOf(head)) {
    return ERROR_REASON_OFFSET_MISMATCH;
  }
  return std::nullopt;
}

bool IsPiece(uint64_t size, uint64_t offset, uint64_t length) {
  return offset % kPieceSize == 0 && offset < size && length == std::min<uint64_t>(kPieceSize, size - offset);
}

Refusal PieceAssembler::Add(std::string_view data, std::vector<Piece>& pieces) {
  if (data.size() > size_ - offset_ - held_.size()) {
    return ERROR_REASON_TOO_LARGE;
  }
  while (!data.empty()) {
    const uint64_t whole = std::min<uint64_t>(kPieceSize, size_ - offset_);
    const size_t taken = std::min<size_t>(data.size(), static_cast<size_t>(whole) - held_.size());
    held_ += data.substr(0, taken);
    data.remove_prefix(taken);
    if (held_.size() == whole) {
      pieces.push_back({offset_, std::move(held_), offset_ + whole == size_});
      held_.clear();
      offset_ += whole;
    }
  }
  return std::nullopt;
}

absl::Time ExpiryOf(const v1::StoredUpload& upload, const ContentHead* head, const UploadRules& rules) {
  const absl::Time begun = FromProto(upload.begun());
  const absl::Time last = head == nullptr ? begun : std::max(begun, head->touched);
  return std::min(last + rules.idle, begun + rules.longest);
}

Refusal JudgeComplete(const v1::StoredUpload& upload, const ContentHead* head,
                      const v1::StoredDocument* later_of, const CompleteFacts& facts) {
  // A version of a paper that was destroyed, or got another version, meanwhile.
  const bool place = upload.version() == 1 ? later_of == nullptr
                                           : IsKept(later_of) && NextVersion(later_of) == upload.version();
  if (facts.expired || !place) {
    return ERROR_REASON_WRONG_STATE;
  }
  if (facts.phase != VaultPhase::kOpen) {
    return ERROR_REASON_VAULT_CLOSED;
  }
  if (head == nullptr || !head->Whole()) {
    return ERROR_REASON_OFFSET_MISMATCH;
  }
  if (facts.sha256 != facts.claimed_sha256 || head->size != upload.size() ||
      (!upload.sha256().empty() && upload.sha256() != facts.sha256)) {
    return ERROR_REASON_HASH_MISMATCH;
  }
  if (facts.media_type.empty() || (!upload.media_type().empty() && upload.media_type() != facts.media_type)) {
    return ERROR_REASON_TYPE_NOT_ALLOWED;
  }
  if (facts.host && facts.duplicate && !upload.allow_duplicate()) {
    return ERROR_REASON_DUPLICATE_DOCUMENT;
  }
  return std::nullopt;
}

bool EndsUpload(common::v1::ErrorReason reason) {
  return reason == ERROR_REASON_HASH_MISMATCH || reason == ERROR_REASON_TYPE_NOT_ALLOWED ||
         reason == ERROR_REASON_DUPLICATE_DOCUMENT || reason == ERROR_REASON_MALWARE_FOUND;
}

v1::Document::State StateWhenCompleted(bool host, bool consent_permits) {
  return host || consent_permits ? v1::Document::STATE_ACTIVE : v1::Document::STATE_PENDING_CONSENT;
}

}  // namespace relais::vault
