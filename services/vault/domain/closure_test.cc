#include "services/vault/domain/closure.h"

#include <gtest/gtest.h>

namespace relais::vault {
namespace {

using absl::CivilDay;

const CivilDay kToday(2026, 11, 26);

TEST(Closure, ThreeMonthsNotice) {  // D-3.4
  EXPECT_FALSE(PlanClosure(kToday, CivilDay(2027, 2, 25), false, {}).ok());
  const auto plan = PlanClosure(kToday, CivilDay(2027, 2, 26), false, {});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->retrieval_until, CivilDay(2027, 2, 26));
  EXPECT_EQ(PhaseOn(*plan, CivilDay(2027, 2, 26)), VaultPhase::kOpen);
  EXPECT_EQ(PhaseOn(*plan, CivilDay(2027, 2, 27)), VaultPhase::kClosed);
}

TEST(Closure, WithoutNoticeTwelveMonthsOfRetrieval) {  // D-3.4
  EXPECT_FALSE(PlanClosure(kToday, kToday - 1, true, {}).ok());
  const auto plan = PlanClosure(kToday, kToday, true, {});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->retrieval_until, CivilDay(2027, 11, 26));
  EXPECT_EQ(PhaseOn(*plan, kToday), VaultPhase::kOpen);
  EXPECT_EQ(PhaseOn(*plan, kToday + 1), VaultPhase::kRetrieval);
  EXPECT_EQ(PhaseOn(*plan, CivilDay(2027, 11, 26)), VaultPhase::kRetrieval);
  EXPECT_EQ(PhaseOn(*plan, CivilDay(2027, 11, 27)), VaultPhase::kClosed);
}

TEST(Closure, MonthsThatAreShorter) {
  const auto plan = PlanClosure(CivilDay(2026, 11, 30), CivilDay(2027, 2, 28), false, {});
  EXPECT_TRUE(plan.ok()) << "30 November and three months is the last of February";
}

TEST(Closure, SettingsGiveMoreNeverLess) {
  EXPECT_FALSE(PlanClosure(kToday, CivilDay(2027, 1, 26), false, {.notice_months = 2}).ok());
  EXPECT_FALSE(PlanClosure(kToday, CivilDay(2027, 4, 26), false, {.notice_months = 6}).ok());
  EXPECT_EQ(PlanClosure(kToday, kToday, true, {.retrieval_months = 1})->retrieval_until,
            CivilDay(2027, 11, 26));
  EXPECT_EQ(PlanClosure(kToday, kToday, true, {.retrieval_months = 18})->retrieval_until,
            CivilDay(2028, 5, 26));
}

TEST(Closure, IsNotBroughtForward) {
  const auto first = *PlanClosure(kToday, CivilDay(2027, 6, 1), false, {});
  EXPECT_TRUE(JudgeReplacement(first, *PlanClosure(kToday + 5, CivilDay(2027, 7, 1), false, {})).ok());
  EXPECT_FALSE(JudgeReplacement(first, *PlanClosure(kToday + 5, CivilDay(2027, 5, 1), false, {})).ok());
  EXPECT_FALSE(JudgeReplacement(first, *PlanClosure(kToday + 5, kToday + 5, true, {})).ok());
}

TEST(Closure, NoPlanIsOpen) { EXPECT_EQ(PhaseOn(std::nullopt, kToday), VaultPhase::kOpen); }

}  // namespace
}  // namespace relais::vault
