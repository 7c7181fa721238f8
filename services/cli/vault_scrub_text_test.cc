// That nothing was found is a finding of a scrub too, and is said.
#include "services/cli/vault_scrub_text.h"

#include <gtest/gtest.h>

namespace relais::cli {
namespace {

vault::v1::Scrub Ended() {
  vault::v1::Scrub scrub;
  scrub.set_scrub_id("ab");
  scrub.mutable_begun()->set_seconds(1'763'640'000);
  scrub.mutable_ended()->set_seconds(1'763'640'060);
  scrub.set_versions(2);
  scrub.set_bytes(1234);
  return scrub;
}

TEST(ScrubText, NothingFoundIsSaid) {
  EXPECT_EQ(ScrubText(Ended()),
            "scrub ab, begun 2025-11-20 13:00:00, ended 2025-11-20 13:01:00\n"
            "read: 2 versions, 1,234 bytes; 0 values of no paper removed\n"
            "0 findings\n");
}

TEST(ScrubText, WhatIsFoundIsToldApart) {
  vault::v1::Scrub scrub = Ended();
  scrub.clear_ended();
  scrub.set_damaged(3);
  scrub.set_missing(1);
  scrub.set_rolled_back(2);
  EXPECT_EQ(ScrubText(scrub),
            "scrub ab, begun 2025-11-20 13:00:00, under way\n"
            "read: 2 versions, 1,234 bytes; 0 values of no paper removed\n"
            "3 findings: 1 missing, 0 altered, 0 with another hash, 2 rolled back so far\n");
}

// A right that somebody put back is no damage, and worse.
TEST(ScrubText, RightsThatWerePutBackAreSaidAndAreAFinding) {
  vault::v1::Scrub scrub = Ended();
  scrub.set_rights_put_back(1);
  EXPECT_FALSE(FoundNothing(scrub));
  EXPECT_EQ(ScrubText(scrub),
            "scrub ab, begun 2025-11-20 13:00:00, ended 2025-11-20 13:01:00\n"
            "read: 2 versions, 1,234 bytes; 0 values of no paper removed\n"
            "0 findings\n"
            "put back on the disk after its end, and ended again: 1 host or share\n");
  scrub.set_rights_put_back(2);
  EXPECT_NE(ScrubText(scrub).find(": 2 hosts or shares\n"), std::string::npos);
}

TEST(ScrubText, WhatDoesNotReadIsSaidAndIsAFinding) {
  vault::v1::Scrub scrub = Ended();
  EXPECT_TRUE(FoundNothing(scrub));
  scrub.set_unreadable(1);
  scrub.set_passed_over(2);
  EXPECT_EQ(ScrubText(scrub),
            "scrub ab, begun 2025-11-20 13:00:00, ended 2025-11-20 13:01:00\n"
            "read: 2 versions, 1,234 bytes; 0 values of no paper removed\n"
            "0 findings\n"
            "not read: 1 row or stretch of the disk, 2 persons passed over\n");
  EXPECT_FALSE(FoundNothing(scrub));
  scrub.clear_unreadable();
  EXPECT_FALSE(FoundNothing(scrub));
  scrub.clear_passed_over();
  scrub.set_damaged(1);
  EXPECT_FALSE(FoundNothing(scrub));
}

}  // namespace
}  // namespace relais::cli
