#include "common/text/day.h"

#include <gtest/gtest.h>

namespace relais::text {
namespace {

TEST(Day, ReadsBothForms) {
  EXPECT_EQ(ParseDay("2026-11-03"), absl::CivilDay(2026, 11, 3));
  EXPECT_EQ(ParseDay("03/11/2026"), absl::CivilDay(2026, 11, 3));
  EXPECT_EQ(ParseDay("2024-02-29"), absl::CivilDay(2024, 2, 29));
  EXPECT_EQ(ParseDay("31/12/9999"), absl::CivilDay(9999, 12, 31));
  EXPECT_EQ(ParseDay("0001-01-01"), absl::CivilDay(1, 1, 1));
  EXPECT_EQ(ParseIsoDay("2026-11-03"), absl::CivilDay(2026, 11, 3));
  EXPECT_FALSE(ParseIsoDay("03/11/2026"));
}

TEST(Day, RefusesOtherFormsAndDaysThatDoNotExist) {
  for (const char* text :
       {"",           "hier",        "2026-02-30",  "2025-02-29",       "31/04/2026",  "2026-1-5",
        "3/11/2026",  "03/11/26",    "2026/11/03",  "03-11-2026",       "2026-13-01",  "2026-00-10",
        "2026-10-00", "0000-01-01",  "2026-11-03T", " 2026-11-03",      "2026-11-031", "20261103",
        "11/31/2026", "03/11/2026 ", "+026-11-03",  "2026-11-0\xC2\xB2"}) {
    EXPECT_FALSE(ParseDay(text)) << text;
  }
}

TEST(Day, WritesIso) { EXPECT_EQ(FormatIsoDay(absl::CivilDay(2026, 1, 5)), "2026-01-05"); }

TEST(Instant, ReadsRfc3339) {
  const absl::Time expected = absl::FromCivil(absl::CivilSecond(2026, 11, 2, 9, 0, 0), absl::UTCTimeZone());
  for (const char* text :
       {"2026-11-02T09:00:00Z", "2026-11-02t09:00:00z", "2026-11-02T10:00:00+01:00",
        "2026-11-01T23:30:00-09:30", "2026-11-02T09:00:00-00:00", "2026-11-02T09:00:00.000Z"}) {
    ASSERT_TRUE(ParseInstant(text)) << text;
    EXPECT_EQ(*ParseInstant(text), expected) << text;
  }
  EXPECT_EQ(*ParseInstant("2026-11-02T09:00:00.5Z"), expected + absl::Milliseconds(500));
  EXPECT_EQ(*ParseInstant("2026-11-02T09:00:00.1234567899Z"), expected + absl::Nanoseconds(123456789));
}

TEST(Instant, RefusesAnythingElse) {
  for (const char* text : {"", "2026-11-02", "2026-11-02T10:00:00", "2026-11-02 10:00:00Z",
                           "2026-11-02T10:00Z", "2026-11-02T24:00:00Z", "2026-11-02T10:60:00Z",
                           "2026-12-31T23:59:60Z", "2026-02-30T10:00:00Z", "2026-11-02T10:00:00.Z",
                           "2026-11-02T10:00:00,5Z", "2026-11-02T10:00:00+0100", "2026-11-02T10:00:00+24:00",
                           "2026-11-02T10:00:00+01:60", "2026-11-02T10:00:00+1:00", "2026-11-02T10:00:00Z ",
                           "02/11/2026T10:00:00Z", "2026-11-02T10:00:00 +01:00", "2026-11-02T1:00:00Z"}) {
    EXPECT_FALSE(ParseInstant(text)) << text;
  }
}

}  // namespace
}  // namespace relais::text
