#include "services/consent/retention_settings.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace relais::consent {
namespace {

constexpr char kDistinct[] =
    "retention: {person_months: 5, agreement_months: 6, objection_months: 7, erasure_notice_months: 8}";

TEST(RetentionSettings, EachIsWhatItsOwnKeySays) {
  absl::StatusOr<Config> config = Config::Parse(kDistinct, {});
  ASSERT_TRUE(config.ok()) << config.status();
  const RetentionRules rules = ReadRetention(*config);
  EXPECT_TRUE(config->Finish().ok()) << config->Finish();
  EXPECT_EQ(rules.person_months, 5);
  EXPECT_EQ(rules.agreement_months, 6);
  EXPECT_EQ(rules.objection_months, 7);
  EXPECT_EQ(rules.erasure_notice_months, 8);
}

// D-2.10.
TEST(RetentionSettings, WhatNobodySaysIsAsDesigned) {
  absl::StatusOr<Config> config = Config::Parse("", {});
  ASSERT_TRUE(config.ok()) << config.status();
  const RetentionRules rules = ReadRetention(*config);
  EXPECT_TRUE(config->Finish().ok()) << config->Finish();
  EXPECT_EQ(rules.person_months, 24);
  EXPECT_EQ(rules.agreement_months, 60);
  EXPECT_EQ(rules.objection_months, 36);
  EXPECT_EQ(rules.erasure_notice_months, 3);
}

TEST(RetentionSettings, WhatIsNoNumberOfMonthsIsRefusedByItsKey) {
  for (const char* name :
       {"person_months", "agreement_months", "objection_months", "erasure_notice_months"}) {
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
}  // namespace relais::consent
