#include "services/consent/domain/retention.h"

#include <gtest/gtest.h>

namespace relais::consent {
namespace {

absl::Time At(int year, int month, int day) {
  return absl::FromCivil(absl::CivilDay(year, month, day), absl::UTCTimeZone());
}

TEST(Retention, APersonIsErasedTwoYearsAfterTheLastContact) {  // D-2.10
  const RetentionRules rules;
  EXPECT_FALSE(PersonDue(At(2024, 11, 3), At(2026, 11, 2), rules));
  EXPECT_TRUE(PersonDue(At(2024, 11, 3), At(2026, 11, 3), rules));
  EXPECT_FALSE(PersonDue(At(2024, 11, 3), At(2026, 11, 3), {.person_months = 36}));
}

TEST(Retention, ADayThatTheLaterMonthDoesNotHaveIsNeverTooEarly) {
  const RetentionRules three{.person_months = 3};
  EXPECT_FALSE(PersonDue(At(2026, 11, 30), At(2027, 2, 28), three));
  EXPECT_TRUE(PersonDue(At(2026, 11, 30), At(2027, 3, 2), three));
}

TEST(Retention, AnObjectionsDigestIsKeptAsLongAsItSays) {  // D-1.6
  EXPECT_FALSE(ObjectionDigestDue(At(2029, 11, 3), At(2029, 11, 2)));
  EXPECT_TRUE(ObjectionDigestDue(At(2029, 11, 3), At(2029, 11, 3)));
  EXPECT_FALSE(ObjectionDigestDue(absl::UnixEpoch(), At(2029, 11, 3))) << "nothing is kept any more";
}

}  // namespace
}  // namespace relais::consent
