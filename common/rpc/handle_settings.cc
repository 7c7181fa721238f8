#include "common/rpc/handle_settings.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status.h"

namespace relais::rpc {
namespace {

using Generations = identity::HandlePolicy::Generations;

constexpr int64_t kMostGeneration = 65535;
constexpr char kAll[] = "handles";
constexpr char kInstitutions[] = "handles.institutions";

std::string KeyOf(const std::string& institution) { return absl::StrCat(kInstitutions, ".", institution); }

absl::Status Wrong(const std::string& key, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("settings: '", key, "' ", why));
}

// `least` when there is none.
uint16_t ReadGeneration(Config& config, const std::string& key, uint16_t least) {
  return static_cast<uint16_t>(config.Int(key, least, least, kMostGeneration));
}

// Asks for every key before it refuses one: none is then unknown.
absl::StatusOr<Generations> ReadGenerations(Config& config, const std::string& under) {
  const std::string retiring_key = under + ".retiring";
  const std::string until_key = under + ".retiring_until";
  Generations out;
  out.current = ReadGeneration(config, under + ".generation", 1);
  const uint16_t retiring = ReadGeneration(config, retiring_key, 0);
  const std::string until_text = config.String(until_key, "");
  if (retiring == 0) {
    return until_text.empty() ? absl::StatusOr<Generations>(std::move(out))
                              : Wrong(until_key, absl::StrCat("says nothing without '", retiring_key, "'"));
  }
  if (retiring == out.current) {
    return Wrong(retiring_key, "must be another generation than the one in use");
  }
  absl::Time until;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, until_text, &until, &error) || until == absl::InfiniteFuture() ||
      until == absl::InfinitePast()) {
    return Wrong(until_key, "must be an RFC 3339 instant such as 2027-06-30T00:00:00Z");
  }
  out.retiring.push_back({retiring, until});
  return out;
}

absl::Status CheckKey(const crypto::KeyRing& ring, uint16_t generation, const std::string& key) {
  const absl::Status status = ring.Get(identity::kHandleKeyName, generation).status();
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(key, ": ", status.message()));
}

absl::Status CheckKeys(const crypto::KeyRing& ring, const Generations& generations,
                       const std::string& under) {
  RETURN_IF_ERROR(CheckKey(ring, generations.current, under + ".generation"));
  for (const identity::HandlePolicy::Retiring& retiring : generations.retiring) {
    RETURN_IF_ERROR(CheckKey(ring, retiring.generation, under + ".retiring"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<identity::HandlePolicy> ReadHandlePolicy(Config& config) {
  identity::HandlePolicy policy;
  absl::StatusOr<Generations> standard = ReadGenerations(config, kAll);
  absl::Status first = standard.status();
  for (const std::string& institution : config.Children(kInstitutions)) {
    const std::string under = KeyOf(institution);
    (void)config.String(under + ".generation");  // required: reported when it is missing
    absl::StatusOr<Generations> own = ReadGenerations(config, under);
    first.Update(own.status());
    if (own.ok()) {
      policy.institutions.emplace(institution, *std::move(own));
    }
  }
  RETURN_IF_ERROR(first);
  policy.standard = *std::move(standard);
  return policy;
}

absl::Status CheckHandlePolicy(const identity::HandlePolicy& policy, const directory::Directory& directory,
                               const crypto::KeyRing& ring) {
  RETURN_IF_ERROR(CheckKeys(ring, policy.standard, kAll));
  for (const auto& [institution, generations] : policy.institutions) {
    if (directory.FindInstitution(institution) == nullptr) {
      return Wrong(KeyOf(institution), "is no institution of the directory");
    }
    RETURN_IF_ERROR(CheckKeys(ring, generations, KeyOf(institution)));
  }
  return absl::OkStatus();
}

}  // namespace relais::rpc
