#include "services/vault/format/row_seal.h"

#include <array>

#include "common/crypto/aead.h"
#include "common/crypto/hkdf.h"

namespace relais::vault {
namespace {

constexpr std::string_view kNameContext = "relais vault row name v1";
constexpr std::string_view kValueContext = "relais vault row value v1";
constexpr size_t kValueKeySize = 32;
constexpr size_t kNameBlock = 64;

std::string Padded(std::string_view text) {
  std::string padded(text);
  padded.resize((text.size() / kNameBlock + 1) * kNameBlock, '\0');
  return padded;
}

}  // namespace

RowSeal::RowSeal(const Secret& key, Random& random)
    : random_(random),
      value_key_(crypto::HkdfSha256(key, "", kValueContext, kValueKeySize)),
      names_(crypto::AesSiv::Create(crypto::HkdfSha256(key, "", kNameContext, crypto::AesSiv::kKeySize))
                 .value()) {}

std::string RowSeal::Name(const Place& place, std::string_view text) const {
  const std::string of = place.of.ToBytes();
  const std::array<std::string_view, 3> ads = {kNameContext, place.use, of};
  return names_.Seal(ads, Padded(text)).value();
}

std::optional<std::string> RowSeal::TextOf(const Place& place, std::string_view name) const {
  const std::string of = place.of.ToBytes();
  const std::array<std::string_view, 3> ads = {kNameContext, place.use, of};
  absl::StatusOr<std::string> text = names_.Open(ads, name);
  if (!text.ok()) {
    return std::nullopt;
  }
  text->resize(text->find_last_not_of('\0') + 1);
  return *std::move(text);
}

std::string RowSeal::Seal(std::string_view row, std::string_view text) const {
  return crypto::SealRandom(random_, value_key_, std::string(kValueContext) + std::string(row), text).value();
}

absl::StatusOr<std::string> RowSeal::Open(std::string_view row, std::string_view sealed) const {
  absl::StatusOr<std::string> text =
      crypto::OpenRandom(value_key_, std::string(kValueContext) + std::string(row), sealed);
  if (!text.ok()) {
    return absl::DataLossError("a sealed row of the vault does not open");
  }
  return text;
}

}  // namespace relais::vault
