#include "common/feeds/dossier.h"

#include <gtest/gtest.h>

namespace relais::feeds {
namespace {

using absl::CivilDay;
using Kind = DossierChange::Kind;

constexpr int kYear = 2026;

Period Months(int first, int last) { return {CivilDay(kYear, first, 1), CivilDay(kYear, last, 28)}; }

EdfRow Bill(CivilDay day, Period period, Fluide fluid = Fluide::kElectricite) {
  EdfRow row;
  row.evenement = Evenement::kCoupure;
  row.date_evenement = day;
  row.fluide = fluid;
  row.periode = period;
  return row;
}

EdfRow Payment(CivilDay day, std::optional<Period> period = std::nullopt,
               Fluide fluid = Fluide::kElectricite) {
  EdfRow row;
  row.evenement = Evenement::kReglement;
  row.date_evenement = day;
  row.fluide = fluid;
  row.periode = period;
  return row;
}

TEST(Dossier, ABillEventOpensOneDossierPerFluidAndPeriod) {
  std::vector<Dossier> dossiers;
  EXPECT_EQ(ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 2), Months(5, 6))).kind, Kind::kOpened);
  EXPECT_EQ(ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(5, 6))).kind, Kind::kAdded);
  EXPECT_EQ(ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 3), Months(5, 6))).kind, Kind::kAdded);
  EXPECT_EQ(ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 3), Months(7, 8))).kind, Kind::kOpened);
  EXPECT_EQ(ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 3), Months(5, 6), Fluide::kGaz)).kind,
            Kind::kOpened);
  ASSERT_EQ(dossiers.size(), 3U);
  EXPECT_EQ(dossiers[0], (Dossier{Fluide::kElectricite, Months(5, 6), CivilDay(kYear, 9, 1), true}));
}

TEST(Dossier, ACancellingEventWithAPeriodClosesExactlyThatOne) {
  std::vector<Dossier> dossiers;
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(5, 6)));
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(7, 8)));
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(5, 6), Fluide::kEau));
  EXPECT_TRUE(DossiersClosedBy(dossiers, Payment(CivilDay(kYear, 10, 1), Months(5, 7))).empty());
  EXPECT_TRUE(
      DossiersClosedBy(dossiers, Payment(CivilDay(kYear, 10, 1), Months(5, 6), Fluide::kGaz)).empty());
  // Even dated before the bill event: the period says which one.
  EXPECT_EQ(DossiersClosedBy(dossiers, Payment(CivilDay(kYear, 8, 1), Months(7, 8))), std::vector<size_t>{1});
  const DossierChange change = ApplyEvent(dossiers, Payment(CivilDay(kYear, 10, 1), Months(5, 6)));
  EXPECT_EQ(change.kind, Kind::kClosed);
  EXPECT_EQ(change.touched, std::vector<size_t>{0});
  EXPECT_FALSE(dossiers[0].open);
  EXPECT_TRUE(dossiers[1].open);
  EXPECT_TRUE(dossiers[2].open);
  EXPECT_TRUE(DossiersClosedBy(dossiers, Payment(CivilDay(kYear, 10, 2), Months(5, 6))).empty());
}

TEST(Dossier, WithoutAPeriodItClosesThoseThatBeganStrictlyBefore) {
  std::vector<Dossier> dossiers;
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(3, 4)));
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 2), Months(5, 6)));
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 3), Months(7, 8)));
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(7, 8), Fluide::kGaz));
  EXPECT_TRUE(DossiersClosedBy(dossiers, Payment(CivilDay(kYear, 9, 1))).empty());
  EXPECT_EQ(DossiersClosedBy(dossiers, Payment(CivilDay(kYear, 9, 3))), (std::vector<size_t>{0, 1}));
}

TEST(Dossier, ABillEventReopensAClosedDossier) {
  std::vector<Dossier> dossiers;
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(5, 6)));
  ApplyEvent(dossiers, Payment(CivilDay(kYear, 9, 10)));
  const DossierChange change = ApplyEvent(dossiers, Bill(CivilDay(kYear, 10, 1), Months(5, 6)));
  EXPECT_EQ(change.kind, Kind::kReopened);
  EXPECT_EQ(change.touched, std::vector<size_t>{0});
  // It began on 1 September, so a payment of the 15th answers it although it was reopened later.
  EXPECT_EQ(DossiersClosedBy(dossiers, Payment(CivilDay(kYear, 9, 15))), std::vector<size_t>{0});
}

TEST(Dossier, ABillEventClosesNothing) {
  std::vector<Dossier> dossiers;
  ApplyEvent(dossiers, Bill(CivilDay(kYear, 9, 1), Months(5, 6)));
  EXPECT_TRUE(DossiersClosedBy(dossiers, Bill(CivilDay(kYear, 9, 9), Months(5, 6))).empty());
}

}  // namespace
}  // namespace relais::feeds
