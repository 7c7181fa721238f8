// A row of a feed: as it travels, and as the values a well-formed one has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/feeds/codes.h"

namespace relais::feeds {

/// Columns of `edf`, in the order of RawRow::fields and of the wire, which is that of docs/formats.md; names
/// in kEdfColumns.
enum class EdfColumn : uint8_t {
  kReference,
  kFondement,
  kEvenement,
  kDateEvenement,
  kFluide,
  kOpposition,
  kFinOpposition,
  kNom,
  kPrenoms,
  kAdresse,
  kCommune,
  kCodePostal,
  kOptionTarifaire,
  kMontantDu,
  kPeriodeDebut,
  kPeriodeFin
};
inline constexpr std::array<std::string_view, 16> kEdfColumns = {
    "reference",        "fondement",  "evenement",     "date_evenement", "fluide",  "opposition",
    "fin_opposition",   "nom",        "prenoms",       "adresse",        "commune", "code_postal",
    "option_tarifaire", "montant_du", "periode_debut", "periode_fin"};

/// Longest NDJSON line, in bytes of UTF-8, without its line end. A longer one is MALFORMED.
inline constexpr size_t kMaxNdjsonLine = size_t{64} * 1024;

/// A row before judgement. Bytes are the sender's, unquoted but neither trimmed nor checked: a bad date must
/// arrive as it is to be judged.
struct RawRow {
  uint64_t line = 0;       ///< physical line on which the record starts, from 1
  bool malformed = false;  ///< wrong number of columns, broken quoting or too long: the rest is empty
  std::vector<std::string> fields;  ///< edf: one per column, in the order of kEdfColumns
  std::string json;                 ///< bspp: the line
};

/// First and last day, both included; first <= last.
struct Period {
  absl::CivilDay first;
  absl::CivilDay last;

  friend bool operator==(const Period&, const Period&) = default;
};

/// A well-formed row of `edf`. Text is trimmed and in NFC; "" where an optional column is blank.
struct EdfRow {
  std::string reference;
  Fondement fondement = Fondement::kNone;
  Evenement evenement = Evenement::kLettre1;
  absl::CivilDay date_evenement;
  Fluide fluide = Fluide::kElectricite;
  bool opposition = false;
  std::optional<absl::CivilDay> fin_opposition;
  std::string nom;
  std::string prenoms;
  std::string adresse;
  std::string code_postal;
  std::string commune;
  std::string option_tarifaire;
  std::optional<int64_t> montant_cents;
  std::optional<Period> periode;  ///< always there for a bill event
};

struct Place {
  PlaceKind kind = PlaceKind::kAutre;
  std::string adresse;
  std::string code_postal;
  std::string commune;
  std::string repere;
  std::string etage;
  std::string acces;
};

/// What the brigade knows of her; any may be unknown ("").
struct PersonTraits {
  std::string nom;
  std::string prenoms;
  std::string alias;  ///< never serves matching
  std::optional<absl::CivilDay> naissance;
  std::string telephone;
  std::string sexe;
};

/// Absent counts are 0. A `pregnant` given as true counts 1.
struct Household {
  uint64_t adults = 0;
  uint64_t minors = 0;
  uint64_t pregnant = 0;
};

struct PriorInterventions {
  uint64_t count = 0;
  std::optional<absl::CivilDay> since;
};

/// A well-formed row of `bspp`. Text is trimmed and in NFC; "" where an optional member is absent or blank.
struct BsppRow {
  std::string reference;
  absl::Time intervention_at;
  Place place;
  PersonTraits person;
  Household household;
  std::vector<std::string> signs;  ///< sorted, without repeats
  std::string facts;
  std::string reported_words;
  PriorInterventions prior;
  Danger danger = Danger::kNoDanger;
  Informed informed = Informed::kNo;
  Agreement agreement = Agreement::kNotAsked;
  Ground ground = Ground::kNone;
  std::string ground_facts;
  std::string requested_action;
  bool exercise = false;
};

using Row = std::variant<EdfRow, BsppRow>;

/// The sender record key: what one institution's rows on one human share (D-1.6). Each part is normalised
/// (common/text/normalize.h) and stays separate.
struct RecordKeyParts {
  std::string nom;
  std::string prenoms;
  std::string adresse;
  std::string code_postal;

  friend bool operator==(const RecordKeyParts&, const RecordKeyParts&) = default;
};

}  // namespace relais::feeds
