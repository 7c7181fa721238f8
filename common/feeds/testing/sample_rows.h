// Rows to start from in tests: each is good as it stands, tests change what they are about.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "common/feeds/row.h"

namespace relais::feeds::testing {

using Changes = std::initializer_list<std::pair<EdfColumn, std::string>>;

/// A cut of electricity on 2026-10-01 under ART6, with `changes`. Judged on 2026-11-22 it is accepted.
inline RawRow EdfCut(Changes changes = {}) {
  RawRow row;
  row.line = 2;
  row.fields = {"EDF-1", "ART6",   "COUPURE",    "2026-10-01",          "ELECTRICITE", "NON",
                "",      "Dupont", "Jeanne",     "12 bd. de l'Hôpital", "Paris",       "75013",
                "BASE",  "123,45", "2026-06-01", "2026-07-30"};
  for (const auto& [column, value] : changes) row.fields[static_cast<size_t>(column)] = value;
  return row;
}

/// A first letter of 2026-10-01 to a protected customer, who may object until 2026-10-12.
inline RawRow EdfLetter(Changes changes = {}) {
  RawRow row = EdfCut({{EdfColumn::kFondement, "ART2"},
                       {EdfColumn::kEvenement, "LETTRE_1"},
                       {EdfColumn::kFinOpposition, "2026-10-12"}});
  for (const auto& [column, value] : changes) row.fields[static_cast<size_t>(column)] = value;
  return row;
}

/// A payment on 2026-11-01, without period or amount.
inline RawRow EdfPayment(Changes changes = {}) {
  RawRow row = EdfCut({{EdfColumn::kReference, "EDF-2"},
                       {EdfColumn::kFondement, ""},
                       {EdfColumn::kEvenement, "REGLEMENT"},
                       {EdfColumn::kDateEvenement, "2026-11-01"},
                       {EdfColumn::kMontantDu, ""},
                       {EdfColumn::kPeriodeDebut, ""},
                       {EdfColumn::kPeriodeFin, ""}});
  for (const auto& [column, value] : changes) row.fields[static_cast<size_t>(column)] = value;
  return row;
}

/// A report of concern at home, with her agreement. Judged on 2026-11-22 it is accepted.
inline nlohmann::json BsppReport() {
  return {{"reference", "BSPP-1"},
          {"intervention_at", "2026-11-10T20:05:00+01:00"},
          {"place", {{"kind", "DOMICILE"}, {"adresse", "3 rue Monge"}, {"code_postal", "75005"}}},
          {"person", {{"nom", "Diallo"}, {"prenoms", "Awa"}, {"naissance", "1950-03-04"}}},
          {"signs", {"ISOLATION"}},
          {"facts", "Logement froid, réfrigérateur vide."},
          {"danger", "CONCERN"},
          {"informed", "YES"},
          {"agreement", "GIVEN"}};
}

inline RawRow BsppRaw(std::string json) {
  RawRow row;
  row.line = 1;
  row.json = std::move(json);
  return row;
}
inline RawRow BsppRaw(const nlohmann::json& json) { return BsppRaw(json.dump()); }

}  // namespace relais::feeds::testing
