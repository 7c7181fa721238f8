// Writes a file of unpaid bills as a supplier sends them, for the import to be measured on.
//
//   bench_feed --rows 200000 [--seed 1] [--today 2026-11-23] > feed.csv
//
// Seeded: the same arguments give the same file. Almost every row is of another person; of 1,000 rows 950 are
// first letters (half under the convention, half under the decree, their time to object over), 30 second
// letters, 10 cuts, 5 with an objection and 5 that are wrong in form.
#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <random>
#include <string>

#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace {

constexpr std::array kSurnames = {"Diallo", "Martin",   "Lefèvre", "Nguyen",   "Benali", "Petit", "Moreau",
                                  "Traoré", "Fontaine", "Girard",  "Da Silva", "Kaya",   "Roux",  "Haddad"};
constexpr std::array kFirstNames = {"Awa",      "Jeanne", "Mohamed", "Élise", "Hélène",
                                    "Ibrahima", "Paulo",  "Linh",    "Zoé",   "Marie Claire"};
constexpr std::array kStreets = {"rue de l'Hôpital", "bd. Voltaire",       "avenue d'Italie",
                                 "rue des Pyrénées", "place de la Nation", "rue Ordener",
                                 "boulevard Ney",    "rue de Belleville",  "impasse Guéménée"};
constexpr std::array kFluids = {"ELECTRICITE", "GAZ", "ELECTRICITE", "CHALEUR"};

struct Row {
  std::string ground = "CONVENTION";
  std::string event = "LETTRE_1";
  std::string day;
  std::string fluid;
  std::string opposition = "NON";
  std::string objection_end;
  std::string amount;
};

class Feed {
 public:
  Feed(uint64_t seed, absl::CivilDay today) : random_(seed), today_(today), prefix_(seed) {}

  void Header() {
    std::cout << "reference;fondement;evenement;date_evenement;fluide;opposition;fin_opposition;nom;prenoms;"
                 "adresse;code_postal;commune;option_tarifaire;montant_du;periode_debut;periode_fin\n";
  }

  void Write(uint64_t number) {
    const Row row = Make();
    const int arrondissement = 1 + Below(20);
    const bool electric = row.fluid == "ELECTRICITE";
    std::cout << "B" << prefix_ << "-" << number << ';' << row.ground << ';' << row.event << ';' << row.day
              << ';' << row.fluid << ';' << row.opposition << ';' << row.objection_end << ';'
              << Pick(kSurnames) << ' ' << Name(number) << ';' << Pick(kFirstNames) << ';' << 1 + Below(250)
              << ' ' << Pick(kStreets) << ';' << 75000 + arrondissement << ";Paris;"
              << (electric ? "BASE 6 kVA" : "") << ';' << row.amount << ';' << Day(150) << ';' << Day(91)
              << '\n';
  }

 private:
  Row Make() {
    Row row;
    row.day = Day(20 + Below(60));
    row.fluid = Pick(kFluids);
    row.amount = std::to_string(40 + Below(900)) + "," + std::to_string(10 + Below(90));
    const int kind = Below(1000);
    if (kind < 475) {
      row.ground = "ART2";
      row.objection_end = Day(2 + Below(9));
    } else if (kind >= 950 && kind < 980) {
      row.event = "LETTRE_2";
    } else if (kind >= 980 && kind < 990) {
      row.ground = "ART6";
      row.event = "COUPURE";
    } else if (kind >= 990 && kind < 995) {
      row.opposition = "OUI";
    } else if (kind >= 995) {
      row.amount = "beaucoup";
    }
    return row;
  }

  // Makes the person another one: seven letters of the row's number.
  static std::string Name(uint64_t number) {
    std::string name;
    for (int i = 0; i < 7; ++i, number /= 26) {
      name.push_back(static_cast<char>('A' + number % 26));
    }
    return name;
  }
  std::string Day(int before_today) const { return absl::FormatCivilTime(today_ - before_today); }
  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }
  template <typename List>
  const char* Pick(const List& list) {
    return list[Below(static_cast<int>(list.size()))];
  }

  std::mt19937_64 random_;
  const absl::CivilDay today_;
  const uint64_t prefix_;
};

}  // namespace

int main(int argc, char** argv) {
  uint64_t rows = 200'000;
  uint64_t seed = 1;
  std::string today = absl::FormatCivilTime(absl::ToCivilDay(absl::Now(), absl::UTCTimeZone()));
  CLI::App app("Writes a file of unpaid bills to standard output");
  app.add_option("--rows", rows, "Rows beside the header");
  app.add_option("--seed", seed, "Another seed is another file, with other references");
  app.add_option("--today", today, "The day on which it will be imported");
  CLI11_PARSE(app, argc, argv);
  absl::CivilDay day;
  if (!absl::ParseCivilTime(today, &day)) {
    std::fprintf(stderr, "bench_feed: --today wants a day such as 2026-11-23\n");
    return 2;
  }
  std::ios::sync_with_stdio(false);
  Feed feed(seed, day);
  feed.Header();
  for (uint64_t i = 0; i < rows; ++i) {
    feed.Write(i);
  }
  std::cout.flush();
  return std::cout.good() ? 0 : 1;
}
