#include "services/vault/domain/host_rules.h"

#include <algorithm>

#include "common/base/proto_time.h"
#include "common/crypto/encoding.h"

namespace relais::vault {
namespace {

constexpr absl::Duration kLongest = absl::Hours(24 * 366);
constexpr int kMostAgreed = 64;

bool HasEnded(const v1::StoredHost& host) {
  return host.state() != v1::Host::STATE_ACTIVE && host.state() != v1::Host::STATE_SUSPENDED;
}

}  // namespace

v1::Host::State StateOf(const v1::StoredHost& host, absl::Time now) {
  if (!HasEnded(host) && now >= FromProto(host.until())) {
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

v1::StoredHost Linked(const v1::StoredHost& before, const std::string& consent_bytes,
                      const std::string& purpose, const ConsentAnswer& answer, absl::Time now) {
  v1::StoredHost host;
  host.set_consent(consent_bytes);
  host.set_purpose(purpose);
  *host.mutable_since() = ToProto(now);
  *host.mutable_until() = ToProto(std::min(EndOf(answer), now + kLongest));
  host.set_state(v1::Host::STATE_ACTIVE);
  if (before.has_unlinked()) {
    *host.mutable_unlinked() = before.unlinked();
    *host.mutable_agreed() = before.agreed();
  }
  return host;
}

bool Unlink(v1::StoredHost& host, absl::Time now) {
  *host.mutable_unlinked() = ToProto(now);
  host.clear_agreed();
  if (host.state() == v1::Host::STATE_UNSPECIFIED) {
    host.set_state(v1::Host::STATE_UNLINKED);
    *host.mutable_ended() = ToProto(now);
    return false;
  }
  return End(host, v1::Host::STATE_UNLINKED, now);
}

bool NoteAgreement(v1::StoredHost& host, const std::string& consent_bytes, absl::Time said) {
  if (!host.has_unlinked() || said <= FromProto(host.unlinked()) || MayBeLinkedOn(host, consent_bytes)) {
    return false;
  }
  host.add_agreed(consent_bytes);
  if (host.agreed_size() > kMostAgreed) {
    host.mutable_agreed()->DeleteSubrange(0, host.agreed_size() - kMostAgreed);
  }
  return true;
}

bool MayBeLinkedOn(const v1::StoredHost& host, const std::string& consent_bytes) {
  return !host.has_unlinked() ||
         std::find(host.agreed().begin(), host.agreed().end(), consent_bytes) != host.agreed().end();
}

HostFate FateWithoutAnswer(absl::StatusCode code, common::v1::ErrorReason reason) {
  switch (reason) {
    case common::v1::ERROR_REASON_UNKNOWN_CODE:
    case common::v1::ERROR_REASON_INVALID_FIELDS:
    case common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS:
      return HostFate::kEnds;
    default:
      break;
  }
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kCancelled:
      return HostFate::kAskAgain;
    default:
      return HostFate::kUnjudged;
  }
}

bool Meet(v1::StoredHost& host, HostFate fate, Occasion occasion, absl::Time now) {
  switch (fate) {
    case HostFate::kEnds:
      return End(host, v1::Host::STATE_WITHDRAWN, now);
    case HostFate::kStays:
      if (host.state() != v1::Host::STATE_SUSPENDED || host.restored()) {
        return false;
      }
      host.set_state(v1::Host::STATE_ACTIVE);
      return true;
    case HostFate::kUnjudged:
      if (host.state() != v1::Host::STATE_ACTIVE || occasion != Occasion::kHerNo) {
        return false;
      }
      host.set_state(v1::Host::STATE_SUSPENDED);
      return true;
    case HostFate::kAskAgain:
      break;
  }
  return false;
}

bool SuspendRestored(v1::StoredHost& host) {
  if (HasEnded(host) || host.restored()) {
    return false;
  }
  host.set_state(v1::Host::STATE_SUSPENDED);
  host.set_restored(true);
  return true;
}

bool StandAsLogged(v1::StoredHost& host, v1::Host::State last, absl::Time now) {
  switch (last) {
    case v1::Host::STATE_UNSPECIFIED:
    case v1::Host::STATE_ACTIVE:
      return false;
    case v1::Host::STATE_SUSPENDED:
      return host.state() == v1::Host::STATE_ACTIVE && SuspendRestored(host);
    case v1::Host::STATE_UNLINKED:
      return !HasEnded(host) && Unlink(host, now);
    default:
      return End(host, last, now);
  }
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
    case v1::Host::STATE_SUSPENDED:
      return "SUSPENDED";
    default:
      return "UNLINKED";
  }
}

bool End(v1::StoredHost& host, v1::Host::State how, absl::Time now) {
  if (HasEnded(host) || how == v1::Host::STATE_ACTIVE || how == v1::Host::STATE_SUSPENDED) {
    return false;
  }
  host.set_state(how);
  *host.mutable_ended() = ToProto(now);
  return true;
}

}  // namespace relais::vault
