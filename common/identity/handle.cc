#include "common/identity/handle.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/crypto/hkdf.h"
#include "common/identity/keyed_hash.h"

namespace relais::identity {
namespace {

constexpr std::string_view kContext = "relais handle v1";
constexpr size_t kGenerationSize = 2;
constexpr size_t kRawSize = kGenerationSize + crypto::AesSiv::kOverhead + Id128::kSize;

absl::Status NotAHandle() { return absl::InvalidArgumentError("not a handle of this institution"); }

std::string AssociatedData(std::string_view institution) {
  std::string out(kContext);
  AppendFramed(out, institution);
  return out;
}

/// Generation and sealed id. The alphabet's decoder is lenient, so what it read is written again and
/// compared.
std::optional<std::string> Decode(std::string_view handle) {
  if (handle.size() != kHandleSize || !handle.starts_with(kHandlePrefix)) return std::nullopt;
  const std::string_view text = handle.substr(kHandlePrefix.size());
  std::string raw;
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &raw) ||
      raw.size() != kRawSize || absl::WebSafeBase64Escape(raw) != text) {
    return std::nullopt;
  }
  return raw;
}

uint16_t GenerationIn(std::string_view raw) {
  return static_cast<uint16_t>((static_cast<uint8_t>(raw[0]) << 8) | static_cast<uint8_t>(raw[1]));
}

void Collect(const HandlePolicy::Generations& generations, std::set<uint16_t>& out) {
  out.insert(generations.current);
  for (const HandlePolicy::Retiring& retiring : generations.retiring) out.insert(retiring.generation);
}

}  // namespace

absl::StatusOr<HandleCodec> HandleCodec::Create(const crypto::KeyRing& ring, HandlePolicy policy,
                                                const Clock& clock) {
  std::set<uint16_t> named;
  Collect(policy.standard, named);
  for (const auto& [institution, generations] : policy.institutions) Collect(generations, named);
  if (named.contains(0)) return absl::InvalidArgumentError("handle generations count from 1");

  std::map<uint16_t, crypto::AesSiv> keys;
  for (const uint16_t generation : named) {
    ASSIGN_OR_RETURN(const Secret root, ring.Get(kHandleKeyName, generation));
    ASSIGN_OR_RETURN(crypto::AesSiv siv, crypto::AesSiv::Create(crypto::HkdfSha256(
                                             root, "", kContext, crypto::AesSiv::kKeySize)));
    keys.emplace(generation, std::move(siv));
  }
  return HandleCodec(std::move(policy), std::move(keys), clock);
}

std::string HandleCodec::ToHandle(const Id128& person, std::string_view institution) const {
  const uint16_t generation = GenerationsOf(institution).current;
  const std::string associated = AssociatedData(institution);
  const std::string_view ads[] = {associated};
  std::string raw = {static_cast<char>(generation >> 8), static_cast<char>(generation & 0xff)};
  raw += keys_.at(generation).Seal(ads, person.bytes()).value();
  return std::string(kHandlePrefix) + absl::WebSafeBase64Escape(raw);
}

absl::StatusOr<Id128> HandleCodec::FromHandle(std::string_view handle, std::string_view institution) const {
  const std::optional<std::string> raw = Decode(handle);
  if (!raw.has_value()) return NotAHandle();
  const uint16_t generation = GenerationIn(*raw);
  if (!Understood(generation, GenerationsOf(institution))) return NotAHandle();
  const std::string associated = AssociatedData(institution);
  const std::string_view ads[] = {associated};
  const absl::StatusOr<std::string> id =
      keys_.at(generation).Open(ads, std::string_view(*raw).substr(kGenerationSize));
  if (!id.ok()) return NotAHandle();
  return Id128::FromBytes(*id);
}

bool HandleCodec::IsRetiring(std::string_view handle, std::string_view institution) const {
  if (!FromHandle(handle, institution).ok()) return false;
  return GenerationIn(*Decode(handle)) != GenerationsOf(institution).current;
}

const HandlePolicy::Generations& HandleCodec::GenerationsOf(std::string_view institution) const {
  const auto found = policy_.institutions.find(institution);
  return found == policy_.institutions.end() ? policy_.standard : found->second;
}

bool HandleCodec::Understood(uint16_t generation, const HandlePolicy::Generations& generations) const {
  if (generation == generations.current) return true;
  return std::any_of(generations.retiring.begin(), generations.retiring.end(),
                     [&](const HandlePolicy::Retiring& retiring) {
                       return retiring.generation == generation && clock_->Now() < retiring.until;
                     });
}

}  // namespace relais::identity
