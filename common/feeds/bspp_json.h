// Structure of an NDJSON line of `bspp`: which members it has, of which type. Not for users of the library.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace relais::feeds::internal {

enum class BsppText : uint8_t {
  kReference,
  kInterventionAt,
  kPlaceKind,
  kPlaceAdresse,
  kPlaceCodePostal,
  kPlaceCommune,
  kPlaceRepere,
  kPlaceEtage,
  kPlaceAcces,
  kPersonNom,
  kPersonPrenoms,
  kPersonAlias,
  kPersonNaissance,
  kPersonTelephone,
  kPersonSexe,
  kFacts,
  kReportedWords,
  kPriorSince,
  kDanger,
  kInformed,
  kAgreement,
  kGround,
  kGroundFacts,
  kRequestedAction,
};
inline constexpr size_t kBsppTexts = 24;

enum class BsppCount : uint8_t { kAdults, kMinors, kPregnant, kPrior };
inline constexpr size_t kBsppCounts = 4;

/// Path of a text member: "place.adresse".
[[nodiscard]] std::string_view PathOf(BsppText text);

struct BsppJson {
  /// Not a JSON object, a member that is unknown, repeated or of a wrong type, a NUL.
  bool malformed = false;
  /// Of the first fault, "" if it lies in no known member.
  std::string_view malformed_field;
  /// Bytes that are not UTF-8, or an escape that stands for no character (a lone surrogate); U+FFFD replaces
  /// them.
  bool bad_encoding = false;
  /// Raw text of each member, "" when absent; also filled as far as possible when `malformed`.
  std::array<std::string, kBsppTexts> texts;
  std::array<uint64_t, kBsppCounts> counts{};
  std::vector<std::string> signs;
  bool has_place = false;
  bool exercise = false;
  /// The text was JSON to its end, and `reference` was there once at most: what it holds may be believed.
  bool reference_is_sure = false;

  [[nodiscard]] const std::string& text(BsppText member) const { return texts[static_cast<size_t>(member)]; }
};

[[nodiscard]] BsppJson ParseBsppJson(std::string_view line);

}  // namespace relais::feeds::internal
