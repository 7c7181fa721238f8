#include "common/feeds/codes.h"

#include <array>
#include <cstddef>

namespace relais::feeds {
namespace {

// Each list is indexed by the enum's value.
constexpr std::array<std::string_view, 4> kFondements = {"", "ART2", "ART6", "CONVENTION"};
constexpr std::array<std::string_view, 7> kEvenements = {
    "LETTRE_1", "LETTRE_2", "REDUCTION", "COUPURE", "RETABLISSEMENT", "REGLEMENT", "ECHEANCIER"};
constexpr std::array<std::string_view, 4> kFluides = {"ELECTRICITE", "GAZ", "CHALEUR", "EAU"};
constexpr std::array<std::string_view, 6> kPlaceKinds = {"DOMICILE", "RUE", "GARE", "BOIS", "HOTEL", "AUTRE"};
constexpr std::array<std::string_view, 4> kDangers = {"NONE", "CONCERN", "SERIOUS", "IMMEDIATE"};
constexpr std::array<std::string_view, 3> kInformed = {"YES", "NO", "IMPOSSIBLE"};
constexpr std::array<std::string_view, 4> kAgreements = {"GIVEN", "REFUSED", "NOT_ASKED", "UNABLE"};
constexpr std::array<std::string_view, 3> kGrounds = {"", "ART_226_14_1", "INFO_PREOCCUPANTE"};

template <typename Enum, size_t kSize>
std::optional<Enum> Find(const std::array<std::string_view, kSize>& codes, std::string_view code) {
  if (code.empty()) return std::nullopt;
  for (size_t i = 0; i < kSize; ++i) {
    if (codes[i] == code) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

template <>
std::optional<Fondement> ParseCode<Fondement>(std::string_view code) {
  return Find<Fondement>(kFondements, code);
}
template <>
std::optional<Evenement> ParseCode<Evenement>(std::string_view code) {
  return Find<Evenement>(kEvenements, code);
}
template <>
std::optional<Fluide> ParseCode<Fluide>(std::string_view code) {
  return Find<Fluide>(kFluides, code);
}
template <>
std::optional<PlaceKind> ParseCode<PlaceKind>(std::string_view code) {
  return Find<PlaceKind>(kPlaceKinds, code);
}
template <>
std::optional<Danger> ParseCode<Danger>(std::string_view code) {
  return Find<Danger>(kDangers, code);
}
template <>
std::optional<Informed> ParseCode<Informed>(std::string_view code) {
  return Find<Informed>(kInformed, code);
}
template <>
std::optional<Agreement> ParseCode<Agreement>(std::string_view code) {
  return Find<Agreement>(kAgreements, code);
}
template <>
std::optional<Ground> ParseCode<Ground>(std::string_view code) {
  return Find<Ground>(kGrounds, code);
}

std::string_view CodeOf(Fondement code) { return kFondements.at(static_cast<size_t>(code)); }
std::string_view CodeOf(Evenement code) { return kEvenements.at(static_cast<size_t>(code)); }
std::string_view CodeOf(Fluide code) { return kFluides.at(static_cast<size_t>(code)); }
std::string_view CodeOf(PlaceKind code) { return kPlaceKinds.at(static_cast<size_t>(code)); }
std::string_view CodeOf(Danger code) { return kDangers.at(static_cast<size_t>(code)); }
std::string_view CodeOf(Informed code) { return kInformed.at(static_cast<size_t>(code)); }
std::string_view CodeOf(Agreement code) { return kAgreements.at(static_cast<size_t>(code)); }
std::string_view CodeOf(Ground code) { return kGrounds.at(static_cast<size_t>(code)); }

}  // namespace relais::feeds
