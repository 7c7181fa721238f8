#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/alerting/v1/events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Teller;

void Refused(Teller& teller, const std::string& sender, const std::string& reason, uint64_t count,
             bool irregular, bool gated = false) {
  alerting::v1::SignalRefused refused;
  refused.set_type(alerting::v1::FEED_TYPE_EDF);
  refused.set_reason(reason);
  refused.set_count(count);
  refused.set_irregular(irregular);
  refused.set_gated(gated);
  teller.Tell("alerting", audit::v1::EVENT_CLASS_SIGNAL_REFUSED, refused,
              [&](SeenLeaf& leaf) { leaf.header.set_institution(sender); });
}

TEST(IrregularTransmissions, PerSenderAndReasonWithCounts) {
  Teller teller(MakeIrregularTransmissions({}));
  Refused(teller, "edf", "WINDOW_OPEN", 2, true);
  Refused(teller, "edf", "WINDOW_OPEN", 3, true);
  Refused(teller, "edf", "TOO_EARLY", 1, true);
  Refused(teller, "engie", "WINDOW_OPEN", 1, true);
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].what, "TOO_EARLY");
  EXPECT_EQ(found[1].institution, "edf");
  EXPECT_EQ(found[1].facts.at("rows"), "5");
  EXPECT_THAT(found[1].leaves, ElementsAre(0, 1));
  EXPECT_EQ(found[2].institution, "engie");
}

TEST(IrregularTransmissions, NotWhatWasHeldBackNorWhatTheRowDoesNotSay) {
  Teller teller(MakeIrregularTransmissions({}));
  Refused(teller, "edf", "WINDOW_OPEN", 1, false, true);
  Refused(teller, "edf", "REFERENCE_REUSED", 1, false);
  Refused(teller, "edf", "OPPOSED", 1, false);  // an objection on file
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
