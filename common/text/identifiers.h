// Numbers that identify establishments, professionals and places (D-6.3, D-6.4). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace relais::text {

/// 14 digits, Luhn on the 14 and on the first 9. La Poste's (SIREN 356000000) may instead have a digit sum
/// that 5 divides.
[[nodiscard]] bool IsSiret(std::string_view text);

/// 11 digits, Luhn.
[[nodiscard]] bool IsRpps(std::string_view text);

enum class PostalCode {
  kParis,      ///< 75001–75020, or 75116 (north of the 16th)
  kElsewhere,  ///< five digits, another département
  kInvalid     ///< not five digits, or 75… that is not Paris's
};
[[nodiscard]] PostalCode ClassifyPostalCode(std::string_view text);

/// One of the twenty arrondissements. INSEE codes (75101–75120) and postal codes (75001–75020, 75116) look
/// alike and differ: neither is accepted in place of the other.
class Arrondissement {
 public:
  [[nodiscard]] static std::optional<Arrondissement> FromNumber(int number);
  [[nodiscard]] static std::optional<Arrondissement> FromPostalCode(std::string_view text);
  [[nodiscard]] static std::optional<Arrondissement> FromInseeCode(std::string_view text);

  [[nodiscard]] int number() const { return number_; }
  /// "75101" to "75120".
  [[nodiscard]] std::string InseeCode() const;
  /// The 1st to the 4th form one sector.
  [[nodiscard]] bool InParisCentre() const { return number_ <= 4; }

  friend bool operator==(const Arrondissement&, const Arrondissement&) = default;

 private:
  explicit Arrondissement(int number) : number_(number) {}

  int number_;
};

}  // namespace relais::text
