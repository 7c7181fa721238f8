#include "common/pki/spiffe.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace relais::pki {
namespace {

constexpr char kScheme[] = "spiffe://";
constexpr size_t kSchemeSize = sizeof(kScheme) - 1;
constexpr size_t kMaxId = 64;
constexpr size_t kMaxTrustDomain = 253;

bool IsIdCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

absl::Status Refused() {
  return absl::InvalidArgumentError("the URI is not a SPIFFE id of this trust domain in a known form");
}

}  // namespace

bool IsValidId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxId && std::all_of(id.begin(), id.end(), IsIdCharacter) &&
         id.front() != '-' && id.back() != '-';
}

bool IsValidTrustDomain(std::string_view trust_domain) {
  if (trust_domain.empty() || trust_domain.size() > kMaxTrustDomain) {
    return false;
  }
  const std::vector<std::string> labels = absl::StrSplit(std::string(trust_domain), '.');
  return std::all_of(labels.begin(), labels.end(), IsValidId);
}

absl::StatusOr<SpiffeId> ParseSpiffeId(std::string_view uri, std::string_view trust_domain) {
  const std::string prefix = absl::StrCat(kScheme, std::string(trust_domain), "/");
  if (!IsValidTrustDomain(trust_domain) || !uri.starts_with(prefix)) {
    return Refused();
  }
  const std::vector<std::string> path = absl::StrSplit(std::string(uri.substr(prefix.size())), '/');
  SpiffeId id;
  if (path.size() == 4 && path[0] == "institution" && path[2] == "system" && IsValidId(path[1]) &&
      IsValidId(path[3])) {
    id.kind = SpiffeId::Kind::kInstitutionSystem;
    id.institution = path[1];
    id.system = path[3];
    return id;
  }
  if (path.size() == 2 && path[0] == "service" && IsValidId(path[1])) {
    id.kind = SpiffeId::Kind::kService;
    id.service = path[1];
    return id;
  }
  return Refused();
}

bool ClaimsTrustDomain(std::string_view uri, std::string_view trust_domain) {
  const std::string lower = absl::AsciiStrToLower(std::string(uri));
  if (!lower.starts_with(kScheme)) {
    return false;
  }
  const std::string authority =
      lower.substr(kSchemeSize, lower.find_first_of("/?#", kSchemeSize) - kSchemeSize);
  return authority.find(trust_domain) != std::string::npos;
}

std::string InstitutionUri(std::string_view trust_domain, std::string_view institution,
                           std::string_view system) {
  return absl::StrCat(kScheme, std::string(trust_domain), "/institution/", std::string(institution),
                      "/system/", std::string(system));
}

std::string ServiceUri(std::string_view trust_domain, std::string_view service) {
  return absl::StrCat(kScheme, std::string(trust_domain), "/service/", std::string(service));
}

}  // namespace relais::pki
