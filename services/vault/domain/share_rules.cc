#include "services/vault/domain/share_rules.h"

#include <algorithm>

#include "common/base/proto_time.h"
#include "common/crypto/encoding.h"
#include "services/vault/domain/document_types.h"

namespace relais::vault {

v1::Share::State StateOf(const v1::StoredShare& share, absl::Time now, bool lease) {
  if (share.state() != v1::Share::STATE_ACTIVE) {
    return share.state();
  }
  if (now >= FromProto(share.until())) {
    return v1::Share::STATE_EXPIRED;
  }
  return lease ? v1::Share::STATE_ACTIVE : v1::Share::STATE_SUSPENDED;
}

bool IsAbout(const v1::StoredShare& share, const Id128& document, v1::DocumentType type) {
  if (!share.document().empty()) {
    return share.document() == document.bytes();
  }
  return share.type() != v1::DOCUMENT_TYPE_UNSPECIFIED && share.type() == type;
}

bool IsWith(const v1::StoredShare& share, const std::string& institution, const std::string& function) {
  const common::v1::Party& recipient = share.recipient();
  return !institution.empty() && recipient.institution() == institution &&
         (recipient.function().empty() || recipient.function() == function);
}

Covered CoveredBy(const v1::StoredShare& share, v1::DocumentType type, const std::string& kind) {
  return {crypto::HexEncode(share.consent()), share.purpose(),
          share.recipient().institution(),    kind,
          common::v1::ACT_SHARE_DOCUMENT,     CategoriesOf(share.document().empty() ? share.type() : type)};
}

Refusal JudgeShare(const ShareWanted& wanted, const ConsentAnswer& answer, absl::Time now,
                   const ShareRules& rules) {
  if (!IsDocumentType(wanted.type) || wanted.until <= now || wanted.until > now + rules.longest ||
      wanted.recipient.institution().empty() || wanted.recipient.institution() == wanted.shared_by) {
    return common::v1::ERROR_REASON_INVALID_FIELDS;
  }
  if (wanted.document && *wanted.document != v1::Document::STATE_ACTIVE) {
    return common::v1::ERROR_REASON_WRONG_STATE;
  }
  if (!MayBeShared(wanted.type) || !RestsOn(answer, CategoriesOf(wanted.type), wanted.consent_id) ||
      EndOf(answer) < wanted.until) {
    return common::v1::ERROR_REASON_NOT_PERMITTED;
  }
  return std::nullopt;
}

Refusal JudgeBeforeConsent(const v1::StoredShare& share, const Reading& reading, absl::Time now, bool lease) {
  if (!IsWith(share, reading.institution, reading.function) ||
      !IsAbout(share, reading.document, reading.type) || !reading.current_version ||
      reading.state != v1::Document::STATE_ACTIVE || !MayBeShared(reading.type)) {
    return common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
  }
  switch (StateOf(share, now, lease)) {
    case v1::Share::STATE_ACTIVE:
      return std::nullopt;
    case v1::Share::STATE_SUSPENDED:
      return common::v1::ERROR_REASON_PEER_BEHIND;
    default:
      return common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
  }
}

Refusal JudgeConsent(const v1::StoredShare& share, const Reading& reading, const ConsentAnswer& answer,
                     absl::Time now) {
  if (!RestsOn(answer, CategoriesOf(reading.type), crypto::HexEncode(share.consent())) ||
      answer.permit_id.empty() || answer.permit_expires <= now) {
    return common::v1::ERROR_REASON_NOT_PERMITTED;
  }
  return std::nullopt;
}

std::optional<std::string> WhyCut(const StreamFacts& facts, absl::Time now) {
  if (!facts.document_there || facts.share == v1::Share::STATE_DESTROYED) {
    return "DESTROYED";
  }
  if (facts.share == v1::Share::STATE_REVOKED) {
    return "REVOKED";
  }
  if (facts.permit_revoked || facts.share == v1::Share::STATE_WITHDRAWN) {
    return "WITHDRAWN";
  }
  if (facts.share != v1::Share::STATE_ACTIVE || now >= facts.share_until || facts.denied) {
    return "EXPIRED";
  }
  if (!facts.lease) {
    return "SUSPENDED";
  }
  if (now >= facts.permit_expires) {
    return "PERMIT_ENDED";
  }
  return std::nullopt;
}

absl::Time WhenToAskAnew(absl::Time now, absl::Time permit_expires) {
  return permit_expires - std::min(kAskBefore, (permit_expires - now) / 2);
}

}  // namespace relais::vault
