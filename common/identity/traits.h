// What is known of a human, brought to one spelling so that two institutions' words can be compared. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"

namespace relais::identity {

/// A number that two institutions may both hold, never the NIR. `scheme` says which ("caf").
struct SharedIdentifier {
  std::string scheme;
  std::string value;
};

/// As given. UTF-8; every text may be empty, which is unknown. An alias is no trait: it never serves
/// matching.
struct Traits {
  std::string surname = {};
  std::string first_names = {};
  std::optional<absl::CivilDay> birth_date = {};
  bool birth_date_presumed = false;
  std::string birthplace = {};
  std::string phone = {};
  std::string address = {};
  std::string postal_code = {};
  std::vector<SharedIdentifier> identifiers = {};
};

/// Normalised: A–Z, 0–9 and single spaces. Ill-formed UTF-8, what normalises to nothing and fillers
/// ("INCONNU", "SANS PRENOM", "X") are empty, unknown.
struct NormalTraits {
  /// Without particles before another word (de, du, des, d', le, la, van, von, el, ...); ST and STE written
  /// out.
  std::vector<std::string> surname_words;
  /// Sorted, each once: order, hyphens and repetition do not count.
  std::vector<std::string> first_names;
  std::optional<absl::CivilDay> birth_date;
  /// Whether the date may link: not presumed, not 1 January or 31 December, the fillers of unknown dates.
  bool birth_date_exact = false;
  /// Without particles, numbers and what says that a number is an arrondissement; a country alone ("FRANCE")
  /// is unknown.
  std::string birthplace;
  std::string phone;
  /// Street types written out, without particles, "12B", "12 B" and "12bis" as one; empty without a postal
  /// code.
  std::string address;
  std::string postal_code;
  /// "scheme:value", sorted, each once.
  std::vector<std::string> identifiers;

  [[nodiscard]] std::string Surname() const;

  friend bool operator==(const NormalTraits&, const NormalTraits&) = default;
};

[[nodiscard]] NormalTraits Normalize(const Traits& traits);

enum class TraitMatch { kSame, kDiffers, kAbsent };

/// What a steward is shown of two records: absent when either lacks the trait.
struct TraitComparison {
  TraitMatch surname = TraitMatch::kAbsent;
  TraitMatch first_names = TraitMatch::kAbsent;
  TraitMatch birth_date = TraitMatch::kAbsent;
  TraitMatch birthplace = TraitMatch::kAbsent;
  TraitMatch phone = TraitMatch::kAbsent;
  TraitMatch address = TraitMatch::kAbsent;
  /// Same when one is shared; differs when they share a scheme and no value.
  TraitMatch identifiers = TraitMatch::kAbsent;

  friend bool operator==(const TraitComparison&, const TraitComparison&) = default;
};

[[nodiscard]] TraitComparison Compare(const NormalTraits& a, const NormalTraits& b);

}  // namespace relais::identity
