#include "services/alerting/retention_settings.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace relais::alerting {
namespace {

constexpr char kDistinct[] = "retention: {signal_months: 5, alert_months: 6}";

TEST(RetentionSettings, EachIsWhatItsOwnKeySays) {
  absl::StatusOr<Config> config = Config::Parse(kDistinct, {});
  ASSERT_TRUE(config.ok()) << config.status();
  const RetentionRules rules = ReadRetention(*config);
  EXPECT_TRUE(config->Finish().ok()) << config->Finish();
  EXPECT_EQ(rules.signal_months, 5);
  EXPECT_EQ(rules.alert_months, 6);
}

// D-2.10.
TEST(RetentionSettings, WhatNobodySaysIsAsDesigned) {
  absl::StatusOr<Config> config = Config::Parse("", {});
  ASSERT_TRUE(config.ok()) << config.status();
  const RetentionRules rules = ReadRetention(*config);
  EXPECT_TRUE(config->Finish().ok()) << config->Finish();
  EXPECT_EQ(rules.signal_months, 13);
  EXPECT_EQ(rules.alert_months, 24);
}

TEST(RetentionSettings, WhatIsNoNumberOfMonthsIsRefusedByItsKey) {
  for (const char* name : {"signal_months", "alert_months"}) {
    const std::string key = std::string("retention.") + name;
    for (const char* months : {"0", "-1", "1201", "quelques"}) {
      absl::StatusOr<Config> config = Config::Parse(kDistinct, {key + "=" + months});
      ASSERT_TRUE(config.ok()) << config.status();
      (void)ReadRetention(*config);
      const std::string refused(config->Finish().message());
      EXPECT_NE(refused.find(key), std::string::npos) << months << ": " << refused;
    }
  }
}

}  // namespace
}  // namespace relais::alerting
