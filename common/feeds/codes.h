// The code lists that feeds fix themselves (signs are the directory's). Codes are case-sensitive. Parse<Enum>
// gives nothing for a code that is not listed; CodeOf is its inverse ("" where an enum has a kNone).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace relais::feeds {

/// The ground a supplier states (D-1.4, D-1.5, D-1.13). kNone: a cancelling event states none.
enum class Fondement : uint8_t { kNone, kArt2, kArt6, kConvention };
enum class Evenement : uint8_t {
  kLettre1,
  kLettre2,
  kReduction,
  kCoupure,
  kRetablissement,
  kReglement,
  kEcheancier
};
enum class Fluide : uint8_t { kElectricite, kGaz, kChaleur, kEau };

enum class PlaceKind : uint8_t { kDomicile, kRue, kGare, kBois, kHotel, kAutre };
enum class Danger : uint8_t { kNoDanger, kConcern, kSerious, kImmediate };
enum class Informed : uint8_t { kYes, kNo, kImpossible };
enum class Agreement : uint8_t { kGiven, kRefused, kNotAsked, kUnable };
/// kNone: no ground of the law is stated.
enum class Ground : uint8_t { kNone, kArt226_14_1, kInfoPreoccupante };

template <typename Enum>
[[nodiscard]] std::optional<Enum> ParseCode(std::string_view code);

[[nodiscard]] std::string_view CodeOf(Fondement code);
[[nodiscard]] std::string_view CodeOf(Evenement code);
[[nodiscard]] std::string_view CodeOf(Fluide code);
[[nodiscard]] std::string_view CodeOf(PlaceKind code);
[[nodiscard]] std::string_view CodeOf(Danger code);
[[nodiscard]] std::string_view CodeOf(Informed code);
[[nodiscard]] std::string_view CodeOf(Agreement code);
[[nodiscard]] std::string_view CodeOf(Ground code);

/// Payment, payment plan or return of supply (D-1.12). Every other event is a bill event.
[[nodiscard]] constexpr bool IsCancelling(Evenement event) {
  return event == Evenement::kRetablissement || event == Evenement::kReglement ||
         event == Evenement::kEcheancier;
}
/// Cut or reduction of supply: the events of ART6 (D-1.5).
[[nodiscard]] constexpr bool IsCutOrReduction(Evenement event) {
  return event == Evenement::kReduction || event == Evenement::kCoupure;
}

}  // namespace relais::feeds
