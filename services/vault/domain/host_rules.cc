#include "services/vault/domain/host_rules.h"

#include <algorithm>

#include "common/base/proto_time.h"
#include "common/crypto/encoding.h"

namespace relais::vault {
namespace {

constexpr absl::Duration kLongest = absl::Hours(24 * 366);

}  // namespace

v1::Host::State StateOf(const v1::StoredHost& host, absl::Time now) {
  if (host.state() == v1::Host::STATE_ACTIVE && now >= FromProto(host.until())) {
    return v1::Host::STATE_EXPIRED;
  }
  return host.state();
}

Refusal JudgeLink(const std::string& consent_id, const ConsentAnswer& answer) {
  if (!RestsOn(answer, {"DOCUMENTS"}, consent_id)) {
    return common::v1::ERROR_REASON_NOT_PERMITTED;
  }
  return std::nullopt;
}

bool StaysLinked(const ConsentAnswer& answer) {
  return std::any_of(answer.categories.begin(), answer.categories.end(),
                     [&](const ConsentAnswer::Category& category) {
                       return RestsOn(answer, {"DOCUMENTS"}, category.consent_id);
                     });
}

v1::StoredHost Linked(const std::string& consent_bytes, const std::string& purpose,
                      const ConsentAnswer& answer, absl::Time now) {
  v1::StoredHost host;
  host.set_consent(consent_bytes);
  host.set_purpose(purpose);
  *host.mutable_since() = ToProto(now);
  *host.mutable_until() = ToProto(std::min(EndOf(answer), now + kLongest));
  host.set_state(v1::Host::STATE_ACTIVE);
  return host;
}

Covered CoveredBy(const v1::StoredHost& host, const std::string& institution, const std::string& kind) {
  return {crypto::HexEncode(host.consent()),
          host.purpose(),
          institution,
          kind,
          common::v1::ACT_HOST,
          {"DOCUMENTS"}};
}

std::optional<std::string> WhyCut(const v1::StoredHost& host, bool document_there, absl::Time now) {
  if (!document_there) {
    return "DESTROYED";
  }
  switch (StateOf(host, now)) {
    case v1::Host::STATE_ACTIVE:
      return std::nullopt;
    case v1::Host::STATE_WITHDRAWN:
      return "WITHDRAWN";
    case v1::Host::STATE_EXPIRED:
      return "EXPIRED";
    default:
      return "UNLINKED";
  }
}

bool End(v1::StoredHost& host, v1::Host::State how, absl::Time now) {
  if (host.state() != v1::Host::STATE_ACTIVE || how == v1::Host::STATE_ACTIVE) {
    return false;
  }
  host.set_state(how);
  *host.mutable_ended() = ToProto(now);
  return true;
}

}  // namespace relais::vault
