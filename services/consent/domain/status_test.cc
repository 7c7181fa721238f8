#include "services/consent/domain/status.h"

#include <gtest/gtest.h>

namespace relais::consent {
namespace {

common::v1::Date Day(int year, int month, int day) {
  common::v1::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

TEST(Status, OneWordIsEnoughAndOnlyWhoSaidItTakesItBack) {  // D-5.6
  v1::StoredStatus status;
  ApplyStatus("ville-paris", v1::STATUS_CHANGE_DO_NOT_GROUP, {}, status);
  ApplyStatus("caf", v1::STATUS_CHANGE_MAY_GROUP, {}, status);
  EXPECT_TRUE(StatusOf(status).do_not_group());
  EXPECT_FALSE(StatusSaidBy(status, "caf").do_not_group());
  EXPECT_FALSE(StatusSaidBy(status, "emmaus").do_not_group());
  ApplyStatus("ville-paris", v1::STATUS_CHANGE_MAY_GROUP, {}, status);
  EXPECT_FALSE(StatusOf(status).do_not_group());
}

TEST(Status, WhoeverMeetsHerAliveTakesBackEverybodysWord) {
  v1::StoredStatus status;
  ApplyStatus("ville-paris", v1::STATUS_CHANGE_DECEASED, Day(2026, 10, 3), status);
  ApplyStatus("emmaus", v1::STATUS_CHANGE_DECEASED, Day(2026, 10, 4), status);
  EXPECT_EQ(StatusOf(status).deceased_on().day(), 4);
  EXPECT_EQ(StatusSaidBy(status, "ville-paris").deceased_on().day(), 3);
  ApplyStatus("caf", v1::STATUS_CHANGE_NOT_DECEASED, {}, status);
  EXPECT_FALSE(StatusOf(status).has_deceased_on());
}

TEST(Status, TheLastMoveCounts) {
  v1::StoredStatus status;
  ApplyStatus("ville-paris", v1::STATUS_CHANGE_MOVED, Day(2026, 2, 28), status);
  ApplyStatus("caf", v1::STATUS_CHANGE_MOVED, Day(2025, 12, 31), status);
  EXPECT_EQ(StatusOf(status).moved_on().year(), 2026);
  EXPECT_TRUE(HasDay(v1::STATUS_CHANGE_MOVED));
  EXPECT_FALSE(HasDay(v1::STATUS_CHANGE_MAY_GROUP));
}

}  // namespace
}  // namespace relais::consent
