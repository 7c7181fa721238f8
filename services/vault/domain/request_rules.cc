#include "services/vault/domain/request_rules.h"

#include <algorithm>
#include <set>

#include "common/base/proto_time.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/domain/share_rules.h"

namespace relais::vault {

absl::Time ExpiryOf(const v1::StoredRequest& request, const RequestRules& rules) {
  return FromProto(request.asked()) + rules.undecided;
}

v1::DocumentRequest::State StateOf(const v1::StoredRequest& request, absl::Time now,
                                   const RequestRules& rules) {
  if (request.state() == v1::DocumentRequest::STATE_PENDING && now >= ExpiryOf(request, rules)) {
    return v1::DocumentRequest::STATE_EXPIRED;
  }
  return request.state();
}

Refusal JudgeRequest(const std::vector<v1::DocumentType>& types, absl::Time until, uint32_t open,
                     absl::Time now, const RequestRules& rules) {
  const std::set<v1::DocumentType> different(types.begin(), types.end());
  if (types.empty() || different.size() != types.size() ||
      !std::all_of(types.begin(), types.end(), MayBeShared) || until <= now ||
      until > now + rules.longest_share) {
    return common::v1::ERROR_REASON_INVALID_FIELDS;
  }
  if (open >= rules.open_per_asker) {
    return common::v1::ERROR_REASON_OVERLOADED;
  }
  return std::nullopt;
}

AskedBefore AskedIn(const v1::StoredRequest& request, const Asking& asking, absl::Time now,
                    const RequestRules& rules) {
  if (request.asker().institution() != asking.institution || request.purpose() != asking.purpose ||
      StateOf(request, now, rules) != v1::DocumentRequest::STATE_PENDING) {
    return AskedBefore::kNothing;
  }
  const auto same = std::count_if(asking.types.begin(), asking.types.end(), [&](v1::DocumentType type) {
    return std::find(request.types().begin(), request.types().end(), static_cast<int>(type)) !=
           request.types().end();
  });
  if (same == 0) {
    return AskedBefore::kNothing;
  }
  return static_cast<size_t>(same) == asking.types.size() ? AskedBefore::kAll : AskedBefore::kSome;
}

bool HasAlready(const v1::StoredShare& share, v1::DocumentType type, const Asking& asking, absl::Time now) {
  return IsWith(share, asking.institution, asking.function) && share.purpose() == asking.purpose &&
         StateOf(share, now, /*lease=*/true) == v1::Share::STATE_ACTIVE &&
         std::find(asking.types.begin(), asking.types.end(), type) != asking.types.end();
}

Refusal JudgeDecision(const v1::StoredRequest& request, bool granted,
                      const std::vector<v1::DocumentType>& types, absl::Time until, absl::Time now,
                      const RequestRules& rules) {
  if (StateOf(request, now, rules) != v1::DocumentRequest::STATE_PENDING) {
    return common::v1::ERROR_REASON_WRONG_STATE;
  }
  if (!granted) {
    return types.empty() ? Refusal() : common::v1::ERROR_REASON_INVALID_FIELDS;
  }
  const auto asked = [&](v1::DocumentType type) {
    return std::find(request.types().begin(), request.types().end(), static_cast<int>(type)) !=
           request.types().end();
  };
  if (types.empty() || !std::all_of(types.begin(), types.end(), asked) ||
      until > FromProto(request.until())) {
    return common::v1::ERROR_REASON_INVALID_FIELDS;
  }
  return std::nullopt;
}

}  // namespace relais::vault
